"""What money costs a model call: looking up rules and prices, setting aside in SQLite alone and in a crowd, writing the ledger.

    python -m benchmarks.ai_money

Defends: rules, limits and price of a call in at most 60 µs together, with 1,000 budgets; one reservation in at most 60 times a bare
SQLite transaction of the same run, each of 200 at once in at most half of one alone, and of a budget for a hundred of them exactly a
hundred. The best rounds count: yardstick and work share the machine.
"""

import asyncio
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from server.config.store import sqlite_url
from server.storage.ai_gateway.model_calls import SqlModelCallStore
from server.storage.database import Database
from server.storage.metering.budgets import SqlBudgetStore
from server.storage.migrate import migrate
from tools.ai_gateway.pricing.price_book import PriceBook
from tools.ai_gateway.records.call_record import ModelCallRecord
from tools.ai_gateway.stores import ClosedCall
from tools.ai_gateway.token_usage import TokenUsage
from tools.metering.budgets import Budgets, BudgetUsedUp
from tools.metering.limits import Limits, LimitTicket
from tools.metering.rules import BudgetRule, LimitRule, Selector
from tools.metering.spending import Amount, Reservation, Spending, settled

GOAL_US, GOAL_TRANSACTIONS, GOAL_IN_A_CROWD = 60, 60, 0.5
#: what the yardstick of `ai_decision` took on the machine where the goal was set, unhurried
YARDSTICK_US = 35
ROUNDS, CALLS, CROWD = 300, 20, 200
CENT = Amount(10_000_000, 100)
SPENDING = Spending("acme", "", "k7", "ada@example.com", "bulk", (("openai", "gpt-5.2"), ("deepseek", "deepseek-v4-flash")))
RULES = (
    BudgetRule("month", Selector(tenant="acme"), "month", 10**15),
    BudgetRule("person", Selector(user="*", model="openai/*"), "day", 10**15),
    *(BudgetRule(f"k{n}", Selector(key=f"k{n}"), "day", 10**15) for n in range(1_000)),
)
LIMITS = (LimitRule(Selector(key="*"), "hour", requests=10**9), LimitRule(Selector(), "minute", tokens=10**12))


def best_us(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(CALLS):
            work()
        best = min(best, (time.perf_counter() - began) / CALLS)
    return best * 1e6


async def best_s(work: Callable[[], Awaitable[object]], rounds: int) -> float:
    best = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        await work()
        best = min(best, time.perf_counter() - began)
    return best


def bare_transaction(path: Path) -> Callable[[], None]:
    """Return the least that a reservation could be: one row read, one changed, one added, in the same database."""
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL", "CREATE TABLE bare_c (n, v)", "CREATE TABLE bare_r (n)"):
        connection.execute(statement)
    connection.execute("INSERT INTO bare_c VALUES (1, 0)")

    def work() -> None:
        for statement in (
            "BEGIN IMMEDIATE",
            "SELECT v FROM bare_c",
            "UPDATE bare_c SET v = v + 1",
            "INSERT INTO bare_r VALUES (1)",
            "COMMIT",
        ):
            connection.execute(statement)

    return work


async def measure(folder: Path) -> bool:
    path = folder / "store.sqlite3"
    await migrate(sqlite_url(path))
    database = Database(sqlite_url(path))
    store = SqlBudgetStore(database)

    async def nothing_waits() -> int:
        return 0

    rules = [RULES]
    budgets = Budgets(store, lambda: rules[0], lambda _key: None, nothing_waits)
    running = asyncio.create_task(budgets.run())

    async def take() -> Reservation | None:
        try:
            return await budgets.reserve(SPENDING, CENT, True, 60)
        except BudgetUsedUp:
            return None

    looked_up = lookups(budgets)
    bare_us = best_us(bare_transaction(path))
    await take()
    alone_us = await best_s(take, 100) * 1e6
    crowd_us = await best_s(lambda: asyncio.gather(*(take() for _ in range(CROWD))), 10) * 1e6
    row_us = await ledger_us(SqlModelCallStore(database), take)
    rules[0] = (BudgetRule("dollar", Selector(), "total", 10**9),)
    admitted = sum(each is not None for each in await asyncio.gather(*(take() for _ in range(CROWD))))
    running.cancel()
    await database.close()
    alone, share = alone_us / bare_us, crowd_us / CROWD / alone_us
    print(f"setting aside, alone: {alone_us:,.0f} us, {alone:.0f} bare transactions of {bare_us:.0f} us; goal at most {GOAL_TRANSACTIONS}")
    print(f"setting aside, {CROWD} at once: {crowd_us / CROWD:,.0f} us each, {share:.2f} of one alone; goal at most {GOAL_IN_A_CROWD}")
    print(f"a budget for 100 calls admitted {admitted} of {CROWD}; writing a call and settling it: {row_us:,.0f} us")
    return looked_up and alone <= GOAL_TRANSACTIONS and share <= GOAL_IN_A_CROWD and admitted == 100


async def ledger_us(calls: SqlModelCallStore, take: Callable[[], Awaitable[Reservation | None]]) -> float:
    best = float("inf")
    for batch in range(5):
        taken = [each for each in await asyncio.gather(*(take() for _ in range(CROWD))) if each is not None]
        closed = [ClosedCall(record(f"mc_{batch}_{n}"), settled(each, CENT, "openai", "gpt-5.2")) for n, each in enumerate(taken)]
        began = time.perf_counter()
        await calls.append(closed)
        best = min(best, (time.perf_counter() - began) / CROWD)
    return best * 1e6


def lookups(budgets: Budgets) -> bool:
    limits, prices = Limits(lambda: LIMITS), PriceBook(tuple)
    usage, now = TokenUsage(1_000, 500, output_tokens=100), datetime.now(UTC)

    def all_of_it() -> None:
        budgets.applying(SPENDING)
        limits.settle(taken(limits), 50)
        prices.most_nano_usd("openai", "gpt-5.2", 1_000, 100, now)
        prices.cost("openai", "gpt-5.2", usage, now)

    yardstick_us = best_us(lambda: sum(n * n for n in range(1_000)))
    took_us = best_us(all_of_it)
    fair_us = took_us * YARDSTICK_US / max(yardstick_us, YARDSTICK_US)
    print(f"budgets, limits and prices of a call: {took_us:.0f} us ({fair_us:.0f} by the yardstick), goal at most {GOAL_US}")
    return fair_us <= GOAL_US


def taken(limits: Limits) -> LimitTicket:
    """Take without a loop: there is nothing to wait for where no process shares."""
    try:
        limits.take(SPENDING, 100).send(None)
    except StopIteration as ended:
        ticket: LimitTicket = ended.value
        return ticket
    raise RuntimeError("it waited")


def record(call_id: str) -> ModelCallRecord:
    return ModelCallRecord(
        id=call_id,
        at_us=time.time_ns() // 1_000,
        tenant_id="acme",
        gateway="",
        key_id="key_1",
        user="ada@example.com",
        route="bulk",
        requested="bulk",
        provider="openai",
        model="gpt-5.2",
        status=200,
        outcome="ok",
        is_stream=False,
        attempts=(),
        cache="miss",
        experiment="",
        usage=TokenUsage(1_000, output_tokens=100),
        cost_nano_usd=CENT.nano_usd,
        price_from="2026-11-27",
        ttft_ms=None,
        ms=100.0,
        overhead_ms=1.0,
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        sys.exit(not asyncio.run(measure(Path(made))))
