"""BudgetStore in both databases: exact for any number of callers, processes and nodes."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from sqlalchemy import func, select

from server.storage.ai_gateway.model_calls import SqlModelCallStore
from server.storage.database import Database
from server.storage.metering.budgets import SqlBudgetStore
from server.storage.schema.ai_gateway_tables import model_calls
from server.storage.schema.metering_tables import budget_counters, budget_reservations
from tests.contracts.ai_gateway.model_calls import call
from tests.contracts.databases import empty_database, url_of
from tests.forked.module import ForkedModule
from tests.tools.metering.spending_world import CENT, NOON_S, SPENDING, dollars, running_budgets
from tools.ai_gateway.stores import ClosedCall
from tools.metering.budgets import Budgets, BudgetUsedUp, PriceUnknown
from tools.metering.rules import BudgetRule, Selector
from tools.metering.spending import Amount, Charge, Reservation, settled
from tools.metering.stores import Ask

LONG_S = 60.0


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return url_of(request.param, request, tmp_path)


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    async with empty_database(url) as opened:
        yield opened


async def take(budgets: Budgets, most: Amount = CENT) -> Reservation | None:
    """Return the reservation, or None where a budget has no room."""
    try:
        return await budgets.reserve(SPENDING, most, True, LONG_S)
    except BudgetUsedUp:
        return None


async def left(database: Database) -> dict[str, tuple[Amount, Amount]]:
    """Return what each budget has spent and set aside now."""
    counters = await SqlBudgetStore(database).counters(int(NOON_S * 1_000_000))
    return {each.charge.budget: (each.spent, each.reserved) for each in counters}


async def test_two_hundred_calls_at_once_never_take_more_than_a_dollar(database: Database, url: str) -> None:
    """Issue 13: 200 parallel calls against $1 never overshoot, here from two nodes, and exactly a hundred get through."""
    async with AsyncExitStack() as stack:
        other = Database(url)
        stack.push_async_callback(other.close)
        nodes = [await stack.enter_async_context(running_budgets(each, [dollars("dollar", 1)])) for each in (database, other)]
        taken = await asyncio.gather(*(take(nodes[n % 2]) for n in range(200)))
    assert sum(each is not None for each in taken) == 100
    assert await left(database) == {"dollar": (Amount(), Amount(10**9, 10_000))}


async def test_two_processes_never_spend_more_than_a_dollar(database: Database, url: str) -> None:
    """Across processes, with settlement: counter = ledger = log."""
    both = [ForkedModule("tests.contracts.ai_gateway.spending_process", url, "100") for _ in range(2)]
    said = [(await anyio.to_thread.run_sync(each.communicate)).split() for each in both]
    assert sum(int(each[-1]) for each in said) == 100
    await agrees(database, Amount(10**9, 10_000), Amount())


async def agrees(database: Database, spent: Amount, reserved: Amount) -> None:
    """Assert that counter, ledger and log say the same."""
    assert await left(database) == {"dollar": (spent, reserved)}
    settled_ones = budget_reservations.c.state == "settled"
    async with database.read() as connection:
        ledger = await connection.execute(
            select(func.sum(budget_reservations.c.spent_nano_usd), func.sum(budget_reservations.c.spent_tokens)).where(settled_ones)
        )
        log = await connection.scalar(select(func.sum(model_calls.c.cost_nano_usd)))
        assert tuple(int(each or 0) for each in ledger.one()) == (spent.nano_usd, spent.tokens)
        assert int(log or 0) == spent.nano_usd


async def test_a_killed_process_forgets_nothing_that_is_on_record(database: Database, url: str) -> None:
    """kill -9 in the middle: counter = ledger = log, and what was set aside comes back when its time is up."""
    process = ForkedModule("tests.contracts.ai_gateway.spending_process", url, "90")
    for _ in range(20):
        assert await anyio.to_thread.run_sync(process.stdout.readline) == "reserved\n"
    process.kill()
    await anyio.to_thread.run_sync(process.communicate)
    spent, reserved = (await left(database))["dollar"]
    await agrees(database, spent, reserved)
    assert spent.nano_usd + reserved.nano_usd <= 90 * CENT.nano_usd
    assert reserved.nano_usd > 0
    await SqlBudgetStore(database).release_expired(int((NOON_S + LONG_S + 1) * 1_000_000))
    await agrees(database, spent, Amount())


async def test_every_budget_that_applies_or_none(database: Database) -> None:
    """Contract, Money: reserve in all budgets that apply or none."""
    rules = [dollars("rich", 1), dollars("poor", 0.01), dollars("other", 1, Selector(tenant="globex"))]
    async with running_budgets(database, rules) as budgets:
        assert [rule.name for rule in budgets.applying(SPENDING)] == ["rich", "poor"]
        first, second = await take(budgets), await take(budgets)
    assert first is not None
    assert second is None
    assert await left(database) == {"rich": (Amount(), CENT), "poor": (Amount(), CENT)}


async def test_a_budget_is_used_to_its_last_billionth(database: Database) -> None:
    """LiteLLM #28020: neither one call too many nor one too few at the edge."""
    async with running_budgets(database, [dollars("dollar", 0.03)]) as budgets:
        assert await take(budgets, Amount(20_000_001)) is not None
        assert await take(budgets, Amount(10_000_000)) is None
        assert await take(budgets, Amount(9_999_999)) is not None
        assert await take(budgets, Amount(1)) is None
        assert await take(budgets, Amount(0)) is not None


