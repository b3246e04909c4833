"""Kept results and plans are counted by tenant and person."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_index("ix_results_owner", "results", ["tenant_id", "subject"])
    op.create_index("ix_plans_owner", "plans", ["tenant_id", "subject"])


def downgrade() -> None:
    op.drop_index("ix_plans_owner", "plans")
    op.drop_index("ix_results_owner", "results")
