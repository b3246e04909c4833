"""Connecting and managing accounts in Chromium, at the width of a phone and of a desktop, light and dark."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright

from tests.chromium import CHROMIUM, DESKTOP, FLAGS, LIMIT_MS, LOW_CONTRAST, PHONE, needs_chromium
from tests.server.connecting.connection_world import ADA, ConnectionWorld, connection_world

pytestmark = needs_chromium


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ConnectionWorld]:
    async with connection_world(tmp_path) as world:
        yield world


@asynccontextmanager
async def window(world: ConnectionWorld, size: tuple[int, int], scheme: str) -> AsyncIterator[Page]:
    """Give a browser window where Ada is signed in; it fails the test with whatever the browser complained about."""
    complaints: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = await browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if scheme == "dark" else "light"
        )
        context.set_default_timeout(LIMIT_MS)
        page = await context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(f"{world.url}/test/sign-in/default/sub_ada")
        complaints.clear()  # the test's own page has no icon
        yield page
        await browser.close()
    assert [text for text in complaints if "403" not in text] == []


async def check(page: Page, picture: Path) -> None:
    """No sideways scrolling, nothing hard to read; keep a picture for whoever wants to look."""
    await page.screenshot(path=picture, full_page=True)
    width = page.viewport_size["width"] if page.viewport_size else 0
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert await page.evaluate(LOW_CONTRAST) == []


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "light"), (DESKTOP, "dark")])
async def test_a_person_connects_an_account_and_manages_it(
    world: ConnectionWorld, tmp_path: Path, size: tuple[int, int], scheme: str
) -> None:
    """Issue 6: the whole onboarding, desktop and phone width."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    async with window(world, size, scheme) as page:
        await page.goto(await world.needed(scopes=frozenset({"crm.read", "crm.write"})))
        await check(page, pictures / "1-connect.png")
        await page.fill("#alias", "work")
        await page.click("button.primary")
        await page.wait_for_url(f"{world.crm_url}/**")
        await page.screenshot(path=pictures / "2-consent.png", full_page=True)
        await page.check('input[value="own_3"]')
        await page.click("button.yes")
        await page.wait_for_url(f"{world.url}/connect/callback/**")
        assert await page.inner_text("h1") == "Connected"
        assert "Aiko Tanaka" in await page.inner_text("main")
        await check(page, pictures / "3-connected.png")
        await page.goto(await world.connections.links.link(ADA, "weather", frozenset()))
        await page.fill("#secret", "k-1")
        await check(page, pictures / "4-key.png")
        await page.press("#secret", "Enter")
        await page.wait_for_selector("text=Key kept")
        await page.goto(f"{world.url}/connections")
        await page.click("summary >> nth=0")
        await check(page, pictures / "5-connections.png")
        await page.fill('input[name="alias"] >> nth=0', "tokyo")
        await page.click("text=Rename")
        await page.wait_for_selector("text=The account has its new name.")
        await page.click("summary:has-text('Change') >> nth=0")
        await page.click("text=Disconnect… >> nth=0")
        await page.click("text=Yes, disconnect >> nth=0")
        await page.wait_for_selector("text=here and at the provider")
    assert world.crm.all()[0].ended
    assert [account.alias for account in world.connections.known.of_provider(ADA, "crm")] == []


async def test_another_persons_link_is_a_page_that_says_so(world: ConnectionWorld, tmp_path: Path) -> None:
    """E1, as the person sees it."""
    link = await world.needed()
    async with window(world, PHONE, "light") as page:
        await page.goto(f"{world.url}/test/sign-in/default/sub_bob")
        await page.goto(link)
        assert "made for another person" in await page.inner_text("main")
        await check(page, tmp_path / "refused.png")


async def test_a_person_who_chose_another_account_uses_it_from_the_same_page(world: ConnectionWorld, tmp_path: Path) -> None:
    """The button posts to the connections page, from a page that another site has led to."""
    await world.connect(owner_id="own_1")
    async with window(world, PHONE, "dark") as page:
        await page.goto(await world.needed(scopes=frozenset({"crm.read", "crm.write"})))
        await page.click("button.primary")
        await page.wait_for_url(f"{world.crm_url}/**")
        await page.check('input[value="own_2"]')
        await page.click("button.yes")
        await page.wait_for_url(f"{world.url}/connect/callback/**")
        await check(page, tmp_path / "another.png")
        await page.click("text=Use this account by default")
        await page.wait_for_selector("text=Calls that name no account use this one now.")
    assert [account.external_id for account in world.connections.known.of_provider(ADA, "crm")] == ["own_2", "own_1"]
