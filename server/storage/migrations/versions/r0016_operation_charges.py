"""What requests of operations with a price came to."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "operation_charges",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("charge_id", sa.String(64), primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("cost_nano_usd", sa.BigInteger, nullable=False),
        sa.Column("trace_id", sa.String(64), nullable=False),
    )
    op.create_index("ix_operation_charges_at", "operation_charges", ["at"])


def downgrade() -> None:
    op.drop_table("operation_charges")
