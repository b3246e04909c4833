"""A process that spends cents from a budget of one dollar, as many as it gets.

`python -m tests.contracts.ai_gateway.spending_process URL CALLS`
"""

import asyncio
import sys

from server.storage.ai_gateway.model_calls import SqlModelCallStore
from server.storage.database import Database
from tests.contracts.ai_gateway.model_calls import Unwatched, call
from tests.tools.metering.spending_world import CENT, SPENDING, dollars, running_budgets
from tools.ai_gateway.records.call_ledger import CallLedger
from tools.metering.budgets import Budgets, BudgetUsedUp


async def main(url: str, calls: int) -> None:
    database = Database(url)
    ledger = CallLedger(SqlModelCallStore(database), Unwatched())
    async with running_budgets(database, [dollars("dollar", 1)]) as budgets, asyncio.TaskGroup() as group:
        writing = group.create_task(ledger.run())
        made = await asyncio.gather(*(spend(budgets, ledger) for _ in range(calls)))
        writing.cancel()
    print(sum(made), flush=True)  # noqa: T201
    await database.close()


async def spend(budgets: Budgets, ledger: CallLedger) -> bool:
    """Make one call of a cent; say whether the budget had room."""
    try:
        reservation = await budgets.reserve(SPENDING, CENT, True, 60)
    except BudgetUsedUp:
        return False
    assert reservation is not None
    print("reserved", flush=True)  # noqa: T201
    ledger.close(call(cost_nano_usd=CENT.nano_usd), reservation, CENT)
    return True


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
