"""Reports over a real store: what each kind says of what happened, whose rows it sees, and what it finds."""

from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import delete

from oauth.token import TokenExchange
from oauth.tokens.static_tokens import StaticToken
from server.config.load import load
from server.reports.kinds import KINDS, made
from server.reports.sample import CALLS
from server.reports.sources import DAY_US, Sources
from server.storage.history.tables import call_hours, error_ledger, operation_days
from server.storage.store import Store, open_store
from tests.contracts.ai_gateway.model_calls import call as model_call
from tests.contracts.history.test_call_history import call
from tests.empty_store import put_data_directory
from tools.ai_gateway.feedback import CallFeedback
from tools.ai_gateway.stores import ClosedCall
from tools.metering.stores import ClosedCharge

#: a fixed now: the middle of a day, some years on
NOW = 20_000 * DAY_US + DAY_US // 2
OPERATIONS = {("crm.deals.list", "crm"), ("crm.deals.update", "crm"), ("mail.send", "mail")}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(load(put_data_directory(tmp_path), {})) as opened:
        yield opened


@pytest.fixture
def sources(store: Store) -> Sources:
    return Sources(store, lambda _tenant_id: OPERATIONS)


async def fill(store: Store) -> None:
    """Two tenants: acme has ten good calls and a new failure this week, and one call the week before; globex has one secret call."""
    ours = partial(call, at_us=NOW - DAY_US)
    failed = partial(ours, "crm.deals.update", "upstream_error", reason="answered 503", upstream_ms=8.0)
    before = call("crm.deals.list", at_us=NOW - 9 * DAY_US)
    await store.calls.append_calls([*[ours()] * 10, failed(), failed(), before, ours("secret.plans", tenant_id="globex")])
    await store.token_hours.add([TokenExchange((NOW - DAY_US) / 1e6, 3.0, "refresh_token", "issued", "acme")])
    spent = partial(model_call, tenant_id="acme", at_us=NOW - DAY_US, provider="openai", model="m", cost_nano_usd=2_500_000_000, user="ada")
    await store.model_calls.append([ClosedCall(spent(id="c1"), None), ClosedCall(spent(id="c2", cost_nano_usd=None), None)])


def figures(report: Mapping[str, Any]) -> dict[str, Any]:
    return {each["name"]: each["value"] for each in report["figures"]}


def table(report: Mapping[str, Any], title: str) -> list[list[Any]]:
    return next(each["rows"] for each in report["tables"] if each["title"] == title)


async def test_a_digest_says_how_the_week_went_beside_the_week_before(store: Store, sources: Sources) -> None:
    await fill(store)
    report = await made(sources, "digest", "acme", NOW)
    by_name = {each["name"]: each for each in report["figures"]}
    assert (by_name["calls"]["value"], by_name["calls"]["before"]) == (12, 1)
    assert by_name["failed by us or an upstream"]["value"] == pytest.approx(100 * 2 / 12, abs=0.01)
    assert (figures(report)["tokens refreshed"], figures(report)["spent on models"]) == (1, 2.5)
    assert table(report, "Most used operations")[0] == ["crm.deals.list", 10, 0]
    [new] = report["findings"]
    assert (new["kind"], new["about"]) == ("new-error", "crm.deals.update: upstream_error")
    assert "2 times: answered 503" in new["message"]
    assert report["counts"] == {"calls": 12, "failed": 2, "new_errors": 1, "findings": 1}


@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_a_tenants_report_holds_nothing_of_another_tenant(store: Store, sources: Sources, kind: str) -> None:
    await fill(store)
    await store.static_tokens.add(StaticToken(b"h", "st_1", "globex", "eve", "secret-script", frozenset({"mcp"}), NOW / 1e6))
    said = orjson.dumps(await made(sources, kind, "acme", NOW))
    assert not [word for word in (b"globex", b"secret.plans", b"secret-script", b"eve") if word in said]


async def test_a_report_of_a_time_that_is_over_counts_nothing_that_came_later(store: Store, sources: Sources) -> None:
    """Five days ago there had been one call, and no failure, model call or charge."""
    await fill(store)
    await store.operation_charges.append(
        [ClosedCharge("op_1", "acme", NOW - DAY_US, "crm", "crm.deals.list", "ada", "ok", 1_000_000_000, "t")]
    )
    then = NOW - 5 * DAY_US
    digest = await made(sources, "digest", "acme", then)
    assert figures(digest) | {"95 of 100 calls took at most": None} == {
        "calls": 1,
        "failed by us or an upstream": 0.0,
        "95 of 100 calls took at most": None,
        "tokens refreshed": 0,
        "spent on models": 0.0,
        "operations used": 1,
    }
    assert digest["findings"] == []
    cost = await made(sources, "cost", "acme", then)
    assert (figures(cost)["models and tools together"], table(cost, "By model"), table(cost, "By person")) == (0.0, [], [])
    providers = await made(sources, "providers", "acme", then)
    assert (table(providers, "APIs"), table(providers, "Providers of models")) == ([["crm", 1, 0, 0.0]], [])
    assert figures(await made(sources, "unused", "acme", then))["of them without a call"] == 2


async def test_a_failure_that_was_new_then_is_said_to_be_though_it_came_again(store: Store, sources: Sources) -> None:
    failed = partial(call, "crm.deals.update", "upstream_error")
    await store.calls.append_calls([failed(at_us=NOW - 9 * DAY_US), failed(at_us=NOW)])
    [new] = (await made(sources, "digest", "acme", NOW - 8 * DAY_US))["findings"]
    assert "2 times until now" in new["message"]
    assert (await made(sources, "digest", "acme", NOW))["findings"] == []


