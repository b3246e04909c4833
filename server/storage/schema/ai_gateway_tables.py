"""Tables of the AI gateway: who may call, and what was called."""

from sqlalchemy import BigInteger, Column, LargeBinary, String, Table, Text

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
