"""Runs of tenants that are suspended: nobody takes them, and they go on where they were once the tenant is back. Table: workflow_runs."""

from typing import Final

from sqlalchemy import Connection, case, select, update

from server.storage.database import announce_in_thread, now_us
from server.storage.schema.workflows.workflow_tables import workflow_runs
from tools.workflows.topics import RUN_NEWS

#: in place of the process that has a run in hand: no process is called so, and the fence keeps away whichever had it
SUSPENDED: Final = "suspended"


def park(connection: Connection, tenant_id: str) -> None:
    """Take every open run of a tenant out of all hands; a step under way is not recorded, and done again later."""
    c = workflow_runs.c
    is_open = (c.tenant_id == tenant_id, c.ended_at.is_(None))
    in_hand = connection.execute(select(c.run_id).where(*is_open, c.owner.is_not(None), c.owner != SUSPENDED)).scalars().all()
    held = {"state": case((c.owner.is_(None), c.state), else_="waiting"), "due_at": case((c.owner.is_(None), c.due_at), else_=now_us())}
    # Twice: in PostgreSQL a step that committed during the first one may have started another run, and after it none can.
    for _ in range(2):
        is_free = c.owner.is_(None) | (c.owner != SUSPENDED)
        connection.execute(update(workflow_runs).where(*is_open, is_free).values(owner=SUSPENDED, **held))
    for run_id in in_hand:
        announce_in_thread(connection, RUN_NEWS, tenant_id, run_id)


def let_go_on(connection: Connection, tenant_id: str) -> None:
    """Let processes take a tenant's runs again. What waits looks at once whether its time or its signal has come meanwhile."""
    c = workflow_runs.c
    mine = (c.tenant_id == tenant_id, c.owner == SUSPENDED)
    due_at = case((c.state == "waiting", now_us()), else_=c.due_at)
    if connection.execute(update(workflow_runs).where(*mine).values(owner=None, due_at=due_at)).rowcount:
        announce_in_thread(connection, RUN_NEWS, tenant_id, "")
