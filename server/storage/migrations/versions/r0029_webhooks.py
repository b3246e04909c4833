"""Webhooks, and what came by them."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    op.create_table(
        "webhooks",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("source", sa.String(64), primary_key=True),
        sa.Column("scheme", sa.String(16), nullable=False),
        sa.Column("secrets", sa.Text, nullable=False),
        sa.Column("workflow", sa.String(64), nullable=False),
        sa.Column("acts_for", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("particulars", sa.Text),
        sa.Column("body_kept_days", sa.Integer, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "webhook_inbox",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("delivery_id", sa.String(32), primary_key=True),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("event_mark", sa.String(64), nullable=False),
        sa.Column("content_mark", sa.String(64)),
        sa.Column("workflow", sa.String(64), nullable=False),
        sa.Column("acts_for", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("replays", sa.Integer, nullable=False),
        sa.Column("media_type", sa.String(100), nullable=False),
        sa.Column("body", sa.LargeBinary),
        sa.Column("body_bytes", sa.Integer, nullable=False),
        sa.Column("body_until", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("tenant_id", "source", "event_mark", name="uq_webhook_inbox_event"),
        sa.UniqueConstraint("tenant_id", "source", "content_mark", name="uq_webhook_inbox_content"),
    )
    op.create_index("ix_webhook_inbox_received", "webhook_inbox", ["tenant_id", "received_at"])
    op.create_index("ix_webhook_inbox_kept", "webhook_inbox", ["tenant_id", "body_bytes"])
    op.create_index("ix_webhook_inbox_until", "webhook_inbox", ["body_until"])


def downgrade() -> None:
    op.drop_table("webhook_inbox")
    op.drop_table("webhooks")
