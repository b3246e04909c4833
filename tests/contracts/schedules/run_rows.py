"""Runs on record whose states the test says: what an engine does, without bodies."""

import orjson
from sqlalchemy import select, update

from server.storage.database import Database
from server.storage.schema.workflows.workflow_tables import workflow_runs
from server.storage.workflows.runs.records import SqlRunRecords
from tools.operation import Json
from tools.workflows.stores import RunState


class RunRows(SqlRunRecords):
    """Shows runs as the gateway does; those that wait become what `becomes` says, once they are taken."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._rows = database
        self.becomes: RunState = "succeeded"
        self.result: Json = None
        #: ids, in the order in which they were taken
        self.started: list[str] = []

    async def take(self) -> None:
        """Take all that waits."""
        r = workflow_runs.c
        waiting = select(r.tenant_id, r.run_id).where(r.state == "queued").order_by(r.created_at, r.run_id)
        async with self._rows.write() as connection:
            for tenant_id, run_id in (await connection.execute(waiting)).all():
                self.started.append(run_id)
                await connection.execute(
                    update(workflow_runs)
                    .where(r.tenant_id == tenant_id, r.run_id == run_id)
                    .values(state=self.becomes, updated_at=7, result=orjson.dumps(self.result).decode())
                )

    async def end(self, run_id: str, state: RunState) -> None:
        async with self._rows.write() as connection:
            await connection.execute(
                update(workflow_runs)
                .where(workflow_runs.c.tenant_id == run_id.partition(":")[0], workflow_runs.c.run_id == run_id)
                .values(state=state, updated_at=7)
            )
