"""What comes with an account begins, is stopped, rests and goes on, on both databases, whichever node looks."""

from dataclasses import replace

import anyio
import pytest

from server.storage.database import Database
from server.storage.workflows.schedules.schedules import SqlScheduleStore
from tests.contracts.schedules.run_rows import RunRows
from tests.contracts.schedules.test_scheduler import HOUR, MINUTE, TEN
from tools.workflows.errors import WorkflowRefused
from tools.workflows.schedules.cron import Cron
from tools.workflows.schedules.schedule import Schedule
from tools.workflows.schedules.setting import Schedules
from tools.workflows.schedules.slots import Slots
from tools.workflows.schedules.with_connection import FIRST_AFTER_US, ConnectionSchedules
from tools.workflows.stores import EVERYBODY

GONG = "gong-ingest"


class Tenant:
    def __init__(self, database: Database) -> None:
        self.store, self.runs = SqlScheduleStore(database), RunRows(database)
        self.now_us = TEN
        self.accounts = ConnectionSchedules(self.store, lambda: self.now_us)
        self.schedules = Schedules(self.store, None, lambda: self.now_us)  # type: ignore[arg-type]  # nothing is set here

    async def has(self, *subjects: str) -> None:
        await self.accounts.follow("acme", {"gong": subjects} if subjects else {})

    async def gong(self) -> Schedule:
        found = await self.store.get("acme", GONG)
        assert found is not None
        return found


@pytest.fixture
def tenant(sql_database: Database) -> Tenant:
    return Tenant(sql_database)


async def test_an_account_starts_what_reads_with_it_and_leaves_time_to_say_no(tenant: Tenant) -> None:
    """As its person; with everybody's account as nobody in particular, and to read alone."""
    await tenant.has()
    assert await tenant.store.of("acme") == []
    await tenant.has("sub_ada", "sub_bo")
    schedule = await tenant.gong()
    assert schedule.acts_for is not None
    assert (schedule.acts_for.subject, schedule.acts_for.scopes, schedule.origin) == ("sub_ada", frozenset({"mcp", "gong:read"}), "builtin")
    assert schedule.next_at_us is not None
    assert FIRST_AFTER_US <= schedule.next_at_us - TEN <= FIRST_AFTER_US + 15 * MINUTE
    await tenant.has("", "sub_ada")
    assert (await tenant.gong()).acts_for == schedule.acts_for
    await tenant.has("", "sub_bo")
    acting = (await tenant.gong()).acts_for
    assert acting is not None
    assert acting.subject == EVERYBODY
    assert [each.name for each in await tenant.store.of("acme")] == [GONG]


async def test_what_was_stopped_stays_stopped_whoever_connects(tenant: Tenant) -> None:
    """Before there is an account, too; what goes on then does so at its next time."""
    await tenant.schedules.pause("acme", GONG)
    await tenant.has("sub_ada")
    await tenant.has("sub_bo")
    assert (await tenant.gong()).is_paused
    assert (await tenant.gong()).next_at_us is None
    await tenant.schedules.resume("acme", GONG)
    await tenant.has("sub_bo")
    assert (await tenant.gong()).next_at_us is not None


async def test_without_an_account_it_rests_says_why_once_and_goes_on_with_the_next_one(tenant: Tenant) -> None:
    await tenant.has("sub_ada")
    other = ConnectionSchedules(SqlScheduleStore(tenant.store._database), lambda: tenant.now_us)
    async with anyio.create_task_group() as group:
        group.start_soon(tenant.has)
        group.start_soon(other.follow, "acme", {})
    [run] = await tenant.store.runs("acme", GONG, 9)
    assert (run.state, run.run_id, run.reason) == ("skipped", "", "no account of Gong is ready any more")
    assert run.report is not None
    assert run.report["findings"][0]["hint"] == "connect an account of Gong, and it goes on by itself"
    assert (await tenant.gong()).next_at_us is None
    slots = Slots(tenant.store, tenant.runs)
    await slots.take_due(TEN + 48 * HOUR)
    assert len(await tenant.store.runs("acme", GONG, 9)) == 1
    assert await slots.late(TEN + 48 * HOUR) == []
    tenant.now_us += HOUR
    await tenant.has("sub_bo")
    assert (await tenant.gong()).next_at_us is not None
    # Nobody resumes what waits for an account: there would be nobody whose calls it makes.
    await tenant.schedules.pause("acme", "salesforce-ingest")
    assert (await tenant.schedules.resume("acme", "salesforce-ingest")).next_at_us is None
    with pytest.raises(WorkflowRefused, match="waits for an account of Salesforce"):
        await tenant.schedules.start("acme", "salesforce-ingest")


async def test_what_somebody_set_is_theirs(tenant: Tenant) -> None:
    """Under its name or another: Gong is not read twice."""
    mine = Schedule("acme", "mine", GONG, Cron("0 6 * * *", "UTC"), next_at_us=TEN + HOUR)
    await tenant.store.put(mine)
    await tenant.has("sub_ada")
    assert [each.name for each in await tenant.store.of("acme")] == ["mine"]
    await tenant.store.remove("acme", "mine")
    await tenant.has("sub_ada")
    await tenant.store.put(mine)
    await tenant.has("sub_ada")
    assert (await tenant.gong()).next_at_us is None
    assert (await tenant.store.runs("acme", GONG, 1))[0].reason == "schedule 'mine' of this tenant reads Gong"
    await tenant.store.put(replace(mine, name=GONG))
    await tenant.has("sub_ada")
    assert (await tenant.gong()).cron.expression == "0 6 * * *"
