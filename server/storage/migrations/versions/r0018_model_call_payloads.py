"""The words of model calls, where tenant and caller both want them kept."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "model_call_payloads",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("call_id", sa.String(64), primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
    )
    op.create_index("ix_model_call_payloads_at", "model_call_payloads", ["at"])
    op.create_index("ix_model_call_payloads_tenant_at", "model_call_payloads", ["tenant_id", "at"])


def downgrade() -> None:
    op.drop_table("model_call_payloads")
