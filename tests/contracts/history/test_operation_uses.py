"""How often operations were used, by the day, on both stores: the last day as it is now, those before it as of a minute ago."""

from dataclasses import replace

from server.storage.database import Database
from server.storage.history.calls import SqlCallHistory
from server.storage.history.operation_uses import KEPT_S, OperationUse, OperationUses
from server.storage.history.rollups import DAY_US
from tests.contracts.history.test_history_trends import FIRST_US, GOOD, failed
from tools.stores import CallRecord

NOON_US = FIRST_US + 3 * DAY_US + DAY_US // 2


def on(day: int, operation: str = "crm.deals.list") -> CallRecord:
    return replace(GOOD, called_at_us=FIRST_US + day * DAY_US + 1, operation=operation)


async def test_uses_are_added_up_over_days_and_tenants_the_most_used_first(history_database: Database) -> None:
    history, uses = SqlCallHistory(history_database), OperationUses(history_database)
    await history.append_calls([on(0), on(1, "crm.deals.get"), on(1), failed(FIRST_US + 3 * DAY_US, "globex"), on(3, "crm.notes.add")])
    found = await uses.of(FIRST_US, NOON_US)
    assert found == [
        OperationUse("crm.deals.list", 3, 1, FIRST_US + 3 * DAY_US),
        OperationUse("crm.deals.get", 1, 0, FIRST_US + DAY_US),
        OperationUse("crm.notes.add", 1, 0, FIRST_US + 3 * DAY_US),
    ]
    assert await uses.of(FIRST_US) == found
    assert [use.calls for use in await uses.of(FIRST_US, NOON_US, "acme")] == [2, 1, 1]
    assert [use.operation for use in await uses.of(FIRST_US + DAY_US, FIRST_US + 2 * DAY_US)] == ["crm.deals.get", "crm.deals.list"]
    assert await uses.of(NOON_US + 5 * DAY_US, NOON_US) == []


async def test_what_comes_today_shows_at_once_and_what_came_late_within_a_minute(history_database: Database) -> None:
    now = [0.0]
    history, uses = SqlCallHistory(history_database), OperationUses(history_database, lambda: now[0])

    async def calls() -> int:
        return sum(use.calls for use in await uses.of(FIRST_US, NOON_US))

    await history.append_calls([on(0), on(3)])
    assert await calls() == 2
    await history.append_calls([on(3), on(2)])
    assert await calls() == 3
    now[0] = KEPT_S
    assert await calls() == 4


async def test_other_stretches_of_days_are_other_answers(history_database: Database) -> None:
    history, uses = SqlCallHistory(history_database), OperationUses(history_database, lambda: 0.0)
    await history.append_calls([on(day) for day in range(8)])
    for day in (0, 1, 2, 3, 4, 5, 0):
        assert [use.calls for use in await uses.of(FIRST_US + day * DAY_US, FIRST_US + 7 * DAY_US + 2)] == [8 - day]