async def test_a_budget_in_tokens_holds_calls_without_a_price(database: Database) -> None:
    tokens = BudgetRule("tokens", Selector(), "total", tokens=250)
    async with running_budgets(database, [tokens]) as budgets:
        got = [await budgets.reserve(SPENDING, CENT, False, LONG_S) for _ in range(2)]
        assert all(got)
        with pytest.raises(BudgetUsedUp, match=r"budget 'tokens' \(250 tokens in all\) has no room"):
            await budgets.reserve(SPENDING, CENT, False, LONG_S)


async def test_a_budget_in_dollars_holds_no_call_without_a_price(database: Database) -> None:
    """LiteLLM #36561: a model without a price costs 0, so no budget binds."""
    async with running_budgets(database, [dollars("dollar", 1)]) as budgets:
        with pytest.raises(PriceUnknown, match="'dollar' is in dollars"):
            await budgets.reserve(SPENDING, Amount(0, 100), False, LONG_S)


async def test_what_was_set_aside_too_much_comes_back(database: Database) -> None:
    store = SqlBudgetStore(database)
    async with running_budgets(database, [dollars("dollar", 0.019)]) as budgets:
        for _ in range(10):
            reservation = await take(budgets)
            assert reservation is not None
            await store.settle([settled(reservation, Amount(1_000_000, 10), "openai", "m")])
        assert await take(budgets) is None
        assert await take(budgets, Amount(1_000_000, 10)) is not None
    assert (await left(database))["dollar"][0] == Amount(10_000_000, 100)


async def test_a_reservation_is_settled_once(database: Database) -> None:
    """LiteLLM #36926: counters at twice what was spent."""
    store = SqlBudgetStore(database)
    async with running_budgets(database, [dollars("dollar", 1)]) as budgets:
        reservation = await take(budgets)
    assert reservation is not None
    for _ in range(2):
        await store.settle([settled(reservation, CENT, "openai", "m")])
    await store.release([reservation.reservation_id])
    assert await left(database) == {"dollar": (CENT, Amount())}


async def test_a_call_that_outlives_its_reservation_is_counted_all_the_same(database: Database) -> None:
    store = SqlBudgetStore(database)
    async with running_budgets(database, [dollars("dollar", 1)]) as budgets:
        reservation = await take(budgets)
    assert reservation is not None
    assert await store.release_expired(int((NOON_S + LONG_S - 1) * 1_000_000)) == 0
    assert await store.release_expired(int((NOON_S + LONG_S + 1) * 1_000_000)) == 1
    assert await left(database) == {"dollar": (Amount(), Amount())}
    await store.settle([settled(reservation, CENT, "openai", "m")])
    assert await left(database) == {"dollar": (CENT, Amount())}


async def test_a_budget_of_a_target_that_did_not_answer_gets_all_back(database: Database) -> None:
    """What any of the targets may cost is set aside; the one that answers pays."""
    rules = [dollars("openai", 1, Selector(provider="openai")), dollars("anthropic", 1, Selector(model="anthropic/*"))]
    spending = replace(SPENDING, candidates=(("openai", "m"), ("anthropic", "claude")))
    async with running_budgets(database, rules) as budgets:
        reservation = await budgets.reserve(spending, CENT, True, LONG_S)
    assert reservation is not None
    assert await left(database) == {"openai": (Amount(), CENT), "anthropic": (Amount(), CENT)}
    await SqlBudgetStore(database).settle([settled(reservation, CENT, "anthropic", "claude")])
    assert await left(database) == {"openai": (Amount(), Amount()), "anthropic": (CENT, Amount())}


