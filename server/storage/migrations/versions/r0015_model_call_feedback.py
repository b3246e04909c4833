"""What people thought of answers of models."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "model_call_feedback",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("call_id", sa.String(64), primary_key=True),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_model_call_feedback_at", "model_call_feedback", ["at"])


def downgrade() -> None:
    op.drop_table("model_call_feedback")
