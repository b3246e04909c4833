"""Tables of schedules: what is started when, and what became of each slot."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from server.storage.schema.metadata import metadata

schedules = Table(
    "schedules",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("workflow", String(64), nullable=False),
    #: five fields, and the time zone in which they are meant
    Column("cron", Text, nullable=False),
    Column("zone", String(64), nullable=False),
    #: JSON object
    Column("given", Text, nullable=False),
    #: the subject and the scopes of its calls; empty: the gateway itself, which calls nothing
    Column("acts_for", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    #: builtin, custom
    Column("origin", String(16), nullable=False),
    Column("is_paused", Boolean, nullable=False),
    #: null: paused, or no slot is left
    Column("next_at", BigInteger, index=True),
    Column("changed_at", BigInteger, nullable=False),
)

schedule_runs = Table(
    "schedule_runs",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("slot", BigInteger, primary_key=True, autoincrement=False),
    #: slot, catch_up, manual
    Column("cause", String(16), nullable=False),
    #: started, skipped, succeeded, failed, cancelled, lost
    Column("state", String(16), nullable=False),
    Column("run_id", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False, index=True),
    Column("ended_at", BigInteger),
    #: slots after this one that nothing was started for
    Column("missed", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    #: JSON {title, findings, counts, checked_at}
    Column("report", Text),
)
#: what was started and has not ended, as far as we know: a handful among millions
Index(
    "ix_schedule_runs_unended",
    schedule_runs.c.tenant_id,
    schedule_runs.c.name,
    # See subject_tables: for SQLite alone.
    sqlite_where=schedule_runs.c.state == "started",
)
