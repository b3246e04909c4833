"""Runs as they are shown. Tables: workflow_runs, workflow_steps."""

import orjson
from sqlalchemy import Connection, Row, select, tuple_

from oauth import base64url
from oauth.scopes import parse
from server.storage.schema.workflows.workflow_tables import workflow_runs
from server.storage.workflows.failure_text import failure_of
from server.storage.workflows.runs.steps import steps_of
from tools.operation import Json
from tools.workflows.engine.json_result import decoded
from tools.workflows.engine.records import StepRecord
from tools.workflows.engine.run_records import RunFilter
from tools.workflows.stores import RunPage, RunView, StepState, StepView


def shown(connection: Connection, tenant_id: str, run_id: str) -> RunView | None:
    """Return a run with its steps."""
    c = workflow_runs.c
    row = connection.execute(select(workflow_runs).where(c.tenant_id == tenant_id, c.run_id == run_id)).first()
    return None if row is None else _view(row, tuple(_step_view(step) for step in steps_of(connection, tenant_id, run_id).values()))


def page(connection: Connection, tenant_id: str, wanted: RunFilter, limit: int, before: tuple[int, str] | None) -> RunPage:
    """Return runs without their steps, the newest first."""
    c = workflow_runs.c
    query = select(workflow_runs).where(c.tenant_id == tenant_id).order_by(c.created_at.desc(), c.run_id.desc()).limit(limit + 1)
    if wanted.workflow is not None:
        query = query.where(c.workflow == wanted.workflow)
    if wanted.states:
        query = query.where(c.state.in_(wanted.states))
    if wanted.acts_for is not None:
        query = query.where(c.acts_for == wanted.acts_for)
    if before is not None:
        query = query.where(tuple_(c.created_at, c.run_id) < before)
    rows = connection.execute(query).all()
    last = rows[limit - 1] if len(rows) > limit else None
    return RunPage(tuple(_view(row) for row in rows[:limit]), None if last is None else cursor_of(last.created_at, last.run_id))


def cursor_of(created_at_us: int, run_id: str) -> str:
    return base64url.encode(orjson.dumps([created_at_us, run_id]))


def position_of(cursor: str) -> tuple[int, str] | None:
    """Return where a page begins; None: that is no cursor."""
    try:
        found = orjson.loads(base64url.decode(cursor))
    except ValueError:
        return None
    match found:
        case [int(created_at_us), str(run_id)] if 0 <= created_at_us < 2**63 and run_id.isprintable():
            return created_at_us, run_id
    return None


def _view(row: Row[tuple[object, ...]], steps: tuple[StepView, ...] = ()) -> RunView:
    return RunView(
        tenant_id=row.tenant_id,
        run_id=row.run_id,
        workflow=row.workflow,
        version=row.version,
        state=row.state,
        given=orjson.loads(row.given),
        acts_for=row.acts_for,
        started_by=row.started_by,
        scopes=frozenset(parse(row.scopes)),
        created_at_us=row.created_at,
        updated_at_us=row.updated_at,
        attempts=row.attempt,
        result=_json(row.result),
        failure=failure_of(row.failure),
        trace_id=row.trace_id,
        steps=steps,
    )


def _json(text: str | None) -> Json:
    return None if text is None else orjson.loads(text)


def _step_view(step: StepRecord) -> StepView:
    state: StepState = "waiting" if step.state == "again" else step.state
    return StepView(
        name=step.name,
        state=state,
        attempts=step.attempts,
        started_at_us=step.started_at_us,
        ended_at_us=step.ended_at_us,
        result=decoded(step.result),
        failure=step.failure,
    )
