"""The dashboard and the objectives over a history: what they say is what is on record."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from server.storage.history.rollups import DAY_US, HOUR_US
from server.storage.history.trends import HistoryTrends, Steps
from tests.gateway import opened
from tests.server.admin.console.conftest import ORIGIN, Browser
from tests.server.admin.console.console_app import ConsoleApp, filled_console
from tests.server.admin.console.filled_history import on_record
from tests.server.admin.console.stand_in_nouns import NOW_US

COUNT, DAYS = 1_200, 30


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def filled(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    async with (
        filled_console(tmp_path_factory.mktemp("filled") / "data", count=COUNT, days=DAYS) as app,
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=ORIGIN) as http,
    ):
        yield Browser(app, http)


@pytest.fixture(autouse=True)
def owner(filled: Browser) -> None:
    filled.is_("owner")


def figure(page: str, metric: str) -> str:
    """Return the large figure of a card."""
    return page.partition(f'id="m-{metric}"')[2].partition('<p class="figure">')[2].partition("<")[0].strip()


@pytest.mark.parametrize(("range_", "days"), [("24h", 1), ("7d", 7), ("30d", 30)])
async def test_the_dashboard_counts_what_is_on_record(filled: Browser, range_: str, days: int) -> None:
    page = await filled.open(f"/admin?range={range_}")
    # Sums are kept by the hour and the day, so what is shown begins with the whole one in which the span does.
    unit = HOUR_US if days < 2 else 4 * HOUR_US if days < 10 else DAY_US
    since = (NOW_US - days * DAY_US) // unit * unit
    found = [record for record in on_record(COUNT, DAYS) if record.called_at_us >= since]
    failed = [record for record in found if record.error_class in ("ours", "upstream")]
    assert figure(page, "calls") == f"{len(found):,}"
    share = len(failed) / len(found)
    assert figure(page, "error_rate") == (f"{100 * share:.2f} %" if share < 0.1 else f"{100 * share:.1f} %")


async def test_the_last_hour_is_shown_in_minutes(filled: Browser) -> None:
    page = await filled.open("/admin?range=1h")
    assert "Calls, every 5 minutes" in page
    found = [record for record in on_record(COUNT, DAYS) if record.called_at_us >= (NOW_US - HOUR_US) // 300_000_000 * 300_000_000]
    assert figure(page, "calls") == str(len(found))


async def test_sums_of_rows_and_sums_of_hours_agree(filled: Browser) -> None:
    """The same stretch, once looked through row by row, once added up from its hours."""
    assert filled.app.gateway is not None
    trends = HistoryTrends(filled.app.gateway.store.history)
    first = NOW_US // HOUR_US * HOUR_US - 30 * HOUR_US
    by_row = await trends.calls(Steps(first, first + 20 * HOUR_US, HOUR_US // 2))
    by_hour = await trends.calls(Steps(first, first + 20 * HOUR_US, HOUR_US))
    assert sum(step.calls for step in by_row) == sum(step.calls for step in by_hour) > 0
    for bucket in range(12):
        assert sum(step.buckets[bucket] for step in by_row) == sum(step.buckets[bucket] for step in by_hour)
    assert sum(step.sum_ms for step in by_row) == pytest.approx(sum(step.sum_ms for step in by_hour))


async def test_every_chart_says_in_words_and_in_a_table_what_it_shows(filled: Browser) -> None:
    page = await filled.open("/admin")
    charts = re.findall(r'<svg class="shape".*?</svg>', page, re.DOTALL)
    assert len(charts) == 5
    for chart in charts:
        assert re.search(r"<title [^>]*>[^<]+, by the hour</title>", chart)
        assert re.search(r"<desc [^>]*>(?:[^<]*most[^<]+|[^<]+ all the time\.)</desc>", chart)
    assert page.count('<details class="numbers">') == 5


async def test_an_owner_of_a_tenant_sees_the_figures_of_theirs(filled: Browser) -> None:
    whole = await filled.open("/admin?range=30d&tenant=acme")
    filled.is_("acme")
    own = await filled.open("/admin?range=30d")
    assert figure(own, "calls") == figure(whole, "calls")
    await filled.open("/admin?tenant=globex", 403)
    await filled.open("/admin/slo?tenant=globex", 403)


async def test_objectives_say_what_is_left_and_how_fast_it_goes(filled: Browser) -> None:
    page = await filled.open("/admin/slo")
    found = [record for record in on_record(COUNT, DAYS) if record.called_at_us >= (NOW_US // DAY_US - 29) * DAY_US]
    bad = sum(record.error_class == "ours" for record in found)
    left = max(0.0, 1 - bad / (0.001 * len(found)))
    sound = page.partition('id="o-sound"')[2].partition("</section>")[0]
    shown = re.search(r'Budget left</dt><dd class="figure">([^<]+)<', sound)
    assert shown is not None
    assert float(shown[1].removesuffix(" %")) == pytest.approx(100 * left, abs=0.06)
    assert page.count("Burn rate, ") == 9


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("range=1y", "Range: give a number and m, h, d or w"),
        ("unheard=of", "Unheard: there is no such parameter."),
        ("tenant=acme&tenant=globex", "Tenant: give it once."),
        ("from=2026-05-01&range=1h", "Give range, or from and to, and not both."),
    ],
)
async def test_a_dashboard_of_the_impossible_is_told_so(filled: Browser, query: str, words: str) -> None:
    answer = await filled.http.get(f"/admin?{query}")
    assert answer.status_code == 400
    assert words in answer.text


async def test_a_gateway_without_calls_has_a_dashboard(tmp_path: Path) -> None:
    async with (
        opened(tmp_path / "data") as gateway,
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app := ConsoleApp(gateway=gateway)), base_url=ORIGIN) as http,
    ):
        browser = Browser(app, http)
        browser.is_("owner")
        for path in ("/admin", "/admin?range=1h", "/admin?range=30d", "/admin/slo", "/admin/calls"):
            page = await browser.open(path)
            assert not re.search(r"\bnan\b", page)
