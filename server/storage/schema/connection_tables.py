"""Tables of the vault and of connections. Nothing here is readable without a key-encryption key."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table, Text, UniqueConstraint

from server.storage.schema.metadata import metadata

vault_keys = Table(
    "vault_keys",
    metadata,
    Column("dek_id", String(32), primary_key=True),
    Column("tenant_id", String(64), nullable=False, index=True),
    Column("kek_id", String(32), nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
# One active key for each tenant, whatever two processes do at once.
Index(
    "uq_vault_keys_active",
    vault_keys.c.tenant_id,
    unique=True,
    # See subject_tables: for SQLite alone.
    sqlite_where=vault_keys.c.is_active,
)

vault_secrets = Table(
    "vault_secrets",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("name", String(400), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("dek_id", String(32), nullable=False, index=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

#: a sealed sum over all secrets of a tenant, so that rows put back from a backup are noticed
vault_marks = Table(
    "vault_marks",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("dek_id", String(32), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

#: who saw or changed which secret, and what for; appended only
vault_events = Table(
    "vault_events",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("tenant_id", String(64), nullable=False, index=True),
    Column("actor", Text, nullable=False),
    Column("action", String(32), nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("purpose", Text, nullable=False),
)

connections = Table(
    "connections",
    metadata,
    Column("account_id", String(64), primary_key=True),
    Column("tenant_id", String(64), nullable=False),
    #: empty: everybody in the tenant
    Column("subject", String(128), nullable=False),
    Column("provider", String(64), nullable=False),
    Column("alias", String(128), nullable=False),
    Column("external_id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    #: separated by spaces; null: unknown
    Column("scopes", Text),
    Column("state", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("is_default", Boolean, nullable=False),
    Column("registered_by", String(64), nullable=False),
    Column("api_base", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("refresh_due_at", BigInteger, index=True),
    Column("fail_count", Integer, nullable=False),
    Column("last_error", String(64), nullable=False),
    Column("lease_owner", String(64)),
    Column("lease_until", BigInteger),
    Column("fence", Integer, nullable=False, server_default="0"),
    UniqueConstraint("tenant_id", "subject", "provider", "alias", name="uq_connections_alias"),
)

#: a person on the way to a provider and back
connect_flows = Table(
    "connect_flows",
    metadata,
    Column("flow_hash", String(64), primary_key=True),
    Column("tenant_id", String(64), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("client_id", Text, nullable=False),
    Column("provider", String(64), nullable=False),
    Column("scopes", Text, nullable=False),
    #: the account that is reconnected; empty: a new one
    Column("account_id", String(64), nullable=False),
    Column("alias", String(128), nullable=False),
    Column("wish", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    #: hash of the OAuth `state` of the trip under way
    Column("trip_hash", String(64), unique=True),
    Column("browser", String(64), nullable=False, server_default=""),
    #: code verifier, nonce and inputs of the trip, sealed
    Column("trip", LargeBinary),
    Column("trip_dek_id", String(32)),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Index("ix_connect_flows_tenant", "tenant_id", "expires_at"),
)

#: our application at a provider; its secret is in the vault
provider_registrations = Table(
    "provider_registrations",
    metadata,
    #: empty: shared by the operator with all tenants
    Column("tenant_id", String(64), primary_key=True),
    Column("provider", String(64), primary_key=True),
    Column("client_id", Text, nullable=False),
    #: JSON: a definition of one's own (else the built-in one) and values of the definition's inputs
    Column("definition", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
