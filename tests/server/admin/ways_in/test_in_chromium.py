"""The way in as a person goes it: Chromium with an authenticator, from the invite to the sign-out, on a desk and on a phone."""

from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright

from server.app import Gateway
from tests.chromium import AXE, CHROMIUM, DESKTOP, FLAGS, LIMIT_MS, LOW_CONTRAST, PHONE, VIOLATIONS, needs_axe, needs_chromium
from tests.gateway import served
from tests.server.admin.ways_in.console_browser import invite, person
from tests.server.admin.ways_in.test_step_up import grows_old
from tests.server.pages.test_pages_in_browser import AUTHENTICATOR

EMAIL = "ops@example.com"

pytestmark = [needs_chromium, needs_axe]


async def looks_right(page: Page, name: str, pictures: Path) -> None:
    """Nothing is wider than the screen, too faint, or without a name for those who cannot see it."""
    await page.screenshot(path=pictures / f"{name}.png", full_page=True)
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{name} is wider than the screen"
    assert await page.evaluate(LOW_CONTRAST) == [], f"{name} is hard to read"
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    assert await page.evaluate(VIOLATIONS) == [], name


async def go_through(page: Page, gateway: Gateway, pictures: Path) -> None:
    """From nothing to the console, through a step-up, and out again."""
    origin = gateway.settings.admin_url
    await page.goto(f"{origin}{await invite(gateway, EMAIL)}")
    await looks_right(page, "invite", pictures)
    await page.fill("#name", "This laptop")
    await page.click("[data-passkey-button]")
    await page.wait_for_url(f"{origin}/admin")

    await page.goto(f"{origin}/admin/sign-out")
    await looks_right(page, "sign-out", pictures)
    await page.click("text=Sign out here")
    await page.wait_for_url(f"{origin}/admin/sign-in")
    await page.goto(f"{origin}/admin/people")
    await page.wait_for_url("**/admin/sign-in?to=%2Fadmin%2Fpeople")
    await looks_right(page, "sign-in", pictures)
    await page.click("[data-passkey-button]")
    await page.wait_for_url(f"{origin}/admin/people")
    assert EMAIL in await page.inner_text("main")

    await page.goto(f"{origin}/admin/people?change=add")
    await page.fill("[name=email]", "grace@example.com")
    await grows_old(gateway, EMAIL)
    await page.select_option("[name=role]", "auditor")
    await page.click("main form button[type=submit], main form button:not([type])")
    await page.wait_for_url("**/admin/step-up?to=*")
    await looks_right(page, "step-up", pictures)
    await page.click("[data-passkey-button]")
    await page.wait_for_url("**/admin/people?change=add*")
    assert await page.input_value("[name=email]") == "grace@example.com"
    await page.click("main form button[type=submit], main form button:not([type])")
    await page.wait_for_selector("text=/admin/invite/")


@pytest.mark.parametrize(("width", "height"), [DESKTOP, PHONE])
async def test_a_person_comes_in_proves_it_once_more_and_leaves(tmp_path: Path, width: int, height: int) -> None:
    """No script error, nothing that the policy blocks, axe finds nothing on the pages of the way in."""
    async with served(tmp_path / "data") as gateway, async_playwright() as playwright:
        await person(gateway, EMAIL)
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(LIMIT_MS)
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        device = await page.context.new_cdp_session(page)
        await device.send("WebAuthn.enable")
        await device.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        await go_through(page, gateway, tmp_path)
        assert complaints == []
        await browser.close()
