"""Durable work: runs, steps, signals, processes that have runs in hand, and how far sources were read."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.create_table(
        "workflow_runs",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("run_id", sa.String(400), primary_key=True),
        sa.Column("workflow", sa.String(64), nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("given", sa.Text, nullable=False),
        sa.Column("acts_for", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("started_by", sa.String(16), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("due_at", sa.BigInteger),
        sa.Column("owner", sa.String(32)),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("losses", sa.Integer, nullable=False),
        sa.Column("cancel_asked", sa.Boolean, nullable=False),
        sa.Column("result", sa.Text),
        sa.Column("failure", sa.Text),
    )
    op.create_index("ix_workflow_runs_due", "workflow_runs", ["owner", "due_at"])
    op.create_index("ix_workflow_runs_created", "workflow_runs", ["tenant_id", "created_at"])
    op.create_index("ix_workflow_runs_ended", "workflow_runs", ["ended_at", "tenant_id"])
    op.create_table(
        "workflow_steps",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("run_id", sa.String(400), primary_key=True),
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("wakes_at", sa.BigInteger),
        sa.Column("result", sa.Text),
        sa.Column("failure", sa.Text),
    )
    op.create_table(
        "workflow_signals",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("run_id", sa.String(400), primary_key=True),
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("key", sa.String(200), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("sent_at", sa.BigInteger, nullable=False),
        sa.Column("taken_by", sa.String(200)),
    )
    op.create_table(
        "workflow_executors",
        sa.Column("executor_id", sa.String(32), primary_key=True),
        sa.Column("beat", sa.BigInteger, nullable=False),
        sa.Column("beat_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "workflow_marks",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    for name in (
        "workflow_marks",
        "workflow_executors",
        "workflow_signals",
        "workflow_steps",
        "workflow_runs",
    ):
        op.drop_table(name)
