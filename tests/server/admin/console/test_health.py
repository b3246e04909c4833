"""The health page: green, or what to do; for whoever reaches the whole gateway."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import orjson
import pytest

from server.admin.health import HealthReader
from server.storage.store import Store
from tests.gateway import opened
from tests.server.admin.console.conftest import ORIGIN, Browser
from tests.server.admin.console.console_app import NOW_S, ConsoleApp


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
    assert {item["part"] for item in told["items"]} >= {"Store", "History", "Disk", "AI gateway", "Log sinks", "Jobs", "Backups"}


async def test_an_owner_of_a_tenant_is_not_shown_the_machine(health: Browser) -> None:
    health.is_("acme")
    await health.open("/admin/health", 403)
    assert "/admin/health" not in await health.open("/admin")


@pytest.mark.parametrize(("age_days", "state"), [(1.0, "good"), (9.0, "bad")])
async def test_a_backup_that_is_old_is_said_to_be(health: Browser, tmp_path: Path, age_days: float, state: str) -> None:
    async def newest() -> float:
        return NOW_S - age_days * 86_400

    reader = HealthReader(store_of(health), tmp_path, newest, lambda: NOW_S)
    found = {finding.part: finding for finding in await reader.findings()}
    assert found["Backups"].state == state
    assert bool(found["Backups"].advice) == (state == "bad")


async def test_a_part_that_cannot_be_asked_hides_no_other(health: Browser, tmp_path: Path) -> None:
    async def unreachable() -> float:
        raise OSError("no way to the bucket")

    reader = HealthReader(store_of(health), tmp_path, unreachable, lambda: NOW_S)
    found = {finding.part: finding for finding in await reader.findings()}
    assert found["Backups"].state == "bad"
    assert found["Store"].state == "good"
