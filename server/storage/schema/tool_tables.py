"""Tables of operations and their calls. `tenant_id` is empty where a row is shared by all tenants."""

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, LargeBinary, String, Table, Text

from server.storage.schema.metadata import metadata

sources = Table(
    "sources",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("provider", String(128), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("location", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("settings", Text, nullable=False),
    Column("imported_at", BigInteger, nullable=False),
)

operations = Table(
    "operations",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("provider", String(128), primary_key=True),
    Column("operation_id", String(256), primary_key=True),
    Column("access", String(16), nullable=False),
    Column("content_hash", String(64), nullable=False),
    #: JSON: the operation without what follows, which a snapshot keeps as text
    Column("definition", Text, nullable=False),
    Column("binding", Text, nullable=False),
    Column("input_schema", Text, nullable=False),
    Column("output_schema", Text),
)

#: Tools of upstream MCP servers that wait for an operator: changed since they were accepted, gone, or new.
held_tools = Table(
    "held_tools",
    metadata,
    #: whose source it is
    Column("tenant_id", String(64), primary_key=True),
    Column("provider", String(128), primary_key=True),
    #: SHA-256 of the upstream's name for it, which may be of any length
    Column("tool_hash", String(64), primary_key=True),
    #: the tenant for whom it is held; empty for all who see the source
    Column("concerns", String(64), primary_key=True),
    Column("reason", String(16), nullable=False),
    #: JSON: everything else
    Column("held", Text, nullable=False),
    Column("held_at", BigInteger, nullable=False),
)

#: Calls of the time before there was a history (server/storage/history/), which takes them over.
call_records_before = Table(
    "call_records_before",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("tenant", String(64), nullable=False),
    Column("tool", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("auth_method", String(32), nullable=False),
    Column("duration_ms", Float, nullable=False),
    Column("success", Boolean, nullable=False),
    Column("error_code", String(64)),
    Column("trace_id", String(64), nullable=False),
    Column("subject", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("time", BigInteger, nullable=False),
    Index("ix_call_records_before_tenant_time", "tenant", "time"),
)

results = Table(
    "results",
    metadata,
    #: SHA-256 of the handle: who reads the store cannot read with it
    Column("handle_hash", String(64), primary_key=True),
    Column("tenant_id", String(64), nullable=False),
    Column("subject", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    #: for the quotas of tenant and person
    Index("ix_results_owner", "tenant_id", "subject"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("subject", String(255), primary_key=True),
    #: SHA-256 of the key
    Column("key_hash", String(64), primary_key=True),
    Column("request_hash", String(64), nullable=False),
    #: null while the first call runs
    Column("outcome", LargeBinary),
    #: a claim without an outcome is given up then: its process died
    Column("claimed_until", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
)

plans = Table(
    "plans",
    metadata,
    Column("handle_hash", String(64), primary_key=True),
    Column("tenant_id", String(64), nullable=False),
    Column("subject", Text, nullable=False),
    Column("plan", LargeBinary, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Index("ix_plans_owner", "tenant_id", "subject"),
)

plan_steps = Table(
    "plan_steps",
    metadata,
    Column("handle_hash", String(64), primary_key=True),
    Column("step_id", String(255), primary_key=True),
    Column("tenant_id", String(64), nullable=False),
    Column("result", LargeBinary, nullable=False),
)

#: Plans of 2025-11-25 clients that wait for an account.
pending_plans = Table(
    "pending_plans",
    metadata,
    #: SHA-256 of who sent what
    Column("call_hash", String(64), primary_key=True),
    Column("tenant_id", String(64), nullable=False),
    #: the handle that runs the rest, under a key that is not here
    Column("sealed", LargeBinary, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Index("ix_pending_plans_owner", "tenant_id"),
)

#: Calls that outlast their request (MCP extension `io.modelcontextprotocol/tasks`).
tasks = Table(
    "tasks",
    metadata,
    #: SHA-256 of the task's id
    Column("handle_hash", String(64), primary_key=True),
    Column("tenant_id", String(64), nullable=False),
    Column("subject", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("message", Text),
    #: JSON: the result, the error, or what is asked of the client
    Column("payload", LargeBinary),
    #: JSON: what it takes to go on; empty once it has ended
    Column("work", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    #: the process that runs it, and until when it need not say that it is alive
    Column("owner", String(32), nullable=False),
    Column("lease_until", BigInteger, nullable=False),
    Column("is_stopping", Boolean, nullable=False),
    #: each change adds one, and is made on the version that was read
    Column("version", BigInteger, nullable=False),
    Index("ix_tasks_owner", "tenant_id", "subject"),
    Index("ix_tasks_process", "owner"),
)

#: Intents that led to a successful call: what the index learns from.
usage_examples = Table(
    "usage_examples",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("operation_id", String(256), primary_key=True),
    Column("intent", String(400), primary_key=True),
    Column("uses", Integer, nullable=False),
    Column("used_at", BigInteger, nullable=False),
)
