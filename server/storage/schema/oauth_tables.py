"""Tables of the authorization server. Tokens, codes, handles and secrets appear only as SHA-256 (32 bytes)."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table, Text

from server.storage.schema.metadata import metadata

HASH = LargeBinary(32)

oauth_clients = Table(
    "oauth_clients",
    metadata,
    Column("client_id", String(512), primary_key=True),
    #: registered by an operator, document at its client_id, dynamic (RFC 7591)
    Column("kind", String(16), nullable=False),
    #: null: every tenant may use it
    Column("tenant_id", String(64)),
    Column("name", Text, nullable=False),
    #: JSON: redirect URIs, grant types, links, keys, service principal
    Column("metadata", Text, nullable=False),
    Column("auth_method", String(32), nullable=False),
    Column("secret_hash", HASH),
    Column("registration_hash", HASH),
    Column("registered_from", String(64), nullable=False, server_default=""),
    Column("document_hash", String(64), nullable=False, server_default=""),
    Column("document_fetched_at", BigInteger, nullable=False, server_default="0"),
    Column("document_fresh_until", BigInteger, nullable=False, server_default="0"),
    Column("created_at", BigInteger, nullable=False, index=True),
    Column("last_used_at", BigInteger),
    Column("expires_at", BigInteger, index=True),
    Column("disabled", Boolean, nullable=False),
)

authorization_requests = Table(
    "authorization_requests",
    metadata,
    Column("request_hash", HASH, primary_key=True),
    Column("tenant_id", String(64), nullable=False),
    #: whom the quota counts
    Column("client_id", String(512), nullable=False, server_default=""),
    Column("browser", String(128), nullable=False),
    #: JSON: the checked request without its handle
    Column("request", Text, nullable=False),
    Column("device_code_hash", HASH),
    Column("answered_at", BigInteger),
    #: the redirect that answered it, sealed under the handle
    Column("reply_box", LargeBinary),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Index("ix_authorization_requests_tenant", "tenant_id", "expires_at"),
)

pushed_requests = Table(
    "pushed_requests",
    metadata,
    Column("handle_hash", HASH, primary_key=True),
    Column("client_id", String(512), nullable=False),
    Column("parameters", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
)

grants = Table(
    "grants",
    metadata,
    Column("grant_id", String(64), primary_key=True),
    Column("tenant_id", String(64), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("client_id", String(512), nullable=False, index=True),
    Column("resource", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("grant_type", String(32), nullable=False),
    Column("native", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("revoked_at", BigInteger),
    Column("revoke_reason", String(64), nullable=False, server_default=""),
    #: what was asked for and the person did not give
    Column("left_out", Text, nullable=False, server_default=""),
    Index("ix_grants_subject", "tenant_id", "subject", "client_id"),
)

authorization_codes = Table(
    "authorization_codes",
    metadata,
    Column("code_hash", HASH, primary_key=True),
    Column("grant_id", String(64), nullable=False, index=True),
    Column("tenant_id", String(64), nullable=False),
    Column("client_id", String(512), nullable=False),
    Column("redirect_uri", Text, nullable=False),
    Column("code_challenge", String(64), nullable=False),
    Column("failed_tries", Integer, nullable=False),
    Column("used_at", BigInteger),
    Column("expires_at", BigInteger, nullable=False),
)

access_tokens = Table(
    "access_tokens",
    metadata,
    Column("token_hash", HASH, primary_key=True),
    Column("grant_id", String(64), nullable=False, index=True),
    Column("tenant_id", String(64), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("client_id", String(512), nullable=False),
    Column("resource", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("issued_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    #: whose the store was when it was issued; a process of another environment does not know the token
    Column("environment", Text, nullable=False, server_default=""),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("token_hash", HASH, primary_key=True),
    Column("grant_id", String(64), nullable=False, index=True),
    Column("tenant_id", String(64), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("issued_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("rotated_at", BigInteger, index=True),
    #: the reply that rotated it, sealed under the token itself; gone when the grace window ends
    Column("reply_box", LargeBinary),
    #: whose the store was when it was issued; a process of another environment does not know the token
    Column("environment", Text, nullable=False, server_default=""),
)

consents = Table(
    "consents",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("subject", String(128), primary_key=True),
    Column("client_id", String(512), primary_key=True),
    Column("redirect_uri", String(512), primary_key=True),
    Column("resource", String(512), primary_key=True),
    Column("scopes", Text, nullable=False),
    Column("document_hash", String(64), nullable=False),
    Column("granted_at", BigInteger, nullable=False),
    Column("left_out", Text, nullable=False, server_default=""),
)

device_codes = Table(
    "device_codes",
    metadata,
    Column("device_hash", HASH, primary_key=True),
    Column("user_code", String(16), nullable=False, unique=True),
    Column("client_id", String(512), nullable=False),
    Column("tenant_id", String(64), nullable=False),
    Column("resource", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("interval_us", BigInteger, nullable=False),
    Column("last_polled_at", BigInteger),
    Column("grant_id", String(64)),
    Column("denied", Boolean, nullable=False),
    Column("used", Boolean, nullable=False),
    Index("ix_device_codes_tenant", "tenant_id", "expires_at"),
)

used_assertions = Table(
    "used_assertions",
    metadata,
    Column("issuer", String(512), primary_key=True),
    Column("assertion_id", String(255), primary_key=True),
    Column("expires_at", BigInteger, nullable=False, index=True),
)

static_tokens = Table(
    "static_tokens",
    metadata,
    Column("token_hash", HASH, primary_key=True),
    Column("token_id", String(64), nullable=False, unique=True),
    Column("tenant_id", String(64), nullable=False, index=True),
    Column("subject", String(128), nullable=False),
    Column("label", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger),
    Column("calls", BigInteger, nullable=False),
    #: whose the store was when it was issued; a process of another environment does not know the token
    Column("environment", Text, nullable=False, server_default=""),
)

security_events = Table(
    "security_events",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False, index=True),
    Column("action", String(64), nullable=False),
    #: empty where no tenant was known yet
    Column("tenant_id", String(64), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("client_id", String(512), nullable=False),
    Column("grant_id", String(64), nullable=False),
    Column("facts", Text, nullable=False),
    Index("ix_security_events_tenant", "tenant_id", "seq"),
)
