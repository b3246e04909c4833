"""Operations with a price: one budget holds them and model calls."""

import asyncio
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import pytest

from oauth.principal import Principal
from server.storage.database import Database
from server.storage.metering.budgets import SqlBudgetStore
from server.storage.metering.operation_charges import SqlOperationCharges
from tests.empty_store import put_empty_store
from tests.tools.metering.spending_world import CENT, SPENDING, dollars, running_budgets
from tests.tools.stand_ins import ADA, CLIENT, ScriptedRunner, operation
from tools.errors import ToolError
from tools.metering.budgets import Budgets
from tools.metering.ledger import Ledger
from tools.metering.rules import Selector
from tools.metering.stores import ClosedCharge
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


async def name_of(principal: Principal) -> str:
    """As two people would be called."""
    return f"{principal.subject}@example.com"


@dataclass(frozen=True)
class Metered:
    """A runner in front of a scripted one, with its ledger."""

    runner: MeteredRunner
    inner: ScriptedRunner
    ledger: Ledger[ClosedCharge]

    async def run(self, which: Call) -> Outcome:
        return await self.runner.run(which)


def metered(budgets: Budgets, database: Database) -> Metered:
    inner = ScriptedRunner()
    ledger = Ledger[ClosedCharge](SqlOperationCharges(database).append, "operation_charges")
    runner = MeteredRunner(inner, budgets, ledger, lambda _provider, name: PRICES.get(name, 0), name_of)
    runner.switch(has_prices=True)
    return Metered(runner, inner, ledger)


async def spent(database: Database, of: Metered) -> tuple[int, int]:
    """Return what the budget has spent, which is what the ledger says, and what it has set aside."""
    await of.ledger.flush()
    [counter] = await SqlBudgetStore(database).counters(0)
    assert counter.spent.nano_usd == sum(each.cost_nano_usd for each in await SqlOperationCharges(database).usage("acme", 0))
    return counter.spent.nano_usd, counter.reserved.nano_usd


async def test_one_budget_holds_calls_of_operations_and_of_models(database: Database) -> None:
    async with running_budgets(database, [dollars("acme", 0.03, Selector(tenant="acme"))]) as budgets:
        of = metered(budgets, database)
        assert await budgets.reserve(SPENDING, CENT, True, 60) is not None
        assert [(await of.run(call("crm.contacts.enrich"))).status for _ in range(2)] == ["ok", "ok"]
        with pytest.raises(ToolError, match="budget 'acme'") as refused:
            await of.run(call("crm.contacts.enrich"))
    assert refused.value.failure.code == "budget_exceeded"
    assert len(of.inner.calls) == 2
    assert await spent(database, of) == (2 * CENT.nano_usd, CENT.nano_usd)


async def test_an_operation_without_a_price_asks_no_budget(database: Database) -> None:
    async with running_budgets(database, [dollars("none", 0)]) as budgets:
        of = metered(budgets, database)
        assert (await of.run(call("crm.contacts.list"))).status == "ok"
    assert await SqlBudgetStore(database).counters(0) == []


async def test_without_prices_it_is_not_in_the_way(database: Database) -> None:
    """Decision 0018: a warm call passes few hands."""
    async with running_budgets(database, [dollars("none", 0)]) as budgets:
        of = metered(budgets, database)
        of.runner.switch(has_prices=False)
        assert of.runner.run == of.inner.run


async def test_a_failed_call_of_an_operation_costs_nothing(database: Database) -> None:
    async def fails(_call: Call) -> Outcome:
        return Outcome("error", error=Failure("upstream_error", "no", upstream={"status": 503}))

    async def breaks(_call: Call) -> Outcome:
        raise RuntimeError

    async with running_budgets(database, [dollars("provider", 1, Selector(provider="crm"))]) as budgets:
        of = metered(budgets, database)
        of.inner.answers["crm.contacts.enrich"] = fails
        assert (await of.run(call("crm.contacts.enrich"))).status == "error"
        of.inner.answers["crm.contacts.enrich"] = breaks
        with pytest.raises(RuntimeError):
            await of.run(call("crm.contacts.enrich"))
    assert await spent(database, of) == (0, 0)


async def test_each_person_has_a_budget_of_their_own(database: Database) -> None:
    async with running_budgets(database, [dollars("each", 0.01, Selector(user="*"))]) as budgets:
        of = metered(budgets, database)
        mine, bobs = call("crm.contacts.enrich"), call("crm.contacts.enrich")
        bobs = replace(bobs, principal=replace(ADA, subject="bob"))
        assert [(await of.run(each)).status for each in (mine, bobs)] == ["ok", "ok"]
        with pytest.raises(ToolError):
            await of.run(mine)


async def test_what_went_out_and_was_never_answered_is_paid_for(database: Database) -> None:
    """Else whoever gives every call too little time would pay for none."""
    has_begun = anyio.Event()

    async def is_silent(_call: Call) -> Outcome:
        return Outcome("error", error=Failure("upstream_timeout", "silence"))

    async def never_ends(_call: Call) -> Outcome:
        has_begun.set()
        await anyio.sleep_forever()
        raise AssertionError

    async with running_budgets(database, [dollars("acme", 1)]) as budgets:
        of = metered(budgets, database)
        of.inner.answers["crm.contacts.enrich"] = is_silent
        await of.run(call("crm.contacts.enrich"))
        of.inner.answers["crm.contacts.enrich"] = never_ends
        running = asyncio.create_task(of.run(call("crm.contacts.enrich")))
        with anyio.fail_after(10):
            await has_begun.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert await spent(database, of) == (2 * CENT.nano_usd, 0)


async def test_without_a_budget_there_is_a_row_all_the_same(database: Database) -> None:
    async with running_budgets(database, []) as budgets:
        of = metered(budgets, database)
        await of.run(call("crm.contacts.enrich"))
    await of.ledger.flush()
    [usage] = await SqlOperationCharges(database).usage("acme", 0)
    assert (usage.operation, usage.calls, usage.cost_nano_usd) == ("crm.contacts.enrich", 1, CENT.nano_usd)


async def test_a_budget_that_names_a_person_holds_her_operations(database: Database) -> None:
    """By the same e-mail as for her keys and tokens."""
    hers = f"{ADA.subject}@example.com"
    async with running_budgets(database, [dollars("hers", 0.01, Selector(user=hers))]) as budgets:
        runner = metered(budgets, database)
        assert (await runner.run(call("crm.contacts.enrich"))).status == "ok"
        with pytest.raises(ToolError, match="hers"):
            await runner.run(call("crm.contacts.enrich"))
