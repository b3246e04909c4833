"""Lines that are kept, and how far log sinks have come; calls are read by their number, in PostgreSQL by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "event_lines",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("level", sa.String(16), nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("logger", sa.Text, nullable=False),
        sa.Column("trace_id", sa.String(64), nullable=False),
        sa.Column("node", sa.Text, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
    )
    named = sa.text("trace_id <> ''")
    op.create_index("ix_event_lines_trace_id", "event_lines", ["trace_id"], sqlite_where=named, postgresql_where=named)
    op.create_table(
        "sink_cursors",
        sa.Column("sink", sa.String(64), primary_key=True),
        sa.Column("stream", sa.String(16), primary_key=True),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("position", "pending")),
        sa.Column("owner", sa.String(64), nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("leased_until", "sent_rows", "lost_rows", "sent_at", "behind_since")),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("failed_at", sa.BigInteger, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("next_try_at", sa.BigInteger, nullable=False),
    )
    # The key of a partition is (time, seq); SQLite has its rows in the order of their numbers as it is.
    if op.get_bind().dialect.name == "postgresql":
        op.create_index("ix_call_records_seq", "call_records", ["seq"])
