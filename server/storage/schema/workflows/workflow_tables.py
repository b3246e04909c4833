"""Tables of durable work: runs, their steps and signals, the processes that have them in hand, and how far sources were read."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from server.storage.schema.metadata import metadata

#: A run waits where `due_at` is set, is in the hands of a process where `owner` is, and has ended where `ended_at` is.
workflow_runs = Table(
    "workflow_runs",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    #: tenant:workflow:key
    Column("run_id", String(400), primary_key=True),
    Column("workflow", String(64), nullable=False),
    #: what it ends with; empty until its first step is on record
    Column("version", String(64), nullable=False),
    #: queued, running, waiting, succeeded, failed, cancelled
    Column("state", String(16), nullable=False),
    #: JSON object
    Column("given", Text, nullable=False),
    #: the subject and the scopes of its calls; empty: the gateway itself, which calls nothing
    Column("acts_for", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    #: manual, schedule, webhook, workflow
    Column("started_by", String(16), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    #: from when on a process may take it
    Column("due_at", BigInteger),
    #: the process that has it in hand, and how often one took it: together the fence of everything that it writes
    Column("owner", String(32)),
    Column("attempt", Integer, nullable=False),
    #: processes that died with it in hand since its last step
    Column("losses", Integer, nullable=False),
    Column("cancel_asked", Boolean, nullable=False),
    #: JSON
    Column("result", Text),
    Column("failure", Text),
    #: of the call that started it, or its own; empty: it is from before runs had one
    Column("trace_id", String(64), nullable=False),
    Index("ix_workflow_runs_due", "owner", "due_at"),
    Index("ix_workflow_runs_created", "tenant_id", "created_at"),
    Index("ix_workflow_runs_ended", "ended_at", "tenant_id"),
    Index("ix_workflow_runs_trace_id", "trace_id"),
)

#: The record of a step is written in one transaction with the fence, and with what the step itself writes in our store.
workflow_steps = Table(
    "workflow_steps",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("run_id", String(400), primary_key=True),
    Column("name", String(200), primary_key=True),
    #: running, waiting, succeeded, failed, again
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    #: how often it was asked to run again after it had ended
    Column("round", Integer, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    #: of a sleep, a wait, or a step that is tried again
    Column("wakes_at", BigInteger),
    #: JSON
    Column("result", Text),
    Column("failure", Text),
)

workflow_signals = Table(
    "workflow_signals",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("run_id", String(400), primary_key=True),
    Column("name", String(200), primary_key=True),
    #: the same counts once
    Column("key", String(200), primary_key=True),
    #: JSON
    Column("value", Text, nullable=False),
    Column("sent_at", BigInteger, nullable=False),
    #: the step that got it
    Column("taken_by", String(200)),
)

#: Processes that have runs in hand. One whose row stands still has died; the row goes with the runs that others take.
workflow_executors = Table(
    "workflow_executors",
    metadata,
    Column("executor_id", String(32), primary_key=True),
    Column("beat", BigInteger, nullable=False),
    Column("beat_at", BigInteger, nullable=False),
)

#: What runs were given and gave that is still there, in bytes.
workflow_totals = Table(
    "workflow_totals",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    #: the subject; empty: the gateway itself
    Column("acts_for", Text, primary_key=True),
    Column("kept_bytes", BigInteger, nullable=False),
)

#: How far a source was read, by name.
workflow_marks = Table(
    "workflow_marks",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("name", String(200), primary_key=True),
    #: JSON
    Column("value", Text, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)
