"""What the token endpoint was asked, by the hour, on both stores."""

from oauth.token import TokenExchange
from server.storage.database import Database
from server.storage.history.calls import SqlCallHistory
from server.storage.history.rollups import HOUR_US
from server.storage.history.token_hours import SqlTokenHours, TokenSum

HOUR_S = 3_600


def exchange(at_hour: float, outcome: str = "issued", ms: float = 4.0, tenant_id: str = "acme") -> TokenExchange:
    return TokenExchange(at_hour * HOUR_S, ms, "refresh_token", outcome, tenant_id)


async def test_batches_add_up_by_hour_tenant_and_outcome(history_database: Database) -> None:
    hours = SqlTokenHours(history_database)
    await hours.add([exchange(1), exchange(1.5, ms=700), exchange(1, "invalid_grant", tenant_id=""), exchange(2)])
    await hours.add([exchange(1.9, ms=90_000)])
    await hours.add([])
    first, *others = sorted(await hours.sums(0, 9 * HOUR_US), key=lambda each: (each.outcome != "issued", each.at_us))
    counts = {0: 1, 6: 0, 7: 1, 11: 1}
    assert first == TokenSum(HOUR_US, "acme", "refresh_token", "issued", 3, 90_704.0, 90_000.0, tuple(counts.get(n, 0) for n in range(12)))
    assert [(each.at_us // HOUR_US, each.outcome, each.requests) for each in others] == [(2, "issued", 1), (1, "invalid_grant", 1)]


async def test_a_tenant_sees_what_was_issued_there(history_database: Database) -> None:
    hours = SqlTokenHours(history_database)
    await hours.add([exchange(1), exchange(1, tenant_id="globex"), exchange(1, "invalid_client", tenant_id="")])
    assert [each.tenant_id for each in await hours.sums(0, 9 * HOUR_US, "globex")] == ["globex"]
    assert len(await hours.sums(0, 9 * HOUR_US)) == 3
    assert await hours.sums(2 * HOUR_US, 9 * HOUR_US) == []


async def test_old_hours_go_with_those_of_calls(history_database: Database) -> None:
    hours = SqlTokenHours(history_database)
    await hours.add([exchange(1), exchange(5)])
    await SqlCallHistory(history_database).forget_sums_before(hours_us=3 * HOUR_US, errors_us=0, days_us=0, decisions_us=0)
    assert [each.at_us // HOUR_US for each in await hours.sums(0, 9 * HOUR_US)] == [5]
