"""What people do on the pages in Chromium; how these look to everybody is in test_pages_for_everybody.py."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect, sync_playwright

from tests.chromium import CHROMIUM, DESKTOP, FLAGS, LIMIT_MS, LOW_CONTRAST, needs_chromium
from tests.server.pages.sign_in_app import PASSWORD, SignInApp, running, sign_in_app
from tests.server.pages.stand_in_requests import EMAIL

pytestmark = needs_chromium
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def app(tmp_path: Path) -> Iterator[SignInApp]:
    with running(sign_in_app(tmp_path, host="localhost", rate_limit_scale=1e6)) as served:
        yield served


class Visitor:
    """One person at one browser window; remembers what the browser complained about."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def check_page(self) -> None:
        """No sideways scrolling, nothing hard to read, nothing blocked."""
        width = self.page.viewport_size["width"] if self.page.viewport_size else 0
        assert self.page.evaluate("document.documentElement.scrollWidth") <= width
        assert self.page.evaluate(LOW_CONTRAST) == []
        assert self.complaints == []

    def sign_in(self) -> None:
        self.page.fill("#email", EMAIL)
        self.page.fill("#password", PASSWORD)
        self.page.press("#password", "Enter")


@pytest.fixture
def desktop(chromium: Browser) -> Iterator[Visitor]:
    context = chromium.new_context(viewport={"width": DESKTOP[0], "height": DESKTOP[1]})
    context.set_default_timeout(LIMIT_MS)
    yield Visitor(context.new_page())
    context.close()


def authenticator_in(page: Page, **settings: Any) -> tuple[CDPSession, str]:
    """Give the browser an authenticator (WebAuthn 3 §11)."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR | settings})
    return session, made["authenticatorId"]


def enrol(app: SignInApp, desktop: Visitor) -> None:
    """Add a passkey on the account page."""
    desktop.page.goto(f"{app.url}/account")
    desktop.sign_in()
    desktop.page.wait_for_selector("#name")
    desktop.page.fill("#name", "This laptop")
    desktop.page.click("[data-passkey-button]")
    desktop.page.wait_for_url("**/account?done=passkey_added")


def test_a_person_signs_in_and_allows(app: SignInApp, desktop: Visitor) -> None:
    """The whole way, each page checked as it comes."""
    page = desktop.page
    page.goto(f"{app.url}/")
    desktop.check_page()
    page.goto(f"{app.url}/authorize")
    desktop.check_page()
    desktop.sign_in()
    page.wait_for_selector("[name=decision]")
    desktop.check_page()
    assert page.inner_text(".host") == "localhost:33418"
    size = page.evaluate("getComputedStyle(document.querySelector('.host')).fontSize")
    assert float(size.removesuffix("px")) >= 20
    page.click("[value=allow]")
    page.wait_for_url("**/arrived?code=*")
    page.goto(f"{app.url}/account")
    desktop.check_page()


def test_a_wrong_password_is_said_where_it_is_read(app: SignInApp, desktop: Visitor) -> None:
    """The e-mail stays, the password field is next, screen readers hear it."""
    page = desktop.page
    page.goto(f"{app.url}/authorize")
    page.fill("#email", EMAIL)
    page.fill("#password", "wrong")
    page.click("button.primary")
    expect(page.locator("[role=alert]")).to_contain_text("do not match")
    assert page.input_value("#email") == EMAIL
    expect(page.locator("#password")).to_be_focused()
    desktop.complaints.clear()  # Chromium reports the status 400 of the page itself.
    desktop.check_page()


def test_a_person_needs_no_pointer(app: SignInApp, desktop: Visitor) -> None:
    """WCAG 2.2 §2.1.1, §2.4.7: everything by keyboard, and the focus is seen."""
    page = desktop.page
    page.goto(f"{app.url}/authorize")
    expect(page.locator("#email")).to_be_focused()
    page.keyboard.type(EMAIL)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("[name=decision]")
    for _ in range(10):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        assert float(outline.removesuffix("px")) >= 2
        if page.evaluate("document.activeElement.value") == "allow":
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/arrived?code=*")


def test_an_answer_reaches_another_origin(app: SignInApp, desktop: Visitor) -> None:
    """The content policy must not stop the redirect after the post (no form-action)."""
    app.redirect_uri = app.url.replace("localhost", "127.0.0.1") + "/arrived"
    page = desktop.page
    page.goto(f"{app.url}/authorize")
    desktop.sign_in()
    page.click("[value=deny]")
    page.wait_for_url("http://127.0.0.1:*/arrived?error=access_denied")
    assert desktop.complaints == []


def test_a_double_click_allows_once(app: SignInApp, desktop: Visitor) -> None:
    """C11, with a real pointer."""
    page = desktop.page
    page.goto(f"{app.url}/authorize")
    desktop.sign_in()
    page.dblclick("[value=allow]")
    page.wait_for_url("**/arrived?code=*")
    assert len(app.consent.codes) == 1
    assert app.consent.codes[0] in page.url


def test_a_page_runs_no_script_that_somebody_slipped_in(app: SignInApp, desktop: Visitor) -> None:
    """C5: also if a template forgot to escape, the policy stands."""
    page = desktop.page
    page.goto(f"{app.url}/login")
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))")
    assert page.evaluate("window.ran") is None
    assert any("Content Security Policy" in complaint for complaint in desktop.complaints)


def test_a_passkey_is_added_and_signs_in(app: SignInApp, desktop: Visitor) -> None:
    """Chromium's own authenticator: enrol on the account page, then sign in by the button."""
    page = desktop.page
    page.add_init_script("delete PublicKeyCredential.isConditionalMediationAvailable")
    authenticator_in(page)
    enrol(app, desktop)
    assert "This laptop" in page.inner_text("main")
    desktop.check_page()
    page.click("text='Sign out'")
    page.wait_for_url("**/login**")
    page.goto(f"{app.url}/authorize")
    page.click("[data-passkey-button]")
    page.wait_for_selector("[name=decision]")
    page.click("[value=allow]")
    page.wait_for_url("**/arrived?code=*")
    assert [event.facts["method"] for event in app.audit.events if event.action == "sign_in"] == ["password", "passkey"]


