"""Steps on record. Table: workflow_steps."""

import orjson
from sqlalchemy import Connection, Row, select

from server.storage.insertion import upsert
from server.storage.schema.workflows.workflow_tables import workflow_steps
from server.storage.workflows.failure_text import failure_of, failure_text
from tools.workflows.engine.records import Claim, RecordState, StepRecord

_OPEN: tuple[RecordState, ...] = ("running", "waiting", "again")


def put_step(connection: Connection, claim: Claim, step: StepRecord) -> int:
    """Put a step on record and return how many bytes of result came; what has succeeded or failed stays as it is, whoever is late."""
    values = {
        "state": step.state,
        "attempts": step.attempts,
        "round": step.round,
        "started_at": step.started_at_us,
        "ended_at": step.ended_at_us,
        "wakes_at": step.wakes_at_us,
        "result": step.result.decode() if step.state == "succeeded" else None,
        "failure": failure_text(step.failure),
    }
    c = workflow_steps.c
    first = upsert(connection.dialect.name, workflow_steps).values(tenant_id=claim.tenant_id, run_id=claim.run_id, name=step.name, **values)
    put = first.on_conflict_do_update(index_elements=[c.tenant_id, c.run_id, c.name], set_=values, where=c.state.in_(_OPEN))
    is_new = connection.execute(put.returning(c.name)).first() is not None
    return len(step.result) if is_new and step.state == "succeeded" else 0


def step_of(connection: Connection, claim: Claim, name: str) -> StepRecord | None:
    c = workflow_steps.c
    row = connection.execute(select(workflow_steps).where(c.tenant_id == claim.tenant_id, c.run_id == claim.run_id, c.name == name)).first()
    return None if row is None else record_of(row)


def steps_of(connection: Connection, tenant_id: str, run_id: str) -> dict[str, StepRecord]:
    """Return the steps of a run by their names, in the order in which they began."""
    c = workflow_steps.c
    query = select(workflow_steps).where(c.tenant_id == tenant_id, c.run_id == run_id).order_by(c.started_at, c.name)
    return {row.name: record_of(row) for row in connection.execute(query)}


def record_of(row: Row[tuple[object, ...]]) -> StepRecord:
    return StepRecord(
        name=row.name,
        state=row.state,
        started_at_us=row.started_at,
        attempts=row.attempts,
        round=row.round,
        ended_at_us=row.ended_at,
        wakes_at_us=row.wakes_at,
        result=b"null" if row.result is None else row.result.encode(),
        failure=failure_of(row.failure),
    )


def json_of(text: str | None) -> object:
    return None if text is None else orjson.loads(text)
