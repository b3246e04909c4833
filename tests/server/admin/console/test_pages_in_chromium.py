"""Every page of the console as people meet it: phone and desk, light and dark, without scripts, by keyboard."""

import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import anyio
import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from starlette.applications import Starlette
from starlette.routing import Route

from server.http.server import HttpServer
from tests.chromium import AXE, CHROMIUM, FLAGS, LIMIT_MS, LOW_CONTRAST, VIOLATIONS, needs_axe, needs_chromium
from tests.server.admin.console.console_app import COOKIE, ConsoleApp, filled_console
from tests.server.admin.console.filled_history import TRACE

pytestmark = [needs_chromium, needs_axe]
PHONE, DESK = (390, 844), (1280, 800)
#: goals of the operations contract
MAX_HTML_BYTES, MAX_REQUESTS = 60_000, 3


@dataclass
class Console:
    """A console on a real port, and the browser that opens its pages."""

    url: str
    app: ConsoleApp
    chromium: Browser

    async def context(self, size: tuple[int, int], scheme: str = "light", *, scripts: bool = True, who: str = "owner") -> BrowserContext:
        """Return a window of somebody who is signed in."""
        context = await self.chromium.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=scripts,
        )
        context.set_default_timeout(LIMIT_MS)
        await context.add_cookies([{"name": COOKIE, "value": who, "url": self.url}])
        return context


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def console(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Console]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with (
            filled_console(tmp_path_factory.mktemp("seen") / "data", count=3_000, days=30) as app,
            anyio.create_task_group() as running,
            async_playwright() as playwright,
        ):
            server = HttpServer(Starlette(routes=app.routes()))
            running.start_soon(server.serve, [listener])
            await server.until_ready()
            chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            yield Console(f"http://127.0.0.1:{listener.getsockname()[1]}", app, chromium)
            await chromium.close()
            server.should_exit = True


def pages_of(app: ConsoleApp) -> Sequence[str]:
    """Return the address of every page: of routes that are one, of every list, its forms, and the first thing of what is made up."""
    fixed = [each.path for each in app.router.routes if isinstance(each, Route) and "{" not in each.path and "GET" in (each.methods or ())]
    lists = [f"/admin/{name}" for name in app.resources]
    forms = [f"/admin/{name}?change={change.name}" for name, each in app.resources.items() for change in each.changes if change.is_of_list]
    things = ["/admin/things/thing-001", "/admin/things/thing-001?change=retire", "/admin/tenants/acme", f"/admin/traces/{TRACE}"]
    return [*fixed, *lists, *forms, *things, "/admin?range=7d", "/admin/things?state=ok&tenant=acme", "/admin/nowhere"]


async def test_every_page_is_right_for_everybody(console: Console) -> None:
    """On a phone and on a desk: WCAG 2.2 AA by axe-core, contrast in light and dark, no sideways scrolling.

    And nothing blocked by the policy, small, few requests.
    """
    context = await console.context(PHONE, "dark")
    await context.add_init_script(path=AXE)
    page = await context.new_page()
    wrong: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: None if "404" in message.text else wrong.append(f"{page.url}: {message.text}"))
    page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
    # The mark in the tab is asked for once a year, and not for the page.
    page.on("request", lambda request: None if request.url.endswith(".svg") else asked.append(request.url))
    for path in pages_of(console.app):
        asked.clear()
        answer = await page.goto(f"{console.url}{path}")
        assert answer is not None
        assert answer.status in (200, 404), path
        found = [] if len(await answer.body()) <= MAX_HTML_BYTES else ["too large"]
        for size in (PHONE, DESK):
            await page.set_viewport_size({"width": size[0], "height": size[1]})
            found += [f"{size}: {each}" for each in await faults_of(page, size)]
        if len(asked) > MAX_REQUESTS or not all(url.startswith(console.url) for url in asked):
            found.append(f"it asks for {asked}")
        wrong += [f"{path}: {each}" for each in found]
    await context.close()
    assert wrong == []


async def faults_of(page: Page, size: tuple[int, int]) -> list[str]:
    """Return what is wrong with a page in a window of that size; it is left dark."""
    found = ["wider than the window"] if await page.evaluate("document.documentElement.scrollWidth") > size[0] else []
    found += await page.evaluate(LOW_CONTRAST)
    await page.emulate_media(color_scheme="light")
    found += await page.evaluate(LOW_CONTRAST)
    found += await page.evaluate(VIOLATIONS)
    await page.emulate_media(color_scheme="dark")
    return found


async def test_a_list_works_without_scripts(console: Console) -> None:
    """Narrowing, an older page, a thing and a change: links and forms alone."""
    context = await console.context(DESK, scripts=False)
    page = await context.new_page()
    await page.goto(f"{console.url}/admin/things")
    await page.select_option("[name=state]", "failed")
    await page.get_by_role("button", name="Narrow").click()
    assert "state=failed" in page.url
    assert await page.locator("tbody tr").count() == 40
    await page.get_by_role("link", name="Show all").click()
    await page.get_by_role("link", name="Older").click()
    assert await page.locator("a.row").first.inner_text() == "thing-050"
    await page.locator("a.row").first.click()
    await page.get_by_role("button", name="Acknowledge").click()
    assert await page.get_by_role("status").inner_text() == "thing-050 is done with."
    await context.close()


async def test_a_person_needs_no_pointer(console: Console) -> None:
    """The keys of the contract; the first stop is the way past the menu."""
    context = await console.context(DESK)
    page = await context.new_page()
    await page.goto(f"{console.url}/admin/things?range=24h")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "skip"
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await page.keyboard.press("k")
    await page.keyboard.press("j")
    assert await page.evaluate("document.activeElement.textContent") == "thing-001"
    await page.keyboard.press("/")
    assert await page.evaluate("document.activeElement.closest('form').getAttribute('role')") == "search"
    await page.evaluate("document.activeElement.blur()")
    await page.keyboard.press("?")
    assert await page.locator("#keys").is_visible()
    await page.keyboard.press("Escape")
    await page.locator("#keys").wait_for(state="hidden")
    await page.keyboard.press("a")
    await page.wait_for_url("**from=2026-05-27T*")
    await page.keyboard.press("[")
    await page.wait_for_url("**from=2026-05-26T*")
    await page.keyboard.press("]")
    await page.wait_for_url("**from=2026-05-27T*")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/admin/things/thing-000")
    await context.close()


async def test_a_list_is_fresh_without_a_word(console: Console) -> None:
    """Every 15 s, with the focus where it was; not while somebody fills in a form."""
    context = await console.context(DESK)
    page = await context.new_page()
    await page.clock.install()
    await page.goto(f"{console.url}/admin/things")
    await page.evaluate("document.querySelector('tbody').replaceChildren(document.querySelector('tbody tr'))")
    await page.keyboard.press("j")
    async with page.expect_response("**/admin/things"):
        await page.clock.run_for(15_500)
    await page.wait_for_function("document.querySelectorAll('tbody tr').length === 50")
    assert await page.evaluate("document.activeElement.textContent") == "thing-000"
    await context.close()


async def test_times_are_those_of_the_reader(console: Console) -> None:
    context = await console.chromium.new_context(timezone_id="Asia/Tokyo", locale="en-GB")
    await context.add_cookies([{"name": COOKIE, "value": "owner", "url": console.url}])
    page = await context.new_page()
    await page.goto(f"{console.url}/admin/things")
    first = page.locator("time").first
    assert await first.inner_text() == "29 May 05:26:40"
    assert await first.get_attribute("title") == "2026-05-28 20:26:40 UTC"
    await context.close()
