"""Alerts: their states, what was told of them, silences, and which node looks."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    op.create_table(
        "alert_states",
        sa.Column("rule", sa.String(64), primary_key=True),
        sa.Column("mark", sa.String(32), primary_key=True),
        sa.Column("labels", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("began_at", sa.BigInteger, nullable=False),
        sa.Column("fired_at", sa.BigInteger),
        sa.Column("gone_at", sa.BigInteger),
        sa.Column("resolved_at", sa.BigInteger),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "alert_groups",
        sa.Column("rule", sa.String(64), primary_key=True),
        sa.Column("told_at", sa.BigInteger),
        sa.Column("told_firing", sa.Text, nullable=False),
        sa.Column("told_resolved", sa.Text, nullable=False),
        sa.Column("waits_from", sa.BigInteger),
    )
    op.create_table(
        "alert_outbox",
        sa.Column("delivery_id", sa.String(32), primary_key=True),
        sa.Column("sink", sa.String(64), nullable=False),
        sa.Column("rule", sa.String(64), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("next_at", sa.BigInteger, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
    )
    op.create_index("ix_alert_outbox_created_at", "alert_outbox", ["created_at"])
    op.create_index("ix_alert_outbox_next", "alert_outbox", ["state", "next_at"])
    op.create_table(
        "silences",
        sa.Column("silence_id", sa.String(32), primary_key=True),
        sa.Column("matchers", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_silences_until", "silences", ["until"])
    op.create_table(
        "alert_watch",
        sa.Column("name", sa.String(16), primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("memory", sa.Text, nullable=False),
    )
    op.create_table(
        "alert_nodes",
        sa.Column("node", sa.String(128), primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("figures", sa.Text, nullable=False),
    )


def downgrade() -> None:
    for table in ("alert_nodes", "alert_watch", "silences", "alert_outbox", "alert_groups", "alert_states"):
        op.drop_table(table)
