"""OperationChargeStore in both databases: counter and ledger are one transaction."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.storage.database import Database
from server.storage.metering.budgets import SqlBudgetStore
from server.storage.metering.operation_charges import SqlOperationCharges
from tests.contracts.databases import empty_database, url_of
from tests.tools.metering.spending_world import CENT, NOON_S, SPENDING, dollars, running_budgets
from tools.metering.spending import settled
from tools.metering.stores import ClosedCharge, OperationUsage


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with empty_database(url_of(request.param, request, tmp_path)) as opened:
        yield opened


def charge(charge_id: str, **given: object) -> ClosedCharge:
    values = {"tenant_id": "acme", "at_us": 10, "provider": "crm", "operation": "crm.deals.list", "subject": "ada", "outcome": "ok"}
    return ClosedCharge(charge_id, **{**values, "cost_nano_usd": 5, "trace_id": "t", **given})  # type: ignore[arg-type]


async def test_what_operations_came_to_is_added_up_by_tenant(database: Database) -> None:
    charges = SqlOperationCharges(database)
    failed = charge("op_2", outcome="error", cost_nano_usd=0)
    await charges.append(
        [charge("op_1"), failed, charge("op_3", operation="crm.a"), charge("op_4", tenant_id="globex"), charge("op_5", at_us=9)]
    )
    assert list(await charges.usage("acme", 10)) == [OperationUsage("crm.a", 1, 0, 5), OperationUsage("crm.deals.list", 2, 1, 5)]
    assert sum(each.calls for each in await charges.usage(None, 0)) == 5
    assert [each.calls for each in await charges.usage("acme", 0, 10)] == [1]
    assert await charges.forget_before(10) == 1


async def test_a_row_that_is_written_twice_counts_once(database: Database) -> None:
    """Who does not know whether a batch was written writes it again."""
    charges = SqlOperationCharges(database)
    async with running_budgets(database, [dollars("dollar", 1)]) as budgets:
        reservation = await budgets.reserve(SPENDING, CENT, True, 60)
    assert reservation is not None
    row = charge("op_1", settlement=settled(reservation, CENT, "crm", ""))
    for _ in range(2):
        await charges.append([row])
    [counter] = await SqlBudgetStore(database).counters(int(NOON_S * 1_000_000))
    assert (counter.spent.nano_usd, counter.reserved.nano_usd) == (CENT.nano_usd, 0)
    assert [each.calls for each in await charges.usage("acme", 0)] == [1]
