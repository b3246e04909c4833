"""The whole onboarding in Chromium, on a phone and on a desktop, light and dark, with and without JavaScript."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.async_api import Page, Response, async_playwright

from tests.chromium import CHROMIUM, FLAGS, LIMIT_MS, LOW_CONTRAST, needs_chromium
from tests.flows.connecting import PASSWORD, new_person, token_of
from tests.flows.gateway_process import RunningGateway
from tests.flows.person import Person
from tests.server.mcp.requests import modern_body, modern_headers

SEARCH: dict[str, Any] = {"api": "crm.contacts.search", "args": {"query": "Ada"}}
#: sign-in alone may run our own script, for passkeys
POLICY = ["default-src 'none'", "style-src 'self'", "img-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"]

pytestmark = needs_chromium


@pytest.fixture
def gateway(protected: RunningGateway) -> RunningGateway:
    return protected


@dataclass
class Seen:
    """A browser window, and what it has shown so far."""

    page: Page
    gateway: RunningGateway
    person: Person
    pictures: Path
    complaints: list[str] = field(default_factory=list)
    token: str = ""
    #: of the last of our pages that was opened
    policy: str = ""

    def arrived(self, response: Response) -> None:
        if response.request.is_navigation_request() and response.status not in (302, 303):
            self.policy = response.headers.get("content-security-policy", "").removesuffix("; script-src 'self'")

    async def looks_right(self, name: str) -> None:
        """Keep a picture; nothing is wider than the screen, too faint, or without a name for those who cannot see it."""
        await self.page.screenshot(path=self.pictures / f"{name}.png", full_page=True)
        assert await self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{name} is wider than the screen"
        assert await self.page.evaluate("document.title"), f"{name} has no title"
        assert await self.page.locator("h1").count() == 1, f"{name} needs one heading"
        if self.page.url.startswith(self.gateway.base_url):
            assert self.policy.split("; ") == POLICY, f"{name} has a loose Content-Security-Policy"
            assert await self.page.evaluate(LOW_CONTRAST) == [], f"{name} is hard to read"
            assert await self.page.locator("main a[href], main button, main form").count() > 0, f"{name} is a dead end"

    async def call(self) -> dict[str, Any]:
        """Ask as the person's assistant does."""
        self.token = self.token or await token_of(self.gateway, self.person)
        headers = {**modern_headers("tools/call", "call_api"), "authorization": f"Bearer {self.token}"}
        async with httpx2.AsyncClient(timeout=20) as http:
            body = modern_body("tools/call", {"name": "call_api", "arguments": SEARCH})
            answer: dict[str, Any] = (await http.post(self.gateway.mcp_url, headers=headers, json=body)).json()
        content: dict[str, Any] = answer["result"]["structuredContent"]
        return content

    async def sign_in(self, password: str = PASSWORD) -> None:
        await self.page.get_by_label("Email").fill(self.person.email)
        await self.page.get_by_label("Password").fill(password)
        await self.page.keyboard.press("Enter")

    async def allow_at_the_crm(self, owner: str, picture: str | None = None) -> None:
        """Go from our page to the CRM's, choose an account there, and come back."""
        await self.page.get_by_role("button", name="Continue to Demo CRM").click()
        await self.page.get_by_role("heading", name="Ascend Gateway wants to connect").wait_for()
        await self.page.get_by_label(owner).check()
        if picture:
            await self.looks_right(picture)
        await self.page.get_by_role("button", name="Allow").click()
        await self.page.get_by_role("heading", name="Connected").wait_for()


@asynccontextmanager
async def window(
    gateway: RunningGateway, email: str, pictures: Path, *, width: int, scheme: Any = "light", scripts: bool = True
) -> AsyncIterator[Seen]:
    person = await new_person(gateway, email)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = await browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, java_script_enabled=scripts, device_scale_factor=1
        )
        context.set_default_timeout(LIMIT_MS)
        page = await context.new_page()
        seen = Seen(page, gateway, person, pictures)
        page.on("response", seen.arrived)
        page.on("console", lambda message: seen.complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        yield seen
        await browser.close()
    # A page that refuses has an error status, which the browser notes; anything else is a fault of ours, CSP violations first.
    assert [text for text in seen.complaints if "Failed to load resource" not in text] == []


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
async def test_the_whole_onboarding_is_a_row_of_pages_that_lead_on(
    gateway: RunningGateway, tmp_path: Path, width: int, scheme: str
) -> None:
    """Issue 6: ask -> link -> sign-in -> connect page -> CRM consent -> done -> connections, where all is managed."""
    async with window(gateway, f"{scheme}{width}@example.com", tmp_path, width=width, scheme=scheme) as seen:
        page = seen.page
        needed = await seen.call()
        await page.goto(needed["connection"]["url"])
        await seen.looks_right("1-sign-in")
        await seen.sign_in("not the password")
        await page.get_by_role("alert").wait_for()
        await seen.looks_right("1b-wrong-password")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name="Connect Demo CRM").wait_for()
        await seen.looks_right("2-connect")
        await seen.allow_at_the_crm("Mara Lindqvist", "3-crm-consent")
        await seen.looks_right("4-connected")
        assert (await seen.call())["status"] == "ok"
        await page.get_by_role("link", name=re.compile("connections")).click()
        await page.get_by_role("heading", name="Your connections").wait_for()
        await seen.looks_right("5-connections")
        await page.get_by_role("button", name="Connect another account at Demo CRM").click()
        await page.get_by_label("Name for this account").fill("second")
        await seen.allow_at_the_crm("Aiko Tanaka")
        await page.get_by_role("link", name=re.compile("connections")).click()
        await manage(seen)
        assert (await seen.call())["status"] == "needs_connection"


