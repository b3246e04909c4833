"""The picture of usage: whole, bounded, in words too, and nothing in it that runs."""

import time
from xml.etree import ElementTree

import pytest

from server.admin.usage_chart import MAX_BARS, OTHERS, usage_chart
from tests.contracts.ai_gateway.model_calls import call
from tests.server.admin.conftest import Administration
from tools.ai_gateway.stores import ClosedCall, ModelUsage

SVG = "{http://www.w3.org/2000/svg}"
CENT = 10_000_000


def usage(of: str, *, cents: int = 0, calls: int = 1, unpriced: int = 0) -> ModelUsage:
    return ModelUsage(of, calls, 0, 0, 0, 0, cents * CENT, unpriced)


def drawn(svg: str) -> tuple[ElementTree.Element, list[float]]:
    root = ElementTree.fromstring(svg)
    return root, [float(each.get("width", "")) for each in root.iter(f"{SVG}rect")]


def test_bars_are_as_long_as_what_was_spent_and_words_say_the_same() -> None:
    root, bars = drawn(usage_chart("model", [usage("openai/m", cents=200, calls=1_200), usage("one/m", cents=50, unpriced=2)]))
    assert bars[1] / bars[0] == pytest.approx(0.25, abs=0.01)
    assert root.get("role") == "img"
    assert [root.findtext(f"{SVG}title"), root.findtext(f"{SVG}desc")] == [
        "Model calls by model",
        "$2.50 for 1,201 calls in all. openai/m: $2.00, 1,200 calls; one/m: $0.50, 1 call, 2 without a price.",
    ]


def test_where_nothing_cost_anything_bars_are_calls() -> None:
    _root, bars = drawn(usage_chart("user", [usage("ada", calls=4), usage("bob", calls=1)]))
    assert bars[1] / bars[0] == pytest.approx(0.25, abs=0.01)


def test_days_read_from_the_oldest_on_and_without_calls_it_says_so() -> None:
    root, _bars = drawn(usage_chart("day", [usage("2026-11-27"), usage("2026-11-26")]))
    assert [each.text for each in root.iter(f"{SVG}text")][1::2] == ["2026-11-26", "2026-11-27"]
    assert "No calls in this time." in usage_chart("day", [])


def test_a_long_list_is_cut_and_its_rest_is_one_bar() -> None:
    root, bars = drawn(usage_chart("user", [usage(f"u{n}", cents=1, calls=2) for n in range(MAX_BARS + 9)]))
    assert len(bars) == MAX_BARS + 1
    assert f"{OTHERS}: $0.09, 18 calls" in (root.findtext(f"{SVG}desc") or "")


def test_names_that_callers_chose_stay_text() -> None:
    hostile = "</text><script>alert(1)</script>\x00\x1b\u202e"
    root, _bars = drawn(usage_chart("user", [usage(hostile), usage("x" * 500), usage("")]))
    assert not list(root.iter(f"{SVG}script"))
    assert "none" in [each.text for each in root.iter(f"{SVG}text")]
    assert max(len(each.text or "") for each in root.iter(f"{SVG}text")) < 60


async def test_the_api_draws_an_administrators_own_tenant(admin: Administration) -> None:
    now_us = time.time_ns() // 1_000
    rows = [call(cost_nano_usd=3 * CENT, at_us=now_us), call(tenant_id="globex", provider="theirs", at_us=now_us)]
    await admin.gateway.store.model_calls.append([ClosedCall(row) for row in rows])
    answer = await admin.ask("GET", "usage?format=svg&by=model", admin.acme)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
    assert answer.headers["content-security-policy"] == "default-src 'none'"
    assert "openai/m: $0.03, 1 call" in answer.text
    assert "theirs" not in answer.text
    assert (await admin.ask("GET", "usage?format=png", admin.acme)).status_code == 400
