"""Calls, and what sums them up."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_BUCKETS = 12


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _partitioned_calls()
    else:
        _calls()
    op.create_index("ix_call_records_tenant_time", "call_records", ["tenant", "time"])
    op.create_index("ix_call_records_trace_id", "call_records", ["trace_id"])
    op.create_index(
        "ix_call_records_failures", "call_records", ["time"], sqlite_where=sa.text("success = 0"), postgresql_where=sa.text("NOT success")
    )
    _sums("call_hours", "hour")
    _sums("call_days", "day")
    op.create_table(
        "operation_days",
        sa.Column("day", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("operation", sa.String(200), primary_key=True),
        sa.Column("calls", sa.BigInteger, nullable=False),
        sa.Column("failures", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "error_ledger",
        sa.Column("fingerprint", sa.String(32), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("operation", sa.String(200), nullable=False),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("error_class", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("first_at", sa.BigInteger, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.Column("last_trace_id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
    )
    op.create_index("ix_error_ledger_last", "error_ledger", ["last_at"])
    op.create_table(
        "history_facts",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )


def _calls() -> None:
    op.create_table(
        "call_records",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("auth_method", sa.String(32), nullable=False),
        sa.Column("tool", sa.Text, nullable=False),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("duration_ms", sa.Float, nullable=False),
        sa.Column("upstream_ms", sa.Float),
        sa.Column("upstream_status", sa.SmallInteger),
        sa.Column("success", sa.Boolean, nullable=False),
        sa.Column("error_code", sa.String(64)),
        sa.Column("error_class", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("trace_id", sa.String(64), nullable=False),
        sa.Column("node", sa.Text, nullable=False),
    )


def _partitioned_calls() -> None:
    """Make the table of which each day is a partition, and the partition for what fits into no day's (partitions.py)."""
    op.execute("CREATE SEQUENCE call_records_numbers")
    op.execute(
        """
        CREATE TABLE call_records (
            seq bigint NOT NULL DEFAULT nextval('call_records_numbers'), time bigint NOT NULL, tenant varchar(64) NOT NULL,
            subject text NOT NULL DEFAULT '', client text NOT NULL DEFAULT '', auth_method varchar(32) NOT NULL, tool text NOT NULL,
            operation text NOT NULL, account text NOT NULL DEFAULT '', step text NOT NULL DEFAULT '', duration_ms double precision NOT NULL,
            upstream_ms double precision, upstream_status smallint, success boolean NOT NULL, error_code varchar(64),
            error_class varchar(16) NOT NULL DEFAULT '', reason text NOT NULL DEFAULT '', trace_id varchar(64) NOT NULL,
            node text NOT NULL DEFAULT '', CONSTRAINT pk_call_records PRIMARY KEY (time, seq)
        ) PARTITION BY RANGE (time)
        """
    )
    op.execute("CREATE TABLE call_records_rest PARTITION OF call_records DEFAULT")


def _sums(table: str, unit: str) -> None:
    op.create_table(
        table,
        sa.Column(unit, sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("tool", sa.String(64), primary_key=True),
        sa.Column("code", sa.String(64), primary_key=True),
        sa.Column("error_class", sa.String(16), nullable=False),
        sa.Column("calls", sa.BigInteger, nullable=False),
        sa.Column("sum_ms", sa.Float, nullable=False),
        sa.Column("max_ms", sa.Float, nullable=False),
        sa.Column("sum_upstream_ms", sa.Float, nullable=False),
        *(sa.Column(f"b{place}", sa.BigInteger, nullable=False) for place in range(_BUCKETS)),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    for table in ("history_facts", "error_ledger", "operation_days", "call_days", "call_hours", "call_records"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP SEQUENCE call_records_numbers")
