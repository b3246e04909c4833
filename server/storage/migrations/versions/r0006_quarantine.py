"""Tools of upstream MCP servers that wait for an operator."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "held_tools",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("provider", sa.String(128), primary_key=True),
        sa.Column("tool_hash", sa.String(64), primary_key=True),
        sa.Column("concerns", sa.String(64), primary_key=True),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("held", sa.Text, nullable=False),
        sa.Column("held_at", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("held_tools")
