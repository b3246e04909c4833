"""How far the rollouts of experiments are."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.create_table(
        "ai_rollout_steps",
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("rollout_of", sa.Text, nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("reached_at", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("ai_rollout_steps")
