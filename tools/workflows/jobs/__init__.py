"""Workflows that the gateway runs by itself, for each tenant: each looks at something and leaves a report.

report         {title, findings, counts, checked_at}
token_health   connections that end, fail or were never used     error_pattern   kinds of failures that are new or grow
docs_freshness imported documents that changed upstream          backup_verify   whether the newest backup can be restored
"""
