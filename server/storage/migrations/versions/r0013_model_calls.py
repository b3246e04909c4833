"""Model calls: log and ledger in one, and the budgets that they count in."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "model_calls",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("call_id", sa.String(64), primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("gateway", sa.Text, nullable=False),
        sa.Column("key_id", sa.String(64), nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("user", "route", "requested", "provider", "model")),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("is_stream", sa.Boolean, nullable=False),
        sa.Column("attempts", sa.Text, nullable=False),
        sa.Column("cache", sa.String(16), nullable=False),
        sa.Column("experiment", sa.Text, nullable=False),
        sa.Column("input_tokens", sa.BigInteger, nullable=False),
        sa.Column("cached_input_tokens", sa.BigInteger, nullable=False),
        sa.Column("cache_write_tokens", sa.BigInteger, nullable=False),
        sa.Column("cache_write_1h_tokens", sa.BigInteger, nullable=False),
        sa.Column("output_tokens", sa.BigInteger, nullable=False),
        sa.Column("reasoning_tokens", sa.BigInteger, nullable=False),
        sa.Column("is_estimated", sa.Boolean, nullable=False),
        sa.Column("cost_nano_usd", sa.BigInteger),
        sa.Column("price_from", sa.Text, nullable=False),
        sa.Column("ttft_ms", sa.Float),
        sa.Column("ms", sa.Float, nullable=False),
        sa.Column("overhead_ms", sa.Float, nullable=False),
        sa.Column("metadata", sa.Text, nullable=False),
        sa.Column("trace_id", sa.String(64), nullable=False),
        sa.Column("decision", sa.Text, nullable=False),
    )
    op.create_index("ix_model_calls_at", "model_calls", ["at"])
    op.create_index("ix_model_calls_tenant_at", "model_calls", ["tenant_id", "at"])
    op.create_table(
        "budget_counters",
        sa.Column("counter_id", sa.String(64), primary_key=True),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("budget", sa.Text, nullable=False),
        sa.Column("whose", sa.Text, nullable=False),
        sa.Column("window_start", sa.BigInteger, nullable=False),
        sa.Column("window_end", sa.BigInteger),
        sa.Column("spent_nano_usd", sa.BigInteger, nullable=False),
        sa.Column("spent_tokens", sa.BigInteger, nullable=False),
        sa.Column("reserved_nano_usd", sa.BigInteger, nullable=False),
        sa.Column("reserved_tokens", sa.BigInteger, nullable=False),
        sa.Column("alerted", sa.Text, nullable=False),
    )
    op.create_index("ix_budget_counters_window_end", "budget_counters", ["window_end"])
    op.create_index("ix_budget_counters_budget", "budget_counters", ["budget", "tenant_id"])
    op.create_table(
        "budget_reservations",
        sa.Column("reservation_id", sa.String(64), primary_key=True),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("counters", sa.Text, nullable=False),
        sa.Column("nano_usd", sa.BigInteger, nullable=False),
        sa.Column("tokens", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("spent_nano_usd", sa.BigInteger, nullable=False),
        sa.Column("spent_tokens", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_budget_reservations_state", "budget_reservations", ["state", "expires_at"])


def downgrade() -> None:
    for table in ("budget_reservations", "budget_counters", "model_calls"):
        op.drop_table(table)
