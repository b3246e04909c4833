"""Operations and their sources, call records, kept results, idempotency keys, plans, usage examples."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    _catalogue()
    _calls()
    _plans()


def _catalogue() -> None:
    op.create_table(
        "sources",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("provider", sa.String(128), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("location", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("settings", sa.Text, nullable=False),
        sa.Column("imported_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "operations",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("provider", sa.String(128), primary_key=True),
        sa.Column("operation_id", sa.String(256), primary_key=True),
        sa.Column("access", sa.String(16), nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("definition", sa.Text, nullable=False),
        sa.Column("binding", sa.Text, nullable=False),
        sa.Column("input_schema", sa.Text, nullable=False),
        sa.Column("output_schema", sa.Text),
    )
    op.create_table(
        "usage_examples",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("operation_id", sa.String(256), primary_key=True),
        sa.Column("intent", sa.String(400), primary_key=True),
        sa.Column("uses", sa.Integer, nullable=False),
        sa.Column("used_at", sa.BigInteger, nullable=False),
    )


def _calls() -> None:
    op.create_table(
        "call_records",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("tool", sa.Text, nullable=False),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("auth_method", sa.String(32), nullable=False),
        sa.Column("duration_ms", sa.Float, nullable=False),
        sa.Column("success", sa.Boolean, nullable=False),
        sa.Column("error_code", sa.String(64)),
        sa.Column("trace_id", sa.String(64), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_call_records_tenant_time", "call_records", ["tenant", "time"])
    op.create_table(
        "results",
        sa.Column("handle_hash", sa.String(64), primary_key=True),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_results_expires_at", "results", ["expires_at"])
    op.create_table(
        "idempotency_keys",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("subject", sa.String(255), primary_key=True),
        sa.Column("key_hash", sa.String(64), primary_key=True),
        sa.Column("request_hash", sa.String(64), nullable=False),
        sa.Column("outcome", sa.LargeBinary),
        sa.Column("claimed_until", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_idempotency_keys_expires_at", "idempotency_keys", ["expires_at"])


def _plans() -> None:
    op.create_table(
        "plans",
        sa.Column("handle_hash", sa.String(64), primary_key=True),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("plan", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_plans_expires_at", "plans", ["expires_at"])
    op.create_table(
        "plan_steps",
        sa.Column("handle_hash", sa.String(64), primary_key=True),
        sa.Column("step_id", sa.String(255), primary_key=True),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("result", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    for name in ("plan_steps", "plans", "idempotency_keys", "results", "call_records", "usage_examples", "operations", "sources"):
        op.drop_table(name)
