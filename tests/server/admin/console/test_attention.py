"""What needs somebody stands first on the dashboard, from nouns that say so by a filter."""

from dataclasses import replace
from pathlib import Path

import httpx2

from server.admin.resource import Filter
from tests.gateway import opened
from tests.server.admin.console.conftest import ORIGIN, Browser
from tests.server.admin.console.console_app import ConsoleApp
from tests.server.admin.console.stand_in_nouns import Things, things_resource


async def test_alerts_that_fire_stand_above_the_figures(tmp_path: Path) -> None:
    things = Things(9)
    things.rows = [{**row, "state": "firing" if place == 4 else "resolved"} for place, row in enumerate(things.rows)]
    states = (Filter(name="state", title="State", choices=("firing", "resolved")),)
    alerts = replace(things_resource(things, "alerts", "Alerts"), filters=states)
    async with (
        opened(tmp_path / "data") as gateway,
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app := ConsoleApp(gateway=gateway, more=(alerts,))), base_url=ORIGIN) as http,
    ):
        browser = Browser(app, http)
        browser.is_("owner")
        page = await browser.open("/admin")
        assert page.index("/admin/alerts/thing-004") < page.index('id="m-p95"')
        assert "thing-003" not in page
        browser.is_("acme")
        assert "thing-004" not in await browser.open("/admin")
