"""Tables of the AI gateway: who may call, and what was called."""

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, LargeBinary, String, Table, Text

from server.storage.schema.metadata import metadata

caller_keys = Table(
    "caller_keys",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("key_id", String(64), primary_key=True),
    #: SHA-256: who reads the store cannot call with it
    Column("key_hash", LargeBinary, nullable=False, unique=True),
    Column("name", String(64), nullable=False),
    #: e-mail; empty where nobody stands behind it
    Column("user", String(254), nullable=False),
    #: JSON list of globs; NULL: whatever the tenant may use
    Column("allow", Text),
    #: billionths of a dollar; NULL: no budget of its own
    Column("budget_nano_usd", BigInteger),
    Column("budget_window", String(16), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger),
    Column("revoked_at", BigInteger),
)

#: One row for each model call, log and ledger in one; column names are what operators query by.
model_calls = Table(
    "model_calls",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("call_id", String(64), primary_key=True),
    Column("at", BigInteger, nullable=False, index=True),
    Column("gateway", Text, nullable=False),
    Column("key_id", String(64), nullable=False),
    Column("user", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("requested", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("is_stream", Boolean, nullable=False),
    #: JSON list of [model, status, error, ms]
    Column("attempts", Text, nullable=False),
    Column("cache", String(16), nullable=False),
    Column("experiment", Text, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("cached_input_tokens", BigInteger, nullable=False),
    Column("cache_write_tokens", BigInteger, nullable=False),
    Column("cache_write_1h_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("reasoning_tokens", BigInteger, nullable=False),
    Column("is_estimated", Boolean, nullable=False),
    #: billionths of a dollar; NULL: no price is known
    Column("cost_nano_usd", BigInteger),
    Column("price_from", Text, nullable=False),
    Column("ttft_ms", Float),
    Column("ms", Float, nullable=False),
    Column("overhead_ms", Float, nullable=False),
    #: JSON of the caller
    Column("metadata", Text, nullable=False),
    Column("trace_id", String(64), nullable=False),
    #: JSON list of reasons
    Column("decision", Text, nullable=False),
    Index("ix_model_calls_tenant_at", "tenant_id", "at"),
    Index("ix_model_calls_trace_id", "trace_id"),
)

#: The words of calls whose tenant and caller both want them on record.
model_call_payloads = Table(
    "model_call_payloads",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("call_id", String(64), primary_key=True),
    #: of its call
    Column("at", BigInteger, nullable=False, index=True),
    Column("request", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Index("ix_model_call_payloads_tenant_at", "tenant_id", "at"),
)

model_call_feedback = Table(
    "model_call_feedback",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("call_id", String(64), primary_key=True),
    Column("score", Float, nullable=False),
    Column("comment", Text, nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
)

#: What a shadow's answer was beside the caller's; figures, and no words.
ai_shadow_comparisons = Table(
    "ai_shadow_comparisons",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("call_id", String(64), primary_key=True),
    Column("arm", String(200), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("experiment", String(200), nullable=False),
    #: NULL: the encoder knows no word of one of them
    Column("similarity", Float),
    Column("chars", Integer, nullable=False),
    Column("shadow_chars", Integer, nullable=False),
    Column("ms", Float, nullable=False),
    Column("shadow_ms", Float, nullable=False),
    #: billionths of a dollar; NULL: no price is known
    Column("cost_nano_usd", BigInteger),
    Column("shadow_cost_nano_usd", BigInteger),
    Index("ix_ai_shadow_comparisons_experiment", "experiment", "at"),
)
