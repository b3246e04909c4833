"""One-time sign-in links: the first way in where there are no passwords."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.oauth.sign_in.software_authenticator import SoftwareAuthenticator
from tests.server.pages.form_browser import FormBrowser, forms_of
from tests.server.pages.sign_in_app import SignInApp, running, sign_in_app
from tests.server.pages.stand_in_requests import EMAIL


@pytest.fixture
def app(tmp_path: Path) -> Iterator[SignInApp]:
    """A tenant whose people sign in by passkey only."""
    made = sign_in_app(tmp_path, host="localhost", rate_limit_scale=1e6)
    made.tenants.replace([replace(tenant, sign_in=frozenset({"passkey"})) for tenant in made.tenants.all()])
    with running(made) as served:
        yield served


@pytest.fixture
def browser(app: SignInApp) -> Iterator[FormBrowser]:
    with FormBrowser(app.url) as opened:
        yield opened


def test_a_link_leads_to_a_first_passkey(app: SignInApp, browser: FormBrowser) -> None:
    """Bootstrapping a passkey-only tenant; the last passkey cannot be removed."""
    answer = browser.submit(browser.open(app.link_for(EMAIL)))
    assert answer.headers["location"] == "/account"
    form = next(form for form in forms_of(browser.open("/account")) if "data-passkey-create" in form.attributes)
    authenticator = SoftwareAuthenticator(app.url)
    created = authenticator.create(str(form.attributes["data-passkey-create"]))
    assert browser.post(form.action, form.fields | {"passkey": created}).headers["location"].endswith("passkey_added")
    page = browser.open("/account")
    removal = next(form for form in forms_of(page) if form.fields.get("action") == "remove_passkey")
    assert browser.post(removal.action, removal.fields).status_code == 409
    assert 'name="current"' not in page.text
    assert app.audit.events[0].facts["method"] == "link"


def test_looking_at_a_link_spends_nothing(app: SignInApp, browser: FormBrowser) -> None:
    """Mail scanners and previews open links."""
    link = app.link_for(EMAIL)
    with FormBrowser(app.url) as scanner:
        for _ in range(3):
            assert scanner.get(link).status_code == 200
    assert browser.submit(browser.open(link)).status_code == 303


def test_a_link_serves_once_and_for_an_hour(app: SignInApp, browser: FormBrowser) -> None:
    """However many open it."""
    page = browser.open(app.link_for(EMAIL))
    with ThreadPoolExecutor(8) as pool:
        codes = sorted(pool.map(lambda _: browser.submit(page).status_code, range(8)))
    assert codes == [303] + [400] * 7
    late = app.link_for(EMAIL)
    app.clock.now += 3601
    assert browser.submit(browser.open(late)).status_code == 400


def test_a_link_of_a_disabled_person_signs_nobody_in(app: SignInApp, browser: FormBrowser) -> None:
    """The operator's later word counts."""
    link = app.link_for(EMAIL)
    app.change_person(EMAIL, lambda subject: replace(subject, disabled=True))
    assert browser.submit(browser.open(link)).status_code == 400


@pytest.mark.parametrize(
    "change", [lambda link: link + "x", lambda link: link.replace("sub_", "sub_x"), lambda _: "/login/link/default.x.y"]
)
def test_a_link_that_nobody_made_signs_nobody_in(app: SignInApp, browser: FormBrowser, change: Callable[[str], str]) -> None:
    """Guesses and changes."""
    assert browser.submit(browser.open(change(app.link_for(EMAIL)))).status_code == 400


@pytest.mark.parametrize("token", ["nowhere.sub.x", "x", "%00", "é", "..."])
def test_a_link_to_nowhere_is_not_there(browser: FormBrowser, token: str) -> None:
    """Bad input is normal input."""
    assert browser.get(f"/login/link/{token}").status_code == 404


def test_a_page_opened_under_another_name_of_this_machine_moves(app: SignInApp) -> None:
    """Cookies and passkeys belong to one name."""
    with FormBrowser(app.url.replace("localhost", "127.0.0.1")) as browser:
        for path in ("/", "/login?tenant=default", "/account"):
            assert browser.get(path).headers["location"] == f"{app.url}{path}"
        for host in ("evil.example", f"evil.example:{app.server.port}", "127.0.0.1:1", "[::1", ""):
            assert "location" not in browser.get("/", Host=host).headers
