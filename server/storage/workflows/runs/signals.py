"""Signals: given once, taken once. Table: workflow_signals."""

from collections.abc import Collection

from sqlalchemy import Connection, func, select, update

from server.storage.schema.workflows.workflow_tables import workflow_signals
from tools.workflows.engine.records import Claim


def oldest_signal(connection: Connection, claim: Claim, name: str, step: str) -> bytes | None:
    """Give the oldest signal of that name that nobody has to `step`, and return its value as JSON text."""
    c = workflow_signals.c
    of_run = (c.tenant_id == claim.tenant_id, c.run_id == claim.run_id, c.name == name)
    oldest = select(c.key, c.value).where(*of_run, c.taken_by.is_(None)).order_by(c.sent_at, c.key).limit(1)
    row = connection.execute(oldest).first()
    if row is None:
        return None
    connection.execute(update(workflow_signals).where(*of_run, c.key == row.key).values(taken_by=step))
    return bytes(row.value.encode())


def is_signalled(connection: Connection, claim: Claim, names: Collection[str]) -> bool:
    """Say whether one of these is there that nobody has."""
    c = workflow_signals.c
    of_run = (c.tenant_id == claim.tenant_id, c.run_id == claim.run_id, c.name.in_(names), c.taken_by.is_(None))
    return bool(names) and connection.execute(select(c.key).where(*of_run).limit(1)).first() is not None


def unread_signals(connection: Connection, tenant_id: str, run_id: str) -> int:
    """Count the signals of a run that no step has taken."""
    c = workflow_signals.c
    unread = select(func.count()).where(c.tenant_id == tenant_id, c.run_id == run_id, c.taken_by.is_(None))
    return int(connection.execute(unread).scalar_one())
