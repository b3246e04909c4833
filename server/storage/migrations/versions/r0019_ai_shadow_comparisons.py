"""What the shadows of experiments came to, in figures."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_table(
        "ai_shadow_comparisons",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("call_id", sa.String(64), primary_key=True),
        sa.Column("arm", sa.String(200), primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("experiment", sa.String(200), nullable=False),
        sa.Column("similarity", sa.Float),
        sa.Column("chars", sa.Integer, nullable=False),
        sa.Column("shadow_chars", sa.Integer, nullable=False),
        sa.Column("ms", sa.Float, nullable=False),
        sa.Column("shadow_ms", sa.Float, nullable=False),
        sa.Column("cost_nano_usd", sa.BigInteger),
        sa.Column("shadow_cost_nano_usd", sa.BigInteger),
    )
    op.create_index("ix_ai_shadow_comparisons_experiment", "ai_shadow_comparisons", ["experiment", "at"])


def downgrade() -> None:
    op.drop_table("ai_shadow_comparisons")
