"""Plans of 2025-11-25 clients that wait for an account, on both databases."""

from dataclasses import replace

import anyio
import pytest

from server.mcp.pending_plans import MAX_PLANS, TTL_S, PendingPlans
from server.storage.database import Database
from server.storage.schema.tool_tables import pending_plans
from server.storage.tools.pending_plans import SqlPendingPlans
from tests.server.mcp.test_request_state import Clock
from tests.tools.stand_ins import ADA

PLAN = {"steps": [{"id": "a", "api": "crm.deals.list"}]}
KEY = b"k" * 32


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def plans(sql_database: Database, clock: Clock) -> PendingPlans:
    return PendingPlans(SqlPendingPlans(sql_database), KEY, clock)


async def test_a_plan_is_found_by_who_sent_it_and_what_it_is_once_and_not_for_ever(plans: PendingPlans, clock: Clock) -> None:
    """Another subject, tenant, client or plan has no part in it."""
    await plans.wait(ADA, "batch_execute", PLAN, "x_1")
    for other in (replace(ADA, subject="bob"), replace(ADA, tenant_id="globex"), replace(ADA, client_id="cursor")):
        assert await plans.resume(other, "batch_execute", PLAN) is None
    assert await plans.resume(ADA, "batch_execute", {**PLAN, "max_parallel": 1}) is None
    assert await plans.resume(ADA, "batch_execute", PLAN) == "x_1"
    assert await plans.resume(ADA, "batch_execute", PLAN) is None
    await plans.wait(ADA, "batch_execute", PLAN, "x_2")
    clock.now += TTL_S
    assert await plans.resume(ADA, "batch_execute", PLAN) is None


async def test_another_process_goes_on_and_of_several_one(sql_database: Database, plans: PendingPlans, clock: Clock) -> None:
    await plans.wait(ADA, "batch_execute", PLAN, "x_1")
    found: list[str | None] = []

    async def resume() -> None:
        found.append(await PendingPlans(SqlPendingPlans(sql_database), KEY, clock).resume(ADA, "batch_execute", PLAN))

    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(resume)
    assert sorted(map(str, found)) == ["None", "None", "None", "x_1"]


async def test_plans_are_bounded_and_a_tenants_oldest_goes_first(plans: PendingPlans, clock: Clock) -> None:
    """Clients choose how many there are; another tenant's stay."""
    eve = replace(ADA, tenant_id="globex")
    await plans.wait(eve, "batch_execute", PLAN, "x_globex")
    for number in range(MAX_PLANS + 5):
        clock.now += 0.001
        await plans.wait(ADA, "batch_execute", {"n": number}, f"x_{number}")
    assert await plans.resume(ADA, "batch_execute", {"n": 4}) is None
    assert await plans.resume(ADA, "batch_execute", {"n": 5}) == "x_5"
    assert await plans.resume(eve, "batch_execute", PLAN) == "x_globex"


async def test_who_reads_the_store_cannot_go_on_with_it(sql_database: Database, plans: PendingPlans) -> None:
    await plans.wait(ADA, "batch_execute", PLAN, "x_secret")
    async with sql_database.read() as connection:
        [row] = (await connection.execute(pending_plans.select())).all()
    assert b"x_secret" not in b"".join(str(value).encode() if not isinstance(value, bytes) else value for value in row)


async def test_a_handle_under_another_key_is_none(sql_database: Database, plans: PendingPlans, clock: Clock) -> None:
    """Of a store that was restored beside another vault."""
    await plans.wait(ADA, "batch_execute", PLAN, "x_1")
    assert await PendingPlans(SqlPendingPlans(sql_database), b"o" * 32, clock).resume(ADA, "batch_execute", PLAN) is None
