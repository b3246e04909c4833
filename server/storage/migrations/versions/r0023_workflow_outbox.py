"""Runs that were accepted and wait for the engine."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.create_table(
        "workflow_outbox",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("workflow", sa.String(64), primary_key=True),
        sa.Column("key", sa.String(200), primary_key=True),
        sa.Column("given", sa.Text, nullable=False),
        sa.Column("acts_for", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("started_by", sa.String(16), nullable=False),
        sa.Column("start_at", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_workflow_outbox_created_at", "workflow_outbox", ["created_at"])


def downgrade() -> None:
    op.drop_table("workflow_outbox")
