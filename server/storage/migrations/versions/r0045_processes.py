"""What several processes of one store share: leases of what one does for all, and plans that wait for an account."""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"


def upgrade() -> None:
    op.create_table(
        "leases",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "pending_plans",
        sa.Column("call_hash", sa.String(64), primary_key=True),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_pending_plans_expires_at", "pending_plans", ["expires_at"])
    op.create_index("ix_pending_plans_owner", "pending_plans", ["tenant_id"])


def downgrade() -> None:
    op.drop_table("pending_plans")
    op.drop_table("leases")
