"""Sums of even steps, on both stores: what each step came to, and the same whether rows or sums are added up."""

from dataclasses import replace

from oauth.token import TokenExchange
from server.storage.ai_gateway.model_calls import SqlModelCallStore
from server.storage.ai_gateway.model_spend import SpendStep, SqlModelSpend
from server.storage.database import Database
from server.storage.history.calls import SqlCallHistory
from server.storage.history.figures import HistoryFigures
from server.storage.history.rollups import DAY_US, HOUR_US
from server.storage.history.token_hours import SqlTokenHours
from server.storage.history.trends import HistoryTrends, Steps, TokenStep
from tests.contracts.ai_gateway.model_calls import call
from tools.ai_gateway.stores import ClosedCall
from tools.stores import CallRecord

FIRST_US = 20_000 * DAY_US
GOOD = CallRecord(
    tenant_id="acme",
    tool="call_api",
    operation="crm.deals.list",
    auth_method="access_token",
    duration_ms=80.0,
    success=True,
    error_code=None,
    trace_id="a" * 32,
    subject="s1",
    client_id="c1",
    called_at_us=FIRST_US,
    upstream_ms=70.0,
)


def failed(at_us: int, tenant_id: str = "acme") -> CallRecord:
    return replace(
        GOOD, called_at_us=at_us, tenant_id=tenant_id, success=False, error_code="timeout", error_class="ours", duration_ms=31_000.0
    )


async def test_steps_tell_calls_apart_by_time_and_class(history_database: Database) -> None:
    history, trends = SqlCallHistory(history_database), HistoryTrends(history_database)
    minutes = [0, 10, 61, 62, 179]
    await history.append_calls([replace(GOOD, called_at_us=FIRST_US + minute * 60_000_000) for minute in minutes])
    await history.append_calls([failed(FIRST_US + HOUR_US), failed(FIRST_US + HOUR_US, "globex")])
    for step_us in (HOUR_US, HOUR_US // 2):
        found = await trends.calls(Steps(FIRST_US, FIRST_US + 3 * HOUR_US, step_us))
        by_hour: dict[tuple[int, str], int] = {}
        for step in found:
            hour = step.place * step_us // HOUR_US
            by_hour[hour, step.error_class] = by_hour.get((hour, step.error_class), 0) + step.calls
        assert by_hour == {(0, ""): 2, (1, ""): 2, (1, "ours"): 2, (2, ""): 1}
        assert sum(step.buckets[4] for step in found) == 5
        assert sum(step.buckets[11] for step in found) == 2
        assert sum(step.sum_upstream_ms for step in found) == 7 * 70.0
        own = await trends.calls(Steps(FIRST_US, FIRST_US + 3 * HOUR_US, step_us), "globex")
        assert [(step.calls, step.error_class) for step in own] == [(1, "ours")]
    days = await trends.calls(Steps(FIRST_US - DAY_US, FIRST_US + DAY_US, DAY_US))
    assert sorted((step.place, step.error_class, step.calls) for step in days) == [(1, "", 5), (1, "ours", 2)]
    assert await trends.count(FIRST_US, FIRST_US + HOUR_US) == 6


async def test_a_kind_of_failure_is_told_by_the_hour(history_database: Database) -> None:
    history, figures = SqlCallHistory(history_database), HistoryFigures(history_database)
    await history.append_calls([GOOD, *(failed(FIRST_US + hour * HOUR_US + 1) for hour in (0, 0, 2, 9)), failed(FIRST_US, "globex")])
    kind = next(each for each in await figures.errors(0) if each.tenant_id == "acme")
    assert await figures.failures_by_hour([kind], FIRST_US, 4) == [[2, 0, 1, 0]]


async def test_steps_tell_tokens_apart_by_grant_and_outcome(history_database: Database) -> None:
    first_s = FIRST_US / 1_000_000
    exchanges = [TokenExchange(first_s + 3_600 * hour, 4.0, "refresh_token", "issued", "acme") for hour in (0, 1, 5)]
    refused = TokenExchange(first_s, 4.0, "refresh_token", "invalid_grant")
    await SqlTokenHours(history_database).add([*exchanges, refused])
    found = await HistoryTrends(history_database).tokens(Steps(FIRST_US, FIRST_US + 8 * HOUR_US, 4 * HOUR_US))
    assert set(found) == {
        TokenStep(place=0, grant_type="refresh_token", is_good=True, requests=2),
        TokenStep(place=1, grant_type="refresh_token", is_good=True, requests=1),
        TokenStep(place=0, grant_type="refresh_token", is_good=False, requests=1),
    }
    own = await HistoryTrends(history_database).tokens(Steps(FIRST_US, FIRST_US + 8 * HOUR_US, 4 * HOUR_US), "acme")
    assert sum(step.requests for step in own) == 3


async def test_steps_tell_what_models_cost(sql_database: Database) -> None:
    given = [call(at_us=FIRST_US + hour * HOUR_US, tenant_id="acme", cost_nano_usd=cost) for hour, cost in ((0, 5), (1, 7), (30, 9))]
    unpriced = call(at_us=FIRST_US, tenant_id="globex", cost_nano_usd=None)
    await SqlModelCallStore(sql_database).append([ClosedCall(each) for each in (*given, unpriced)])
    spend = SqlModelSpend(sql_database)
    found = await spend.steps(FIRST_US, FIRST_US + 2 * DAY_US, DAY_US)
    assert found == [SpendStep(place=0, calls=3, cost_nano_usd=12), SpendStep(place=1, calls=1, cost_nano_usd=9)]
    assert await spend.steps(FIRST_US, FIRST_US + DAY_US, DAY_US, "globex") == [SpendStep(place=0, calls=1, cost_nano_usd=0)]
