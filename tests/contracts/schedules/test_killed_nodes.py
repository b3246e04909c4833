"""kill -9 at every step of taking a slot: another node starts what was not started, and nothing twice."""

from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from sqlalchemy import select

from server.storage.schema.workflows.workflow_tables import workflow_runs
from server.storage.workflows.schedules.schedules import SqlScheduleStore
from tests.contracts.databases import empty_database, url_of
from tests.contracts.schedules.killed_scheduler import HOUR, HOURLY, TEN
from tests.forked.module import ForkedModule
from tools.workflows.run_keys import slot_key

POINTS = 10


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_a_node_that_dies_between_slot_and_start_loses_and_doubles_nothing(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Slot and start are one transaction: after each death both are there, or neither is and the next node takes the slot."""
    url = url_of(kind, request, tmp_path)
    async with empty_database(url) as database:
        store = SqlScheduleStore(database)
        await store.put(HOURLY)
        process = ForkedModule("tests.contracts.schedules.killed_scheduler", url)
        said = await anyio.to_thread.run_sync(process.communicate)
        assert process.returncode == 0
        hours = len(said.splitlines())
        assert hours >= POINTS
        async with database.read() as connection:
            waiting = sorted((await connection.execute(select(workflow_runs.c.run_id))).scalars())
        slots = [run.slot_us for run in reversed(await store.runs("acme", "hourly", 2 * hours))]
        assert slots == [TEN + hour * HOUR for hour in range(hours)]
        assert waiting == [f"acme:report:{slot_key('hourly', slot_us)}" for slot_us in slots]
