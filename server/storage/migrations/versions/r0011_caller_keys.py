"""Callers' keys of the AI gateway."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "caller_keys",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("key_id", sa.String(64), primary_key=True),
        sa.Column("key_hash", sa.LargeBinary, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("user", sa.String(254), nullable=False),
        sa.Column("allow", sa.Text),
        sa.Column("budget_nano_usd", sa.BigInteger),
        sa.Column("budget_window", sa.String(16), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("last_used_at", sa.BigInteger),
        sa.Column("revoked_at", sa.BigInteger),
        sa.UniqueConstraint("key_hash", name="uq_caller_keys_key_hash"),
    )


def downgrade() -> None:
    op.drop_table("caller_keys")
