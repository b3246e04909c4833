"""A run has a trace id: that of the call which started it, or its own."""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    op.add_column("workflow_runs", sa.Column("trace_id", sa.String(64), nullable=False, server_default=""))
    op.create_index("ix_workflow_runs_trace_id", "workflow_runs", ["trace_id"])


def downgrade() -> None:
    op.drop_index("ix_workflow_runs_trace_id", "workflow_runs")
    op.drop_column("workflow_runs", "trace_id")
