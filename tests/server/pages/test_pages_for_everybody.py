"""Every state of the pages as different people meet it: axe-core, a phone, the keyboard, no scripts, no cookies, long names."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from oauth.authorization.consent_view import ScopeWords
from tests.chromium import AXE, CHROMIUM, DESKTOP, FLAGS, LIMIT_MS, LOW_CONTRAST, PHONE, VIOLATIONS, needs_axe, needs_chromium
from tests.server.pages.sign_in_app import PASSWORD, SignInApp, running, sign_in_app
from tests.server.pages.stand_in_requests import EMAIL, VIEW

pytestmark = [needs_chromium, needs_axe]
LONG_HOST = "assistant.very-long-department-name.example.co"
WIDE = replace(
    VIEW,
    client_name="Research-Assistant",
    client_host=LONG_HOST,
    redirect_host=LONG_HOST,
    scopes=(
        *VIEW.scopes,
        ScopeWords("mcp:destructive", "Delete everywhere", "Run operations that delete or cannot be undone."),
        ScopeWords("crm:read", "Read in CRM", "Run the operations of CRM that only read."),
    ),
    left_out=frozenset({"mcp:write"}),
)
#: text nodes that break inside a piece between blanks, dots, hyphens, slashes and colons, of elements with a text of their own
BROKEN = """() => {
  const found = [];
  for (const node of document.querySelectorAll("h1, .host")) {
    const walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      for (const piece of walker.currentNode.textContent.matchAll(/[^\\s./:-]+/g)) {
        const range = document.createRange();
        range.setStart(walker.currentNode, piece.index);
        range.setEnd(walker.currentNode, piece.index + piece[0].length);
        if (new Set([...range.getClientRects()].map((each) => Math.round(each.top))).size > 1) found.push(piece[0]);
      }
    }
  }
  for (const node of document.querySelectorAll(".whole")) if (node.getClientRects().length > 1) found.push(node.textContent);
  return found;
}"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def app(tmp_path: Path) -> Iterator[SignInApp]:
    with running(sign_in_app(tmp_path, host="localhost", rate_limit_scale=1e6)) as served:
        served.consent.view_shown = WIDE
        yield served


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(viewport={"width": DESKTOP[0], "height": DESKTOP[1]})
    context.set_default_timeout(LIMIT_MS)
    yield context
    context.close()


def sign_in(page: Page, password: str = PASSWORD) -> None:
    page.fill("#email", EMAIL)
    page.fill("#password", password)
    page.press("#password", "Enter")


def check(page: Page, name: str, pictures: Path) -> None:
    """Keep a picture; nothing overflows, is faint, breaks inside a word, or is wrong to axe-core."""
    page.screenshot(path=pictures / f"{name}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
    assert page.evaluate(LOW_CONTRAST) == [], name
    assert page.evaluate(BROKEN) == [], name
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert page.evaluate(VIOLATIONS) == [], name


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "dark"), (DESKTOP, "light")], ids=str)
def test_every_state_is_right_for_everybody(app: SignInApp, chromium: Browser, tmp_path: Path, size: tuple[int, int], scheme: str) -> None:
    """WCAG 2.2 AA on each page as it comes, the refused ones too; the policy stops nothing that is ours."""
    context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)  # type: ignore[arg-type]
    context.set_default_timeout(LIMIT_MS)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{app.url}/")
    check(page, "home", tmp_path)
    page.goto(f"{app.url}/authorize")
    check(page, "login", tmp_path)
    sign_in(page)
    page.wait_for_selector("[name=decision]")
    check(page, "consent", tmp_path)
    consent = page.url
    page.click("text='Use another account'")
    page.wait_for_selector("text='You are signed in as'")
    check(page, "login-signed-in", tmp_path)
    page.click("text='Go on'")
    page.wait_for_url(consent)
    page.goto(f"{app.url}/account")
    check(page, "account", tmp_path)
    assert complaints == []
    page.fill("#current", "not this one")
    page.fill("#new", "another-good-password")
    page.click("text='Change password'")
    page.wait_for_selector("#current-fault")
    expect(page.locator("#current")).to_be_focused()
    check(page, "account-wrong-password", tmp_path)
    page.goto(f"{app.url}/consent?request=unknown")
    check(page, "not-open-here", tmp_path)
    context.clear_cookies()
    page.goto(consent)
    expect(page.locator("h1")).to_have_text("Cookies are needed")
    check(page, "cookies", tmp_path)
    # Chromium reports the status 400 of the pages themselves.
    assert [complaint for complaint in complaints if "status of 400" not in complaint] == []
    context.close()