async def test_seven_days_are_the_one_under_way_and_six_before_it(store: Store, sources: Sources) -> None:
    """Beside the seven before those: no day is in both, and none is between them."""
    today = NOW - DAY_US // 2
    for days_ago in range(16):
        await store.calls.append_calls([call("crm.deals.list", at_us=today - days_ago * DAY_US + 5)] * (100 if days_ago in (7, 14) else 1))
    [calls] = [each for each in (await made(sources, "digest", "acme", NOW))["figures"] if each["name"] == "calls"]
    assert (calls["value"], calls["before"]) == (7, 106)
    [calls] = [each for each in (await made(sources, "digest", "acme", today))["figures"] if each["name"] == "calls"]
    assert (calls["value"], calls["before"]) == (106, 106)


@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_where_nothing_happened_a_report_says_so_and_finds_nothing_broken(store: Store, kind: str) -> None:
    report = await made(Sources(store, lambda _tenant_id: ()), kind, None, NOW)
    assert report["findings"] == []
    assert all(not each["value"] for each in report["figures"])


async def test_costs_name_what_is_dear_and_what_has_no_price(store: Store, sources: Sources) -> None:
    await fill(store)
    report = await made(sources, "cost", "acme", NOW)
    assert table(report, "By model")[0][:3] == ["openai/m", 2.5, 2]
    assert table(report, "By person")[0][:2] == ["ada", 2.5]
    assert [each["kind"] for each in report["findings"]] == ["unpriced"]


async def test_quality_tells_days_and_codes_apart(store: Store, sources: Sources) -> None:
    await fill(store)
    report = await made(sources, "quality", "acme", NOW)
    assert [row[:3] for row in table(report, "Day by day")] == [["2024-10-03", 12, 16.67]]
    assert table(report, "Failures by code") == [["upstream_error", "upstream", 2]]
    assert figures(report)["of the time was the upstream's"] == pytest.approx(100 * 16 / 150, abs=0.1)


async def test_a_provider_of_which_many_calls_fail_is_a_finding(store: Store, sources: Sources) -> None:
    ours = partial(call, at_us=NOW - DAY_US)
    await store.calls.append_calls([*[ours("crm.deals.list")] * 30, *[ours("mail.send", "upstream_error")] * 3, *[ours("mail.send")] * 27])
    report = await made(sources, "providers", "acme", NOW)
    assert table(report, "APIs") == [["crm", 30, 0, 0.0], ["mail", 30, 3, 10.0]]
    assert [each["about"] for each in report["findings"]] == ["mail"]


async def test_operations_without_a_call_are_counted_and_unused_providers_named(store: Store, sources: Sources) -> None:
    await fill(store)
    report = await made(sources, "unused", "acme", NOW)
    assert figures(report) == {"operations": 3, "of them without a call": 1}
    assert [each["about"] for each in report["findings"]] == ["mail"]


async def test_what_people_are_unhappy_with_is_named(store: Store, sources: Sources) -> None:
    calls = [model_call(tenant_id="acme", id=f"c{n}", at_us=NOW - DAY_US, provider="openai", model="m") for n in range(6)]
    await store.model_calls.append([ClosedCall(each, None) for each in calls])
    for n, score in enumerate((-1.0, -1.0, -0.5, 0.0, 0.5, -1.0)):
        assert await store.feedback.give(CallFeedback("acme", f"c{n}", score, "my secret opinion", NOW - DAY_US))
    report = await made(sources, "satisfaction", "acme", NOW)
    assert table(report, "By model") == [["openai/m", 6, 4, -0.5]]
    assert [each["about"] for each in report["findings"]] == ["openai/m"]
    assert b"opinion" not in orjson.dumps(report)


async def test_a_sample_follows_calls_and_names_what_is_missing_of_them(store: Store, sources: Sources) -> None:
    await fill(store)
    whole = await made(sources, "sample", "acme", NOW)
    assert whole["findings"] == []
    assert 1 <= figures(whole)["calls followed"] <= CALLS
    async with store.history.write() as connection:
        for sums in (call_hours, operation_days, error_ledger):
            await connection.execute(delete(sums))
    await store.calls.append_calls([])
    missing = {each["message"] for each in (await made(sources, "sample", "acme", NOW))["findings"]}
    assert {"the sums of its hour do not count it", "the uses of its operation do not count it"} <= missing


async def test_what_has_been_the_same_for_long_is_due(store: Store, sources: Sources) -> None:
    old = StaticToken(b"h", "st_1", "default", "ada", "nightly", frozenset({"mcp"}), (NOW - 91 * DAY_US) / 1e6)
    young = StaticToken(b"i", "st_2", "default", "ada", "daily", frozenset({"mcp"}), (NOW - 2 * DAY_US) / 1e6)
    for token in (old, young):
        await store.static_tokens.add(token)
    report = await made(sources, "rotation", None, NOW)
    assert [each["about"] for each in report["findings"]] == ["static token nightly (st_1)"]
    assert table(report, "The same for long") == [["static token", "default", "nightly (st_1)", 91]]


async def test_static_tokens_are_told_with_their_last_use(store: Store, sources: Sources) -> None:
    await store.static_tokens.add(StaticToken(b"h", "st_1", "default", "ada", "nightly", frozenset({"mcp"}), (NOW - 91 * DAY_US) / 1e6))
    await store.static_tokens.add(StaticToken(b"i", "st_2", "default", "ada", "gone", frozenset({"mcp"}), (NOW - 91 * DAY_US) / 1e6))
    await store.static_tokens.count({b"h": 40}, (NOW - DAY_US) / 1e6)
    report = await made(sources, "legacy-bearer", None, NOW)
    assert {(each["kind"], each["about"]) for each in report["findings"]} == {("in-use", "nightly"), ("idle", "gone")}
    assert ["default", "nightly", 40, "2024-10-03", None] in table(report, "Tokens")
