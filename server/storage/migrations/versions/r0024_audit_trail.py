"""Who did what, each row sealed together with the one before it."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.create_table(
        "kv_audit",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False, index=True),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("surface", sa.String(16), nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("trace_id", sa.String(32), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_index("ix_kv_audit_tenant", "kv_audit", ["tenant_id", "seq"])
    op.create_table(
        "audit_ends",
        sa.Column("name", sa.String(16), primary_key=True),
        sa.Column("last_seq", sa.BigInteger, nullable=False),
        sa.Column("last_hash", sa.String(64), nullable=False),
        sa.Column("swept_seq", sa.BigInteger, nullable=False),
        sa.Column("swept_hash", sa.String(64), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("audit_ends")
    op.drop_table("kv_audit")
