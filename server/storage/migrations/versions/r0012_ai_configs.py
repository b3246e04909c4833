"""The versions of the AI gateway's configuration, and the experiments that stand still."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "ai_configs",
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("applied_by", sa.Text, nullable=False),
        sa.Column("applied_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "ai_experiment_holds",
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("held_by", sa.Text, nullable=False),
        sa.Column("held_at", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("ai_experiment_holds")
    op.drop_table("ai_configs")
