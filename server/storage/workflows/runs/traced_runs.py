"""Runs of one trace with their steps, without what they were given and gave. Tables: workflow_runs, workflow_steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, select, tuple_

from server.storage.database import Database
from server.storage.schema.workflows.workflow_tables import workflow_runs, workflow_steps
from server.storage.workflows.failure_text import failure_of
from tools.operation import Failure

#: of one trace; ids may be a caller's, who gives one to as many starts as they like
MAX_RUNS, MAX_STEPS = 100, 1_000


@dataclass(frozen=True, slots=True)
class TracedPart:
    """A run as a whole, by the name of its workflow, or one of its steps. Times in microseconds since the epoch."""

    name: str
    #: of a run (`RunState`) or of a step (`StepState`)
    state: str
    attempts: int
    began_at_us: int
    ended_at_us: int | None
    failure: Failure | None


@dataclass(frozen=True, slots=True)
class TracedRun:
    """A run, and its steps in the order in which they began. `acts_for` "": the gateway itself."""

    tenant_id: str
    run_id: str
    version: str
    acts_for: str
    started_by: str
    whole: TracedPart
    steps: tuple[TracedPart, ...]


class SqlTracedRuns:
    """Reads what the engine has written; needs none of it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_trace(self, trace_id: str, tenant_id: str | None = None) -> Sequence[TracedRun]:
        """Return the runs of one trace, the oldest MAX_RUNS with MAX_STEPS steps in all; `tenant_id` None: whosever they are."""
        r = workflow_runs.c
        query = select(*(column for column in r if column.name not in ("given", "result"))).where(r.trace_id == trace_id, r.trace_id != "")
        query = query.order_by(r.created_at, r.run_id).limit(MAX_RUNS)
        if tenant_id is not None:
            query = query.where(r.tenant_id == tenant_id)

        def look(connection: Connection) -> Sequence[TracedRun]:
            rows = connection.execute(query).all()
            steps = _steps(connection, [(row.tenant_id, row.run_id) for row in rows]) if rows else {}
            return [_run(row, steps.get((row.tenant_id, row.run_id), ())) for row in rows]

        return await self._database.look(look)


def _steps(connection: Connection, of: Sequence[tuple[str, str]]) -> dict[tuple[str, str], tuple[TracedPart, ...]]:
    s = workflow_steps.c
    columns = [s.tenant_id, s.run_id, s.name, s.state, s.attempts, s.started_at, s.ended_at, s.failure]
    # Of runs of several tenants where the operator looks: both parts of a run's key are named.
    query = select(*columns).where(tuple_(s.tenant_id, s.run_id).in_(of)).order_by(s.tenant_id, s.run_id, s.started_at, s.name)
    by_run = groupby(connection.execute(query.limit(MAX_STEPS)), key=lambda row: (row.tenant_id, row.run_id))
    return {run: tuple(_step(row) for row in rows) for run, rows in by_run}


def _step(row: Row[Any]) -> TracedPart:
    return TracedPart(
        name=row.name,
        state="waiting" if row.state == "again" else row.state,
        attempts=row.attempts,
        began_at_us=row.started_at,
        ended_at_us=row.ended_at,
        failure=failure_of(row.failure),
    )


def _run(row: Row[Any], steps: tuple[TracedPart, ...]) -> TracedRun:
    whole = TracedPart(
        name=row.workflow,
        state=row.state,
        attempts=row.attempt,
        began_at_us=row.created_at,
        ended_at_us=row.ended_at,
        failure=failure_of(row.failure),
    )
    return TracedRun(
        tenant_id=row.tenant_id,
        run_id=row.run_id,
        version=row.version,
        acts_for=row.acts_for,
        started_by=row.started_by,
        whole=whole,
        steps=steps,
    )
