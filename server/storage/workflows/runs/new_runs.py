"""Runs are put on record in the transaction of whatever asks for them: a start, a step, a schedule, a webhook. Table: workflow_runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson
from sqlalchemy import Connection, func, select

from server.storage.database import announce_in_thread, now_us
from server.storage.insertion import insert_once_in_thread
from server.storage.schema.workflows.workflow_tables import workflow_runs
from server.storage.workflows.acting import acting
from server.storage.workflows.runs.kept_bytes import grow
from tools.operation import Json
from tools.trace_ids import new_trace_id
from tools.workflows.stores import ActsFor
from tools.workflows.topics import RUN_NEWS


@dataclass(frozen=True, slots=True)
class QueuedRun:
    """A run that is to be. `key`: the same is the same run; no ':' and no control characters in it. `start_at_us` None: at once."""

    tenant_id: str
    workflow: str
    key: str
    given: Mapping[str, Json]
    started_by: str
    acts_for: ActsFor | None = None
    start_at_us: int | None = None
    trace_id: str = field(default_factory=new_trace_id)

    @property
    def run_id(self) -> str:
        return f"{self.tenant_id}:{self.workflow}:{self.key}"

    @property
    def subject(self) -> str:
        """Whom it acts for; "": the gateway itself."""
        return "" if self.acts_for is None else self.acts_for.subject

    @property
    def given_text(self) -> bytes:
        return orjson.dumps(dict(self.given))


def enqueue(connection: Connection, queued: QueuedRun) -> str:
    """Start a run with the commit of this transaction and return its id; one that is there already stays as it is.

    For slots and events, which are not to be lost: its bytes count, and are taken whatever there is.
    """
    if put_run(connection, queued):
        grow(connection, queued.tenant_id, queued.subject, len(queued.given_text), None)
    return queued.run_id


def put_run(connection: Connection, queued: QueuedRun) -> bool:
    """Put a run on record and announce it; True where it is new, and its bytes are to be counted."""
    now = now_us()
    values = {
        "tenant_id": queued.tenant_id,
        "run_id": queued.run_id,
        "workflow": queued.workflow,
        "version": "",
        "state": "queued",
        "given": queued.given_text.decode(),
        **acting(queued.acts_for),
        "started_by": queued.started_by,
        "created_at": now,
        "updated_at": now,
        "due_at": now if queued.start_at_us is None else queued.start_at_us,
        "attempt": 0,
        "losses": 0,
        "cancel_asked": False,
        "trace_id": queued.trace_id,
    }
    is_new = insert_once_in_thread(connection, workflow_runs, values)
    if is_new:
        announce_in_thread(connection, RUN_NEWS, queued.tenant_id, queued.run_id)
    return is_new


def open_runs(connection: Connection, tenant_id: str, acts_for: str | None = None) -> int:
    """Count the runs of a tenant that have not ended; with `acts_for` those of one person."""
    c = workflow_runs.c
    query = select(func.count()).select_from(workflow_runs).where(c.ended_at.is_(None), c.tenant_id == tenant_id)
    if acts_for is not None:
        query = query.where(c.acts_for == acts_for)
    return int(connection.execute(query).scalar_one())


def is_open(connection: Connection, tenant_id: str, run_id: str) -> bool:
    """Say whether a run is on record and has not ended."""
    c = workflow_runs.c
    query = select(c.run_id).where(c.tenant_id == tenant_id, c.run_id == run_id, c.ended_at.is_(None))
    return connection.execute(query).first() is not None