def test_scopes_are_left_out_by_keyboard_and_without_scripts(app: SignInApp, chromium: Browser) -> None:
    """The boxes are boxes: Tab and Space, in words what they allow; `mcp` has none to take away."""
    context = chromium.new_context(java_script_enabled=False)
    context.set_default_timeout(LIMIT_MS)
    page = context.new_page()
    page.goto(f"{app.url}/authorize")
    sign_in(page)
    page.wait_for_selector("[name=decision]")
    expect(page.get_by_role("checkbox", name="Connect and find")).to_be_disabled()
    expect(page.get_by_role("checkbox", name="Change things")).not_to_be_checked()
    described = page.get_by_role("checkbox", name="Delete everywhere").get_attribute("aria-describedby")
    assert page.inner_text(f"#{described}").startswith("Destructive.")
    page.get_by_role("checkbox", name="Read with your").focus()
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_role("checkbox", name="Delete everywhere")).not_to_be_checked()
    page.get_by_role("button", name="Allow").press("Enter")
    page.wait_for_url("**/arrived?code=*")
    assert app.consent.ticked == [frozenset({"mcp:read", "offline_access"})]
    context.close()


def test_the_answer_with_no_tick_at_all_says_so(app: SignInApp, context: BrowserContext) -> None:
    """None ticked is not none shown."""
    page = context.new_page()
    page.goto(f"{app.url}/authorize")
    sign_in(page)
    page.wait_for_selector("[name=decision]")
    for ticked in page.eval_on_selector_all("input:checked:enabled", "(boxes) => boxes.map((box) => box.id)"):
        page.click(f"label[for={ticked}]")
    page.click("[value=allow]")
    page.wait_for_url("**/arrived?code=*")
    assert app.consent.ticked == [frozenset()]


@pytest.mark.parametrize("place", ["login", "account"])
def test_a_cancelled_passkey_is_announced_and_the_focus_stays(app: SignInApp, context: BrowserContext, place: str) -> None:
    """CL38, WCAG 2.2 §4.1.3 and §2.4.3: keyboard only; the second try works like the first."""
    page = context.new_page()
    page.add_init_script(
        "const no = () => Promise.reject(new DOMException('', 'NotAllowedError'));"
        "navigator.credentials.get = no; navigator.credentials.create = no;"
    )
    page.goto(f"{app.url}/{place}")
    if place == "account":
        sign_in(page)
        page.wait_for_selector("#name")
        page.press("#name", "Enter")
    else:
        page.focus("#password")
        for _ in range(2):
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
    said = page.get_by_role("status")
    expect(said).to_have_text("The passkey was not used: the request was cancelled or took too long.")
    button = page.locator("[data-passkey-button]")
    expect(button).to_be_focused()
    expect(button).to_be_enabled()
    page.keyboard.press("Enter")
    expect(said).to_have_text("The passkey was not used: the request was cancelled or took too long.")
    expect(button).to_be_focused()


@pytest.mark.parametrize("place", ["login", "account"])
def test_without_scripts_no_button_is_dead(app: SignInApp, chromium: Browser, place: str) -> None:
    """What only a script can do is not offered without one, and the page says why."""
    context = chromium.new_context(java_script_enabled=False)
    context.set_default_timeout(LIMIT_MS)
    page = context.new_page()
    page.goto(f"{app.url}/{place}")
    if place == "account":
        sign_in(page)
        page.wait_for_url("**/account")
    expect(page.locator("[data-passkey-button]")).to_be_hidden()
    assert "JavaScript" in page.inner_text("main")
    context.close()
