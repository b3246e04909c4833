"""What has one trace id is found by it."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    op.create_index("ix_model_calls_trace_id", "model_calls", ["trace_id"])
    said = sa.text("trace_id <> ''")
    op.create_index("ix_kv_audit_trace_id", "kv_audit", ["trace_id"], sqlite_where=said, postgresql_where=said)


def downgrade() -> None:
    op.drop_index("ix_kv_audit_trace_id", "kv_audit")
    op.drop_index("ix_model_calls_trace_id", "model_calls")
