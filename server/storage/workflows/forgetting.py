"""Everything of durable work that a tenant has, forgotten at once: for tenants that leave."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, Table, delete

from server.storage.database import Database, announce_in_thread
from server.storage.schema.workflows.definition_tables import workflow_definitions
from server.storage.schema.workflows.schedule_tables import schedule_runs, schedules
from server.storage.schema.workflows.webhook_tables import webhook_inbox, webhook_seen, webhooks
from server.storage.schema.workflows.workflow_tables import workflow_marks, workflow_runs, workflow_signals, workflow_steps, workflow_totals
from tools.workflows.topics import RUN_NEWS, SCHEDULE_NEWS, WEBHOOK_NEWS

#: what people call it -> its tables, the runs first: whoever writes to one holds it
FORGOTTEN: Final[Mapping[str, tuple[Table, ...]]] = {
    "runs": (workflow_runs, workflow_steps, workflow_signals, workflow_totals),
    "schedules": (schedules, schedule_runs),
    "webhooks": (webhooks, webhook_inbox, webhook_seen),
    "definitions": (workflow_definitions,),
    "marks of sources": (workflow_marks,),
}


async def forget_durable_work(database: Database, tenant_id: str) -> Mapping[str, int]:
    """Delete runs, schedules, webhooks with what came, definitions and how far sources were read, in one transaction; return how many.

    Announced: whoever has one of its runs in hand drops it. The schedules that each tenant has come back with the next start, new.
    """

    def work(connection: Connection) -> Mapping[str, int]:
        counted = {}
        for name, tables in FORGOTTEN.items():
            rows = [connection.execute(delete(table).where(table.c.tenant_id == tenant_id)).rowcount for table in tables]
            counted[name] = rows[0]
        for topic in (RUN_NEWS, SCHEDULE_NEWS, WEBHOOK_NEWS):
            announce_in_thread(connection, topic, tenant_id, "")
        return counted

    forgotten = await database.transact(work)
    await database.overwrite([table.name for tables in FORGOTTEN.values() for table in tables])
    return forgotten
