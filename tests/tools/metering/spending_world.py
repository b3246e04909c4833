"""Budgets that run on a store, and what the tests spend."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import anyio

from server.storage.database import Database
from server.storage.metering.budgets import SqlBudgetStore
from tools.metering.budgets import Budgets
from tools.metering.rules import BudgetRule, Selector
from tools.metering.spending import Amount, Spending

CENT = Amount(nano_usd=10_000_000, tokens=100)
SPENDING = Spending("acme", "", "bot", "ada", "bulk", (("openai", "m"),))
#: 2026-11-27T12:00:00Z
NOON_S = 1_795_780_800.0


def dollars(name: str, usd: float, of: Selector | None = None, **more: object) -> BudgetRule:
    """Return a budget in dollars of all calls, in all time, unless said otherwise."""
    given = {"window": "total", **more}
    return BudgetRule(name, of or Selector(), nano_usd=int(usd * 1_000_000_000), **given)  # type: ignore[arg-type]


@asynccontextmanager
async def running_budgets(
    database: Database, rules: Sequence[BudgetRule], clock: Callable[[], float] = lambda: NOON_S, own: BudgetRule | None = None
) -> AsyncIterator[Budgets]:
    """Give budgets of one node, with nothing that waits to be settled."""

    async def nothing_to_settle() -> int:
        return 0

    kept = tuple(rules)
    budgets = Budgets(SqlBudgetStore(database), lambda: kept, lambda key_id: own if key_id else None, nothing_to_settle, clock)
    async with anyio.create_task_group() as group:
        group.start_soon(budgets.run)
        yield budgets
        group.cancel_scope.cancel()
