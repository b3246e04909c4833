"""Tables of what leaves the gateway: lines that are kept for it, and how far each log sink has come. Times are microseconds, UTC."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text, text

from server.storage.history.tables import history_metadata

#: The gateway's own log lines, but for those of calls, which have rows of their own.
event_lines = Table(
    "event_lines",
    history_metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("time", BigInteger, nullable=False),
    Column("level", String(16), nullable=False),
    Column("event", Text, nullable=False),
    Column("logger", Text, nullable=False),
    Column("trace_id", String(64), nullable=False),
    Column("node", Text, nullable=False),
    #: JSON: its facts, without secrets
    Column("facts", Text, nullable=False),
    Index("ix_event_lines_trace_id", "trace_id", sqlite_where=text("trace_id <> ''")),
)

#: How far a log sink has come in a stream, and which process sends.
sink_cursors = Table(
    "sink_cursors",
    history_metadata,
    Column("sink", String(64), primary_key=True),
    Column("stream", String(16), primary_key=True),
    #: the last row that arrived
    Column("position", BigInteger, nullable=False),
    #: the last row of what was being sent; position: nothing was
    Column("pending", BigInteger, nullable=False),
    Column("owner", String(64), nullable=False),
    Column("leased_until", BigInteger, nullable=False),
    Column("sent_rows", BigInteger, nullable=False),
    #: that were removed here, or refused there, before they arrived
    Column("lost_rows", BigInteger, nullable=False),
    Column("sent_at", BigInteger, nullable=False),
    #: when the oldest row came that has not arrived; 0: there is none
    Column("behind_since", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("failed_at", BigInteger, nullable=False),
    Column("error", Text, nullable=False),
    Column("next_try_at", BigInteger, nullable=False),
)
