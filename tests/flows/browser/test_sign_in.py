"""A real browser, as wide as a phone, walks sign-in and consent for a real client."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.async_api import Browser, Request, Route, async_playwright

from tests.chromium import CHROMIUM, FLAGS, needs_chromium
from tests.flows.gateway_process import RunningGateway
from tests.flows.mcp_client import connected
from tests.flows.person import Person

pytestmark = needs_chromium


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield launched
        await launched.close()


@dataclass
class PersonInChromium(Person):
    """Fills in the pages as a person sees them, and keeps a picture of each."""

    browser: Browser | None = None
    pictures: Path | None = None

    async def authorize(self, authorization_url: str, redirect_prefix: str) -> dict[str, str]:
        assert self.browser is not None
        assert self.pictures is not None
        page = await self.browser.new_page(viewport={"width": 360, "height": 740})
        arrived: dict[str, str] = {}

        async def take(route: Route, request: Request) -> None:
            arrived.update(parse_qsl(urlsplit(request.url).query))
            await route.fulfill(body="back at the client")

        await page.route(f"{redirect_prefix}**", take)
        await page.goto(authorization_url)
        await page.screenshot(path=self.pictures / "login.png")
        await page.get_by_label("Email").fill(self.email)
        await page.get_by_label("Password").fill(self.password)
        await page.keyboard.press("Enter")
        allow = page.locator("button[name=decision][value=allow]")
        await allow.wait_for()
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "the page is wider than the screen"
        await page.screenshot(path=self.pictures / "consent.png", full_page=True)
        await allow.click()
        await page.wait_for_url(f"{redirect_prefix}**")
        await page.close()
        return arrived


async def test_a_person_signs_in_and_allows_in_chromium(gateway: RunningGateway, browser: Browser, tmp_path: Path) -> None:
    """The pages work with the keyboard and by click, fit the screen, and bring the client its tokens."""
    person = PersonInChromium(gateway.email, gateway.password, browser=browser, pictures=tmp_path)
    async with connected(gateway.mcp_url, person) as client:
        tools = await client.list_tools()
    assert len(tools.tools) == 3
    assert {"login.png", "consent.png"} == set(os.listdir(tmp_path))