async def manage(seen: Seen) -> None:
    """Rename, choose, connect again and disconnect what is there, on the page for it."""
    page = seen.page
    second = page.get_by_role("listitem").filter(has_text="second")
    await second.get_by_text("Change").click()
    await second.get_by_label("Name").fill("Tokyo office")
    await seen.looks_right("6-two-accounts")
    await second.get_by_role("button", name="Rename").click()
    await page.get_by_role("status").wait_for()
    await seen.looks_right("7-renamed")
    tokyo = page.get_by_role("listitem").filter(has_text="Tokyo office")
    await tokyo.get_by_text("Change").click()
    await tokyo.get_by_role("button", name="Use by default").click()
    await page.get_by_text("Calls that name no account use this one now.").wait_for()
    await tokyo.get_by_text("Change").click()
    await tokyo.get_by_role("button", name="Connect again").click()
    await page.get_by_role("heading", name="Connect Demo CRM again").wait_for()
    await seen.looks_right("8-again")
    await seen.allow_at_the_crm("Aiko Tanaka")
    await page.get_by_role("link", name=re.compile("connections")).click()
    for remaining in (2, 1):
        account = page.get_by_role("listitem").first
        await account.get_by_text("Change").click()
        await account.get_by_text("Disconnect…").click()
        await seen.looks_right(f"9-disconnect-{remaining}")
        await account.get_by_role("button", name="Yes, disconnect").click()
        await page.get_by_role("status").wait_for()
    await seen.looks_right("10-nothing-left")


async def test_it_works_without_javascript_and_by_keyboard_alone(gateway: RunningGateway, tmp_path: Path) -> None:
    """Every step is a link or a form; what has the focus can be seen."""
    async with window(gateway, "keys@example.com", tmp_path, width=360, scripts=False) as seen:
        page = seen.page
        await page.goto((await seen.call())["connection"]["url"])
        await page.get_by_label("Email").fill(seen.person.email)
        await page.keyboard.press("Tab")
        await page.keyboard.type(PASSWORD)
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name="Connect Demo CRM").wait_for()
        await go_by_tab(seen, "Continue to Demo CRM")
        await seen.page.screenshot(path=tmp_path / "focus.png")
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name="Ascend Gateway wants to connect").wait_for()
        await go_by_tab(seen, "Allow")
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name="Connected").wait_for()
        await go_by_tab(seen, "your connections")
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name="Your connections").wait_for()
        await go_by_tab(seen, "Change")
        await page.keyboard.press("Enter")
        await go_by_tab(seen, "Disconnect…")
        await page.keyboard.press("Enter")
        await go_by_tab(seen, "Yes, disconnect")
        await page.keyboard.press("Enter")
        await page.get_by_role("status").wait_for()
        assert (await seen.call())["status"] == "needs_connection"


async def go_by_tab(seen: Seen, text: str) -> None:
    """Press Tab until what begins with `text` has the focus, and shows it."""
    for _ in range(40):
        await seen.page.keyboard.press("Tab")
        focused = seen.page.locator(":focus-visible")
        if await focused.count() and " ".join((await focused.inner_text()).split()).startswith(text):
            box = await focused.bounding_box()
            assert box is not None
            # WCAG 2.2, 2.5.8; a link inside a sentence may be as high as its line.
            assert box["height"] >= 24 or await focused.evaluate("node => node.matches('p > a')"), f"{text} is too small to hit"
            return
    raise AssertionError(f"{text} is not reached by the Tab key")


async def test_each_page_that_refuses_says_what_happened_and_leads_on(gateway: RunningGateway, tmp_path: Path) -> None:
    """No dead ends: a used or unknown link, somebody else's, a no at the CRM, a foreign answer, an address that is none."""
    async with window(gateway, "refused@example.com", tmp_path, width=360) as seen:
        page = seen.page
        link = (await seen.call())["connection"]["url"]
        await page.goto(link)
        await seen.sign_in()
        await page.get_by_role("button", name="Continue to Demo CRM").click()
        await page.get_by_role("button", name="Cancel").click()
        await page.get_by_role("heading", name="The account was not connected").wait_for()
        await seen.looks_right("a-cancelled")
        await page.get_by_role("link", name="To your connections").click()
        await page.get_by_role("button", name="Connect an account").click()
        await seen.allow_at_the_crm("Joseph Okafor")
        returned = page.url
        for name, address, words in (
            ("b-loaded-again", returned, "the same request works now"),
            ("c-unknown", f"{gateway.base_url}/connect/no-such-link", "expired or was used already"),
            ("d-nowhere", f"{gateway.base_url}/connections/nowhere", "no such place"),
            ("e-mistyped", f"{gateway.base_url}/conections", "no such page"),
        ):
            await page.goto(address)
            assert words in await page.inner_text("main")
            await seen.looks_right(name)
        other = await new_person(gateway, "other@example.com")
        seen.person, seen.token = other, ""
        foreign = (await seen.call())["connection"]["url"]
        await page.goto(foreign)
        assert "made for another person" in await page.inner_text("main")
        await seen.looks_right("f-foreign")
        await page.get_by_role("link", name="Sign in as somebody else").click()
        await seen.sign_in()
        await page.get_by_role("heading", name="Connect Demo CRM").wait_for()
