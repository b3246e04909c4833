"""The health page: green, or what to do; for whoever reaches the whole gateway."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import httpx2
import orjson
import pytest

from server.admin.health import HealthReader
from server.admin.node_health import NodeHealth
from server.config_versions.sections.alerts import AgeSettings, Alerts, DiskSettings, RulesSettings
from server.config_versions.sections.sinks import Sinks
from server.storage.alerts.records import NodeReport
from server.storage.store import Store
from tests.gateway import opened
from tests.server.admin.console.conftest import ORIGIN, Browser
from tests.server.admin.console.console_app import NOW_S, ConsoleApp, no_backup
from tests.server.log_sinks.senders import sink

ARCHIVE = sink(kind="http", url="https://logs.example")


@pytest.fixture
async def health(tmp_path: Path) -> AsyncIterator[Browser]:
    async with (
        opened(tmp_path / "data") as gateway,
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app := ConsoleApp(gateway=gateway)), base_url=ORIGIN) as http,
    ):
        browser = Browser(app, http)
        browser.is_("owner")
        yield browser


def store_of(browser: Browser) -> Store:
    assert browser.app.gateway is not None
    return browser.app.gateway.store


async def test_what_needs_somebody_stands_first_with_what_to_do(health: Browser) -> None:
    page = await health.open("/admin/health")
    assert page.index("Backups") < page.index("SQLite answered")
    assert "<code>ascend backup init</code>" in page
    told = orjson.loads(await health.open("/admin/health?format=json"))
    assert told["state"] in ("warn", "bad")
    assert {item["part"] for item in told["items"]} >= {"Store", "History", "Nodes", "Disk", "AI gateway", "Log sinks", "Jobs", "Backups"}


async def test_an_owner_of_a_tenant_is_not_shown_the_machine(health: Browser) -> None:
    health.is_("acme")
    await health.open("/admin/health", 403)
    assert "/admin/health" not in await health.open("/admin")


@pytest.mark.parametrize(("age_days", "state"), [(1.0, "good"), (9.0, "bad")])
async def test_a_backup_that_is_old_is_said_to_be(health: Browser, tmp_path: Path, age_days: float, state: str) -> None:
    async def newest() -> float:
        return NOW_S - age_days * 86_400

    reader = HealthReader(store_of(health), tmp_path, newest, Sinks, Alerts, lambda: NOW_S)
    found = {finding.part: finding for finding in await reader.findings()}
    assert found["Backups"].state == state
    assert bool(found["Backups"].advice) == (state == "bad")


@pytest.mark.parametrize(("days", "below_percent", "state"), [(30, 1e-9, "good"), (2, 100.0, "bad")])
async def test_what_is_too_old_or_too_full_is_what_the_alerts_say(
    health: Browser, tmp_path: Path, days: int, below_percent: float, state: str
) -> None:
    async def newest() -> float:
        return NOW_S - 9 * 86_400

    rules = RulesSettings(backup_old=AgeSettings(days=days), disk=DiskSettings(below_percent=below_percent))
    reader = HealthReader(store_of(health), tmp_path, newest, Sinks, lambda: Alerts(rules=rules), lambda: NOW_S)
    found = {finding.part: finding.state for finding in await reader.findings()}
    assert (found["Backups"], found["Disk"]) == (state, state)


async def test_nodes_are_listed_with_when_each_was_heard_and_a_silent_one_stands_first(health: Browser) -> None:
    """Of a node that was started anew, its newest process; who watches alerts is heard by that; who left long ago is forgotten."""
    stores = store_of(health).alerts
    for node, seconds in (("a-01", 30), ("b-02", 900), ("c-03", 900), ("c-04", 20), ("gone-05", 4_000)):
        await stores.nodes.put(NodeReport(node, int((NOW_S - seconds) * 1_000_000)))
    await stores.states.take("watching-06", int(NOW_S * 1_000_000), int((NOW_S + 50) * 1_000_000))
    found = [(each.part, each.state, each.words) for each in await NodeHealth(stores, lambda: NOW_S).findings()]
    assert found == [
        ("Node b", "warn", "heard 15 min ago"),
        ("Node a", "good", "heard 30 s ago"),
        ("Node c", "good", "heard 20 s ago"),
        ("Node watching", "good", "heard 10 s ago"),
    ]
    page = await health.open("/admin/health")
    assert "Node b" in page
    assert "Node gone" not in page


async def test_a_sink_that_failed_once_and_takes_rows_again_is_well(health: Browser, tmp_path: Path) -> None:
    cursors = store_of(health).sink_cursors
    await cursors.begin("archive", "calls", 0)
    cursor = await cursors.take("archive", "calls", "test", 60_000_000)
    assert cursor is not None

    async def seen() -> tuple[str, str]:
        reader = HealthReader(store_of(health), tmp_path, no_backup, lambda: Sinks((ARCHIVE,)), Alerts, lambda: NOW_S)
        [found] = [each for each in await reader.findings() if each.part == "Log sink archive, calls"]
        return found.state, found.words

    await cursors.failed(cursor, "answered 503", 0)
    assert await seen() == ("bad", "answered 503")
    await cursors.arrived(cursor, 5, 5, 0, 0)
    assert await seen() == ("good", "it takes what it is sent")


async def test_a_part_that_cannot_be_asked_hides_no_other(health: Browser, tmp_path: Path) -> None:
    async def unreachable() -> float:
        raise OSError("no way to the bucket")

    reader = HealthReader(store_of(health), tmp_path, unreachable, Sinks, Alerts, lambda: NOW_S)
    found = {finding.part: finding for finding in await reader.findings()}
    assert found["Backups"].state == "bad"
    assert found["Store"].state == "good"


async def test_a_sink_that_the_configuration_names_no_more_is_not_told_of(health: Browser, tmp_path: Path) -> None:
    """Its cursor stays on record, and with it that it failed."""
    cursors = store_of(health).sink_cursors
    await cursors.begin("archive", "calls", 0)
    cursor = await cursors.take("archive", "calls", "test", 60_000_000)
    assert cursor is not None
    await cursors.failed(cursor, "answered 503", 0)
    for named, part, words in (
        (ARCHIVE, "Log sink archive, calls", "answered 503"),
        (sink(name="other", kind="http", url=ARCHIVE.url), "Log sinks", "nothing was sent yet"),
        (None, "Log sinks", "none is configured"),
    ):
        configured = partial(Sinks, (named,) if named else ())
        reader = HealthReader(store_of(health), tmp_path, no_backup, configured, Alerts, lambda: NOW_S)
        [found] = [each for each in await reader.findings() if each.part.startswith("Log sink")]
        assert (found.part, found.words) == (part, words)


@pytest.mark.parametrize(("wrong", "state"), [(None, "good"), ("away", "warn")])
async def test_what_the_gateway_serves_without_is_a_warning(health: Browser, tmp_path: Path, wrong: str | None, state: str) -> None:
    async def redis() -> str | None:
        return wrong

    reader = HealthReader(store_of(health), tmp_path, no_backup, Sinks, Alerts, lambda: NOW_S, {"redis": redis})
    found = {finding.part: finding for finding in await reader.findings()}
    assert (found["Redis"].state, bool(found["Redis"].advice)) == (state, wrong is not None)
