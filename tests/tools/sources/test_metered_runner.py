"""Operations with a price: one budget holds them and model calls."""

import math
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from server.storage.database import Database
from server.storage.metering.budgets import SqlBudgetStore
from tests.empty_store import put_empty_store
from tests.tools.metering.spending_world import CENT, SPENDING, dollars, running_budgets
from tests.tools.stand_ins import ADA, CLIENT, ScriptedRunner, operation
from tools.errors import ToolError
from tools.metering.budgets import Budgets
from tools.metering.rules import Selector
from tools.operation import Call, CallOptions, Failure, Outcome, no_progress
from tools.sources.metered_runner import MeteredRunner

PRICES = {"crm.contacts.enrich": CENT.nano_usd}


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(put_empty_store(tmp_path / "store.sqlite3"))
    yield opened
    await opened.close()


async def never(*_: object, **__: object) -> Outcome:
    raise AssertionError


def call(operation_id: str) -> Call:
    return Call(
        principal=ADA,
        operation=operation(operation_id),
        arguments={},
        options=CallOptions(),
        tool="call_api",
        trace_id="t",
        deadline=math.inf,
        client=CLIENT,
        again=never,
        progress=no_progress,
    )


def metered(budgets: Budgets) -> tuple[MeteredRunner, ScriptedRunner]:
    inner = ScriptedRunner()
    runner = MeteredRunner(inner, budgets, lambda _provider, name: PRICES.get(name, 0))
    runner.switch(has_prices=True)
    return runner, inner


async def spent(database: Database) -> tuple[int, int]:
    [counter] = await SqlBudgetStore(database).counters(0)
    return counter.spent.nano_usd, counter.reserved.nano_usd


async def test_one_budget_holds_calls_of_operations_and_of_models(database: Database) -> None:
    async with running_budgets(database, [dollars("acme", 0.03, Selector(tenant="acme"))]) as budgets:
        runner, inner = metered(budgets)
        assert await budgets.reserve(SPENDING, CENT, True, 60) is not None
        assert [(await runner.run(call("crm.contacts.enrich"))).status for _ in range(2)] == ["ok", "ok"]
        with pytest.raises(ToolError, match="budget 'acme'") as refused:
            await runner.run(call("crm.contacts.enrich"))
    assert refused.value.failure.code == "budget_exceeded"
    assert len(inner.calls) == 2
    assert await spent(database) == (2 * CENT.nano_usd, CENT.nano_usd)


async def test_an_operation_without_a_price_asks_no_budget(database: Database) -> None:
    async with running_budgets(database, [dollars("none", 0)]) as budgets:
        runner, _inner = metered(budgets)
        assert (await runner.run(call("crm.contacts.list"))).status == "ok"
    assert await SqlBudgetStore(database).counters(0) == []


async def test_without_prices_it_is_not_in_the_way(database: Database) -> None:
    """Decision 0018: a warm call passes few hands."""
    async with running_budgets(database, [dollars("none", 0)]) as budgets:
        runner, inner = metered(budgets)
        runner.switch(has_prices=False)
        assert runner.run == inner.run


async def test_a_failed_call_of_an_operation_costs_nothing(database: Database) -> None:
    async def fails(_call: Call) -> Outcome:
        return Outcome("error", error=Failure("upstream_error", "no"))

    async def breaks(_call: Call) -> Outcome:
        raise RuntimeError

    async with running_budgets(database, [dollars("provider", 1, Selector(provider="crm"))]) as budgets:
        runner, inner = metered(budgets)
        inner.answers["crm.contacts.enrich"] = fails
        assert (await runner.run(call("crm.contacts.enrich"))).status == "error"
        inner.answers["crm.contacts.enrich"] = breaks
        with pytest.raises(RuntimeError):
            await runner.run(call("crm.contacts.enrich"))
    assert await spent(database) == (0, 0)


async def test_each_person_has_a_budget_of_their_own(database: Database) -> None:
    async with running_budgets(database, [dollars("each", 0.01, Selector(user="*"))]) as budgets:
        runner, _inner = metered(budgets)
        mine, bobs = call("crm.contacts.enrich"), call("crm.contacts.enrich")
        bobs = replace(bobs, principal=replace(ADA, subject="bob"))
        assert [(await runner.run(each)).status for each in (mine, bobs)] == ["ok", "ok"]
        with pytest.raises(ToolError):
            await runner.run(mine)
