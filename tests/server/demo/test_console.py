"""`make serve` shows a newcomer the way into the console, and nobody else's console is touched."""

from pathlib import Path

from server.demo.console import DEMO_EMAIL, way_into_console
from tests.gateway import opened
from tests.server.admin.ways_in.console_browser import ORIGIN, ConsoleBrowser, person


async def test_the_line_leads_in_once_and_then_to_the_console(tmp_path: Path) -> None:
    async with opened(tmp_path) as gateway:
        await person(gateway, DEMO_EMAIL, role=None)
        first = await way_into_console(gateway.store, gateway.settings)
        again = await way_into_console(gateway.store, gateway.settings)
        assert first is not None
        assert again is not None
        assert first.startswith(f"{ORIGIN}/admin/invite/")
        browser = ConsoleBrowser(gateway)
        assert (await browser.get(first.split()[0])).status_code == 404  # a restart made a newer one
        assert (await browser.enrol(again.split()[0].removeprefix(ORIGIN))).status_code == 303
        assert await browser.is_in()
        assert await way_into_console(gateway.store, gateway.settings) == f"{ORIGIN}/admin"


async def test_a_gateway_that_somebody_runs_is_not_given_to_the_demo_user(tmp_path: Path) -> None:
    """Their password stands in a terminal; and on an address passkeys are not possible."""
    async with opened(tmp_path) as gateway:
        assert await way_into_console(gateway.store, gateway.settings) is None
        await person(gateway, DEMO_EMAIL, role=None)
        away = gateway.settings.changed(base_url="http://192.0.2.7:8080")
        assert await way_into_console(gateway.store, away) is None
        await person(gateway, "ops@example.com")
        assert await way_into_console(gateway.store, gateway.settings) is None
