"""The fence: what a process writes of a run, it writes while the run is its own, in the same transaction."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, update

from server.storage.database import now_us
from server.storage.schema.workflows.workflow_tables import workflow_runs
from tools.workflows.engine.records import Claim
from tools.workflows.engine.run_store import RunLost


def held_by(claim: Claim) -> tuple[ColumnElement[bool], ...]:
    """Say which of its tenant's rows a claimed run is, as long as nobody else took it, ended it or forgot it."""
    c = workflow_runs.c
    return (c.run_id == claim.run_id, c.owner == claim.owner, c.attempt == claim.attempt)


def passing(connection: Connection, claim: Claim, **values: Any) -> bool:
    """Write `values` to a run and keep everybody else out until the commit; True: it is to end. Raises RunLost.

    In SQLite this process is the only writer; in PostgreSQL the row is locked, and its condition looked at again after a wait.
    """
    mine = (workflow_runs.c.tenant_id == claim.tenant_id, *held_by(claim))
    changed = update(workflow_runs).where(*mine).values(updated_at=now_us(), **values)
    row = connection.execute(changed.returning(workflow_runs.c.cancel_asked)).first()
    if row is None:
        raise RunLost(claim.run_id)
    return bool(row.cancel_asked)
