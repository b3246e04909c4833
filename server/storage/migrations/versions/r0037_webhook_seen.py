"""What was signed without a time is remembered for as long as its webhook is there."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    op.create_table(
        "webhook_seen",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("source", sa.String(64), primary_key=True),
        sa.Column("mark", sa.String(64), primary_key=True),
        sa.Column("delivery_id", sa.String(32), nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_webhook_seen_age", "webhook_seen", ["tenant_id", "source", "received_at"])
    # Of what came before, as far as its content is known: where ids are not signed either.
    op.execute(
        "INSERT INTO webhook_seen (tenant_id, source, mark, delivery_id, received_at)"
        " SELECT tenant_id, source, content_mark, delivery_id, received_at FROM webhook_inbox WHERE content_mark IS NOT NULL"
    )


def downgrade() -> None:
    op.drop_table("webhook_seen")