def test_a_browser_offers_a_passkey_by_itself(app: SignInApp, desktop: Visitor) -> None:
    """Conditional mediation (WebAuthn 3 §5.1.4): the person takes what the e-mail field offers, without the button."""
    page = desktop.page
    authenticator_in(page)
    enrol(app, desktop)
    page.click("text='Sign out'")
    page.wait_for_url("**/account")
    assert [event.facts["method"] for event in app.audit.events if event.action == "sign_in"] == ["password", "passkey"]


def test_a_device_with_a_passkey_is_not_given_a_second_one(app: SignInApp, desktop: Visitor) -> None:
    """excludeCredentials: the person is told in words."""
    page = desktop.page
    authenticator_in(page)
    enrol(app, desktop)
    page.click("[data-passkey-button]")
    expect(page.locator("[data-passkey-help]")).to_have_text("This device already has a passkey for this account.")


def test_a_device_that_cannot_verify_its_person_signs_nobody_in(app: SignInApp, desktop: Visitor) -> None:
    """W5: user verification is required by the options and by our check."""
    page = desktop.page
    session, authenticator = authenticator_in(page)
    enrol(app, desktop)
    session.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": False})
    page.context.clear_cookies()
    page.goto(f"{app.url}/authorize")
    page.click("[data-passkey-button]")
    expect(page.locator("[data-passkey-help]")).not_to_have_text("")
    assert "/login" in page.url
    assert [event.action for event in app.audit.events].count("sign_in") == 1


def test_the_page_of_a_browser_without_passkeys_says_so(app: SignInApp, desktop: Visitor) -> None:
    """The button is off, the password still works."""
    page = desktop.page
    page.add_init_script("delete window.PublicKeyCredential")
    page.goto(f"{app.url}/login")
    assert page.inner_text("[data-passkey-help]") == "This browser has no passkeys."
    assert page.is_disabled("[data-passkey-button]")


def test_pages_ask_for_nothing_from_elsewhere(app: SignInApp, desktop: Visitor) -> None:
    """No external asset: every request goes to the gateway."""
    page = desktop.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{app.url}/")
    page.goto(f"{app.url}/authorize")
    assert asked
    assert [url for url in asked if not url.startswith(app.url)] == [], json.dumps(asked)