async def test_each_threshold_is_told_once_a_window(database: Database) -> None:
    """alerts in dollars, in the transaction that reaches them."""
    store, told = SqlBudgetStore(database), []
    async with running_budgets(database, [dollars("dollar", 0.1, alerts=(0.05, 0.02))]) as budgets:
        for _ in range(7):
            reservation = await take(budgets)
            assert reservation is not None
            told += [alert.threshold.nano_usd for alert in await store.settle([settled(reservation, CENT, "openai", "m")])]
    assert told == [20_000_000, 50_000_000]
    [counter] = await store.counters(int(NOON_S * 1_000_000))
    assert [each.nano_usd for each in counter.alerted] == told


async def test_a_new_window_starts_empty_and_late_calls_count_where_they_began(database: Database) -> None:
    """LiteLLM #30002: a reset leaves a stale counter."""
    now = [NOON_S + 86_400 / 2 - 1]
    store = SqlBudgetStore(database)
    async with running_budgets(database, [dollars("day", 0.01, window="day")], lambda: now[0]) as budgets:
        late = await take(budgets)
        assert await take(budgets) is None
        now[0] += 2
        assert await take(budgets) is not None
        assert late is not None
        await store.settle([settled(late, CENT, "openai", "m")])
    async with database.read() as connection:
        rows = (await connection.execute(select(budget_counters).order_by(budget_counters.c.window_start))).all()
    assert [(row.spent_nano_usd, row.reserved_nano_usd) for row in rows] == [(CENT.nano_usd, 0), (0, CENT.nano_usd)]


async def test_the_route_that_is_taken_instead_is_not_refused(database: Database) -> None:
    """over = a route: its calls count in the budget that they are taken for."""
    async with running_budgets(database, [dollars("dollar", 0.01, over="cheap")]) as budgets:
        assert await take(budgets) is not None
        with pytest.raises(BudgetUsedUp) as refused:
            await budgets.reserve(SPENDING, CENT, True, LONG_S)
        assert refused.value.over == "cheap"
        assert await budgets.reserve(replace(SPENDING, requested="cheap"), CENT, True, LONG_S) is not None
    assert await left(database) == {"dollar": (Amount(), Amount(20_000_000, 200))}


async def test_a_key_has_a_budget_of_its_own(database: Database) -> None:
    own = dollars("key bot", 0.01)
    async with running_budgets(database, [], own=own) as budgets:
        assert await budgets.reserve(SPENDING, CENT, True, LONG_S) is None
        mine = replace(SPENDING, key_id="key_1")
        assert await budgets.reserve(mine, CENT, True, LONG_S) is not None
        with pytest.raises(BudgetUsedUp, match="key bot"):
            await budgets.reserve(mine, CENT, True, LONG_S)
        assert await budgets.reserve(replace(mine, key_id="key_2"), CENT, True, LONG_S) is not None


async def test_whoever_leaves_meanwhile_holds_nothing(database: Database) -> None:
    """A caller that is gone when its turn comes, or gone just then, gives back what was set aside."""
    async with running_budgets(database, [dollars("dollar", 0.5)]) as budgets:
        leaving = [asyncio.create_task(take(budgets)) for _ in range(50)]
        while not any(each.done() for each in leaving):
            for each in leaving[25:]:
                each.cancel()
            await asyncio.sleep(0)
        await asyncio.wait(leaving)
        # Once more than there is room for, unless what was abandoned comes back.
        stayed = sum(not each.cancelled() for each in leaving)
        more = [await take(budgets) for _ in range(50 - stayed)]
    assert all(more)


async def test_whoever_leaves_between_the_answer_and_its_own_turn_holds_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store has set it aside, the loop has not come round to the caller yet."""
    reserve, leaving = SqlBudgetStore.reserve, set[asyncio.Task[object]]()

    async def cancelled_just_then(self: SqlBudgetStore, asks: Sequence[Ask]) -> Sequence[Charge | None]:
        answer = await reserve(self, asks)
        for each in leaving:
            asyncio.get_running_loop().call_soon(each.cancel)
        return answer

    monkeypatch.setattr(SqlBudgetStore, "reserve", cancelled_just_then)
    async with running_budgets(database, [dollars("dollar", 0.01)]) as budgets:
        leaving.add(asyncio.create_task(take(budgets)))
        await asyncio.wait(leaving)
        assert all(each.cancelled() for each in leaving)
        leaving.clear()
        assert await take(budgets)


async def test_the_record_and_its_settlement_are_one(database: Database) -> None:
    """A batch that is written twice, because nobody knew whether it was, counts once."""
    calls = SqlModelCallStore(database)
    async with running_budgets(database, [dollars("dollar", 1)]) as budgets:
        reservation = await take(budgets)
    assert reservation is not None
    closed = ClosedCall(call(cost_nano_usd=CENT.nano_usd), settled(reservation, CENT, "openai", "m"))
    for _ in range(2):
        await calls.append([closed])
    await agrees(database, CENT, Amount())
