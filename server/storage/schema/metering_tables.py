"""Tables of metering: what budgets have spent and set aside, and what operations with a price came to."""

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from server.storage.schema.metadata import metadata

#: One row for each budget, whose (for `*`) and window.
budget_counters = Table(
    "budget_counters",
    metadata,
    #: SHA-256 of what it is about: of one length whatever callers call themselves
    Column("counter_id", String(64), primary_key=True),
    #: empty where it counts the calls of several tenants
    Column("tenant_id", String(64), nullable=False),
    Column("budget", Text, nullable=False),
    Column("whose", Text, nullable=False),
    Column("window_start", BigInteger, nullable=False),
    #: NULL: it never starts anew
    Column("window_end", BigInteger, index=True),
    #: money in billionths of a dollar
    Column("spent_nano_usd", BigInteger, nullable=False),
    Column("spent_tokens", BigInteger, nullable=False),
    Column("reserved_nano_usd", BigInteger, nullable=False),
    Column("reserved_tokens", BigInteger, nullable=False),
    #: JSON list of [nano_usd, tokens]: the thresholds that were told
    Column("alerted", Text, nullable=False),
    Index("ix_budget_counters_budget", "budget", "tenant_id"),
)

#: What is set aside for a call, and what it came to.
budget_reservations = Table(
    "budget_reservations",
    metadata,
    Column("reservation_id", String(64), primary_key=True),
    Column("tenant_id", String(64), nullable=False),
    #: JSON list of counter ids
    Column("counters", Text, nullable=False),
    Column("nano_usd", BigInteger, nullable=False),
    Column("tokens", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    #: open, settled, released
    Column("state", String(16), nullable=False),
    Column("spent_nano_usd", BigInteger, nullable=False),
    Column("spent_tokens", BigInteger, nullable=False),
    Index("ix_budget_reservations_state", "state", "expires_at"),
)

#: One row for each request of an operation that has a price; together with model_calls, what the counters have spent.
operation_charges = Table(
    "operation_charges",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("charge_id", String(64), primary_key=True),
    Column("at", BigInteger, nullable=False, index=True),
    Column("provider", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("subject", Text, nullable=False),
    #: ok, error, cancelled
    Column("outcome", String(16), nullable=False),
    #: billionths of a dollar
    Column("cost_nano_usd", BigInteger, nullable=False),
    Column("trace_id", String(64), nullable=False),
)
