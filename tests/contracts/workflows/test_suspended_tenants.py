"""Runs of a suspended tenant stand still, on both databases, and go on where they were once it is back; one that leaves takes all along."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import anyio
import pytest

from oauth.tenants import Tenant
from server.storage.database import Database, now_us
from server.storage.oauth.tenants import SqlTenantStore
from server.storage.schema.metadata import metadata
from server.storage.workflows.definitions import SqlDefinitionStore
from server.storage.workflows.forgetting import FORGOTTEN, forget_durable_work
from server.storage.workflows.schedules.schedules import SqlScheduleStore
from server.storage.workflows.webhooks.deliveries import SqlDeliveryStore
from server.storage.workflows.webhooks.webhooks import SqlWebhookStore
from tests.contracts.schedules.test_scheduler import HOURLY
from tests.contracts.workflows.test_definition_stores import stored
from tests.contracts.workflows.test_delivery_stores import timeless, webhook
from tests.contracts.workflows.workflow_engines import TENANT, Durable, durable_on, running
from tests.waiting import until
from tools.operation import Json
from tools.workflows.run import Run

ACME = Tenant(TENANT, "Acme")


class Acme:
    """A tenant, its runs, and what they did; its work passes where a test says."""

    def __init__(self, database: Database, durable: Durable) -> None:
        self.tenants, self.durable, self.passes, self.done = SqlTenantStore(database), durable, anyio.Event(), Counter[str]()
        durable.add("working", self.working)
        durable.add("waiting", self.waiting)

    async def working(self, run: Run, given: Mapping[str, Json]) -> Json:
        async def first() -> Json:
            self.done["first"] += 1

        async def second() -> Json:
            self.done["begun"] += 1
            await self.passes.wait()
            self.done["second"] += 1

        await run.step("first", first)
        await run.step("second", second)

    async def waiting(self, run: Run, given: Mapping[str, Json]) -> Json:
        return await run.wait("yes", "go-on", 3600)

    async def are(self, suspended: bool) -> None:
        await self.tenants.save(replace(ACME, suspended=suspended))


@pytest.fixture
async def acme(sql_database: Database) -> Acme:
    acme = Acme(sql_database, durable_on(sql_database))
    await acme.tenants.add(ACME)
    return acme


async def test_a_run_in_hand_is_put_down_and_goes_on_behind_its_last_step(acme: Acme) -> None:
    """What the step under way came to is not recorded: it is done again, as after a crash."""
    workflows = acme.durable.workflows
    async with running(acme.durable):
        run_id = await workflows.start(TENANT, "working", {})
        await until(lambda: acme.done["begun"] == 1)
        await acme.are(suspended=True)
        await acme.durable.engine.heard([(TENANT, run_id)])
        await until(lambda: acme.durable.engine.in_hand == 0)
        acme.passes.set()
        other = await workflows.start("globex", "waiting", {})
        await until(lambda: acme.durable.engine.taken == 2)
        assert await acme.durable.is_in(run_id, "waiting")
        await workflows.cancel("globex", other)
        await acme.are(suspended=False)
        acme.durable.engine.wake()
        view = await acme.durable.ended(run_id)
    assert (view.state, acme.done) == ("succeeded", {"first": 1, "begun": 2, "second": 1})


async def test_what_waits_waits_on_and_a_signal_that_came_meanwhile_counts(acme: Acme) -> None:
    workflows = acme.durable.workflows
    run_id = await workflows.start(TENANT, "waiting", {})
    tomorrow_us = now_us() + 24 * 3600 * 1_000_000
    later = await workflows.start(TENANT, "waiting", {}, at_us=tomorrow_us)
    async with running(acme.durable):
        await until(lambda: acme.durable.is_in(run_id, "waiting"))
        await until(lambda: acme.durable.engine.in_hand == 0)
        await acme.are(suspended=True)
        await workflows.signal(TENANT, run_id, "go-on", "yes", key="1")
        acme.durable.engine.wake()
        await until(lambda: acme.durable.engine.outlook.is_over)
        taken = acme.durable.engine.taken
        await acme.are(suspended=False)
        acme.durable.engine.wake()
        assert (await acme.durable.ended(run_id)).result == "yes"
        # What was to begin tomorrow begins tomorrow.
        assert acme.durable.engine.taken == taken + 1
        assert await acme.durable.is_in(later, "queued")


async def test_a_run_of_a_suspended_tenant_can_be_cancelled(acme: Acme) -> None:
    workflows = acme.durable.workflows
    run_id = await workflows.start(TENANT, "waiting", {})
    await acme.are(suspended=True)
    assert await workflows.cancel(TENANT, run_id)
    assert await acme.durable.is_in(run_id, "cancelled")
    await acme.are(suspended=False)
    assert await acme.durable.is_in(run_id, "cancelled")


async def test_a_tenant_that_leaves_takes_its_work_along_and_nobody_elses(acme: Acme, sql_database: Database) -> None:
    """Runs with their steps, schedules, webhooks with what came, definitions, marks; a process that has a run in hand drops it."""
    async with running(acme.durable):
        run_id = await acme.durable.workflows.start(TENANT, "working", {})
        await until(lambda: acme.done["begun"] == 1)
        await SqlScheduleStore(sql_database).put(HOURLY)
        await SqlScheduleStore(sql_database).put(replace(HOURLY, tenant_id="globex"))
        await SqlWebhookStore(sql_database).put(TENANT, [webhook(source="github")])
        await SqlDeliveryStore(sql_database).receive(timeless("guid-1"))
        await SqlDefinitionStore(sql_database).put(stored())
        await acme.are(suspended=True)
        forgotten = await forget_durable_work(sql_database, TENANT)
        assert forgotten == {"runs": 2, "schedules": 1, "webhooks": 1, "definitions": 1, "marks of sources": 0}
        await acme.durable.engine.heard([(TENANT, run_id)])
        await until(lambda: acme.durable.engine.in_hand == 0)
    assert await forget_durable_work(sql_database, TENANT) == dict.fromkeys(forgotten, 0)
    assert len(await SqlScheduleStore(sql_database).of("globex")) == 1


def test_no_table_of_durable_work_is_left_behind() -> None:
    of_tenants = {name for name, table in metadata.tables.items() if "tenant_id" in table.c}
    durable = {name for name in of_tenants if name.startswith(("workflow_", "schedule", "webhook"))}
    assert {table.name for tables in FORGOTTEN.values() for table in tables} == durable
