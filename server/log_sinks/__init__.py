"""Log sinks: rows of calls, of the audit trail and log lines, sent to where an operator wants them, at least once each.

sender     one stream of one sink: what is next, sent, on record      sending    all of them, as the configuration says
batch      the rows that go together                                 kept_lines  log lines on their way into the history
otlp_logs  rows as OpenTelemetry says them                           destinations  buckets, HTTP, OTLP
"""
