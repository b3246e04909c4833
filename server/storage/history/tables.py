"""Tables of the history (operations contract, "Tables"). Times are whole microseconds since the epoch, UTC.

In PostgreSQL `call_records` is partitioned by day (server/storage/history/partitions.py).
"""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, MetaData, SmallInteger, String, Table, Text, text

from server.storage.schema.metadata import metadata as state_metadata

history_metadata = MetaData(naming_convention=state_metadata.naming_convention)
#: upper ends in milliseconds of how long calls took; the last bucket has none
BUCKETS_MS = (5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 30_000)
BUCKETS = len(BUCKETS_MS) + 1

#: One row for each call; column names are what operators query by.
call_records = Table(
    "call_records",
    history_metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("time", BigInteger, nullable=False),
    Column("tenant", String(64), nullable=False),
    Column("subject", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("auth_method", String(32), nullable=False),
    Column("tool", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("duration_ms", Float, nullable=False),
    Column("upstream_ms", Float),
    Column("upstream_status", SmallInteger),
    Column("success", Boolean, nullable=False),
    Column("error_code", String(64)),
    #: ours, upstream, caller, setup; empty: it succeeded
    Column("error_class", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("trace_id", String(64), nullable=False),
    Column("node", Text, nullable=False),
    Index("ix_call_records_tenant_time", "tenant", "time"),
    Index("ix_call_records_trace_id", "trace_id"),
    Index("ix_call_records_failures", "time", sqlite_where=text("success = 0")),
)


def _calls_of(beginning: str) -> list[Column[Any]]:
    """Return the columns of what calls came to from `beginning` on: how many, how long they took, and how many by bucket."""
    return [
        Column(beginning, BigInteger, primary_key=True, autoincrement=False),
        Column("tenant", String(64), primary_key=True),
        Column("tool", String(64), primary_key=True),
        #: empty: ok
        Column("code", String(64), primary_key=True),
        Column("error_class", String(16), nullable=False),
        Column("calls", BigInteger, nullable=False),
        Column("sum_ms", Float, nullable=False),
        Column("max_ms", Float, nullable=False),
        Column("sum_upstream_ms", Float, nullable=False),
        *(Column(f"b{place}", BigInteger, nullable=False) for place in range(BUCKETS)),
    ]


#: Calls by the hour, written with their rows; a percentile is read from the buckets.
call_hours = Table("call_hours", history_metadata, *_calls_of("hour"), sqlite_with_rowid=False)

#: The same by the day, which stays for longer.
call_days = Table("call_days", history_metadata, *_calls_of("day"), sqlite_with_rowid=False)

#: What the token endpoint was asked, by the hour.
token_hours = Table(
    "token_hours",
    history_metadata,
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    #: empty where nothing was issued
    Column("tenant", String(64), primary_key=True),
    Column("grant_type", String(64), primary_key=True),
    #: "issued", or the error code
    Column("outcome", String(64), primary_key=True),
    Column("requests", BigInteger, nullable=False),
    Column("sum_ms", Float, nullable=False),
    Column("max_ms", Float, nullable=False),
    *(Column(f"b{place}", BigInteger, nullable=False) for place in range(BUCKETS)),
    sqlite_with_rowid=False,
)

#: How often an operation was used on a day.
operation_days = Table(
    "operation_days",
    history_metadata,
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant", String(64), primary_key=True),
    Column("operation", String(200), primary_key=True),
    Column("calls", BigInteger, nullable=False),
    Column("failures", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

#: Failures of one kind, told once: first, last, how often, and one trace to look at.
error_ledger = Table(
    "error_ledger",
    history_metadata,
    #: of tenant, operation, code and reason without its numbers
    Column("fingerprint", String(32), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("operation", String(200), nullable=False),
    Column("code", String(64), nullable=False),
    Column("error_class", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("last_trace_id", String(64), nullable=False),
    #: open, acknowledged, resolved: one that comes again is open again
    Column("state", String(16), nullable=False),
    Column("changed_by", Text, nullable=False),
    Index("ix_error_ledger_last", "last_at"),
)

#: What the gateway did not let through as it was asked, by the hour and by who asked: a scope, a connection, a yes was missing.
decision_log = Table(
    "decision_log",
    history_metadata,
    #: of hour, tenant, subject, operation and decision
    Column("decision_id", String(32), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("subject", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("operation", String(200), nullable=False),
    #: the code that the caller got
    Column("decision", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("last_trace_id", String(64), nullable=False),
    Index("ix_decision_log_last", "last_at"),
    Index("ix_decision_log_tenant", "tenant", "last_at"),
)

#: Facts about the history itself: how far old rows were taken over.
history_facts = Table(
    "history_facts",
    history_metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)
