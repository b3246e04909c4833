"""Tables of the vault and of connections."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    _vault()
    _connections()
    op.create_table(
        "provider_registrations",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("provider", sa.String(64), primary_key=True),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("definition", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    for table in ("provider_registrations", "connect_flows", "connections", "vault_events", "vault_secrets", "vault_keys"):
        op.drop_table(table)


def _vault() -> None:
    op.create_table(
        "vault_keys",
        sa.Column("dek_id", sa.String(32), primary_key=True),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("kek_id", sa.String(32), nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("is_active", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_vault_keys_tenant_id", "vault_keys", ["tenant_id"])
    active = sa.text("is_active")
    op.create_index("uq_vault_keys_active", "vault_keys", ["tenant_id"], unique=True, sqlite_where=active, postgresql_where=active)
    op.create_table(
        "vault_secrets",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(400), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("dek_id", sa.String(32), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_vault_secrets_dek_id", "vault_secrets", ["dek_id"])
    op.create_table(
        "vault_events",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
    )
    op.create_index("ix_vault_events_tenant_id", "vault_events", ["tenant_id"])


def _connections() -> None:
    op.create_table(
        "connections",
        sa.Column("account_id", sa.String(64), primary_key=True),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("alias", sa.String(128), nullable=False),
        sa.Column("external_id", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("scopes", sa.Text),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("is_default", sa.Boolean, nullable=False),
        sa.Column("registered_by", sa.String(64), nullable=False),
        sa.Column("api_base", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("refresh_due_at", sa.BigInteger),
        sa.Column("fail_count", sa.Integer, nullable=False),
        sa.Column("last_error", sa.String(64), nullable=False),
        sa.Column("lease_owner", sa.String(64)),
        sa.Column("lease_until", sa.BigInteger),
        sa.Column("fence", sa.Integer, nullable=False, server_default="0"),
        sa.UniqueConstraint("tenant_id", "subject", "provider", "alias", name="uq_connections_alias"),
    )
    op.create_index("ix_connections_refresh_due_at", "connections", ["refresh_due_at"])
    op.create_table(
        "connect_flows",
        sa.Column("flow_hash", sa.String(64), primary_key=True),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("account_id", sa.String(64), nullable=False),
        sa.Column("alias", sa.String(128), nullable=False),
        sa.Column("wish", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("trip_hash", sa.String(64), unique=True),
        sa.Column("browser", sa.String(64), nullable=False, server_default=""),
        sa.Column("trip", sa.LargeBinary),
        sa.Column("trip_dek_id", sa.String(32)),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_connect_flows_expires_at", "connect_flows", ["expires_at"])
