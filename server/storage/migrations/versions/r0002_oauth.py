"""Clients, authorization requests, grants and everything that belongs to a grant."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

HASH = sa.LargeBinary(32)
TABLES = (
    "security_events",
    "static_tokens",
    "used_assertions",
    "device_codes",
    "consents",
    "refresh_tokens",
    "access_tokens",
    "authorization_codes",
    "grants",
    "pushed_requests",
    "authorization_requests",
    "oauth_clients",
)
INDEXES = (
    ("ix_oauth_clients_created_at", "oauth_clients", ["created_at"]),
    ("ix_oauth_clients_expires_at", "oauth_clients", ["expires_at"]),
    ("ix_authorization_requests_expires_at", "authorization_requests", ["expires_at"]),
    ("ix_pushed_requests_expires_at", "pushed_requests", ["expires_at"]),
    ("ix_grants_client_id", "grants", ["client_id"]),
    ("ix_grants_expires_at", "grants", ["expires_at"]),
    ("ix_grants_subject", "grants", ["tenant_id", "subject", "client_id"]),
    ("ix_authorization_codes_grant_id", "authorization_codes", ["grant_id"]),
    ("ix_access_tokens_grant_id", "access_tokens", ["grant_id"]),
    ("ix_access_tokens_expires_at", "access_tokens", ["expires_at"]),
    ("ix_refresh_tokens_grant_id", "refresh_tokens", ["grant_id"]),
    ("ix_refresh_tokens_rotated_at", "refresh_tokens", ["rotated_at"]),
    ("ix_device_codes_expires_at", "device_codes", ["expires_at"]),
    ("ix_used_assertions_expires_at", "used_assertions", ["expires_at"]),
    ("ix_static_tokens_tenant_id", "static_tokens", ["tenant_id"]),
    ("ix_security_events_at", "security_events", ["at"]),
    ("ix_security_events_tenant", "security_events", ["tenant_id", "seq"]),
)


def upgrade() -> None:
    _create_request_tables()
    _create_grant_tables()
    _create_token_tables()
    _create_other_tables()
    for index, table, columns in INDEXES:
        op.create_index(index, table, columns)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)


def _create_request_tables() -> None:
    op.create_table(
        "oauth_clients",
        sa.Column("client_id", sa.String(512), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("tenant_id", sa.String(64)),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("metadata", sa.Text, nullable=False),
        sa.Column("auth_method", sa.String(32), nullable=False),
        sa.Column("secret_hash", HASH),
        sa.Column("registration_hash", HASH),
        sa.Column("registered_from", sa.String(64), nullable=False, server_default=""),
        sa.Column("document_hash", sa.String(64), nullable=False, server_default=""),
        sa.Column("document_fetched_at", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("document_fresh_until", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("last_used_at", sa.BigInteger),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("disabled", sa.Boolean, nullable=False),
    )
    op.create_table(
        "authorization_requests",
        sa.Column("request_hash", HASH, primary_key=True),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("browser", sa.String(128), nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("device_code_hash", HASH),
        sa.Column("answered_at", sa.BigInteger),
        sa.Column("reply_box", sa.LargeBinary),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "pushed_requests",
        sa.Column("handle_hash", HASH, primary_key=True),
        sa.Column("client_id", sa.String(512), nullable=False),
        sa.Column("parameters", sa.Text, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )


def _create_grant_tables() -> None:
    op.create_table(
        "grants",
        sa.Column("grant_id", sa.String(64), primary_key=True),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("client_id", sa.String(512), nullable=False),
        sa.Column("resource", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("grant_type", sa.String(32), nullable=False),
        sa.Column("native", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("revoked_at", sa.BigInteger),
        sa.Column("revoke_reason", sa.String(64), nullable=False, server_default=""),
    )
    op.create_table(
        "authorization_codes",
        sa.Column("code_hash", HASH, primary_key=True),
        sa.Column("grant_id", sa.String(64), nullable=False),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("client_id", sa.String(512), nullable=False),
        sa.Column("redirect_uri", sa.Text, nullable=False),
        sa.Column("code_challenge", sa.String(64), nullable=False),
        sa.Column("failed_tries", sa.Integer, nullable=False),
        sa.Column("used_at", sa.BigInteger),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )


def _create_token_tables() -> None:
    op.create_table(
        "access_tokens",
        sa.Column("token_hash", HASH, primary_key=True),
        sa.Column("grant_id", sa.String(64), nullable=False),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("client_id", sa.String(512), nullable=False),
        sa.Column("resource", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("issued_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("token_hash", HASH, primary_key=True),
        sa.Column("grant_id", sa.String(64), nullable=False),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("issued_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("rotated_at", sa.BigInteger),
        sa.Column("reply_box", sa.LargeBinary),
    )
    op.create_table(
        "consents",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("subject", sa.String(128), primary_key=True),
        sa.Column("client_id", sa.String(512), primary_key=True),
        sa.Column("redirect_uri", sa.String(512), primary_key=True),
        sa.Column("resource", sa.String(512), primary_key=True),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("document_hash", sa.String(64), nullable=False),
        sa.Column("granted_at", sa.BigInteger, nullable=False),
    )


def _create_other_tables() -> None:
    op.create_table(
        "device_codes",
        sa.Column("device_hash", HASH, primary_key=True),
        sa.Column("user_code", sa.String(16), nullable=False, unique=True),
        sa.Column("client_id", sa.String(512), nullable=False),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("resource", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("interval_us", sa.BigInteger, nullable=False),
        sa.Column("last_polled_at", sa.BigInteger),
        sa.Column("grant_id", sa.String(64)),
        sa.Column("denied", sa.Boolean, nullable=False),
        sa.Column("used", sa.Boolean, nullable=False),
    )
    op.create_table(
        "used_assertions",
        sa.Column("issuer", sa.String(512), primary_key=True),
        sa.Column("assertion_id", sa.String(255), primary_key=True),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "static_tokens",
        sa.Column("token_hash", HASH, primary_key=True),
        sa.Column("token_id", sa.String(64), nullable=False, unique=True),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("last_used_at", sa.BigInteger),
        sa.Column("calls", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "security_events",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("client_id", sa.String(512), nullable=False),
        sa.Column("grant_id", sa.String(64), nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
    )
