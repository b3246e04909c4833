"""The account page over HTTP: what a person takes back, and what nobody else can."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from oauth.tokens.operator_issued import MINT_CLIENT
from oauth.tokens.own_grants import AllowedClient
from tests.server.pages.form_browser import FormBrowser, forms_of
from tests.server.pages.sign_in_app import PASSWORD, SignInApp, running, sign_in_app
from tests.server.pages.stand_in_requests import EMAIL

NEW_PASSWORD = "another-good-password"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[SignInApp]:
    with running(sign_in_app(tmp_path, rate_limit_scale=1e6)) as served:
        yield served


@pytest.fixture
def browser(app: SignInApp) -> Iterator[FormBrowser]:
    with FormBrowser(app.url) as opened:
        yield opened


def account(browser: FormBrowser, email: str = EMAIL, password: str = PASSWORD) -> httpx2.Response:
    page = browser.open("/account")
    if page.url.path == "/login":
        page = browser.open(browser.submit(page, email=email, password=password).headers.get("location", "/login"))
    return page


def act(browser: FormBrowser, page: httpx2.Response, form_of: str, **fields: str) -> httpx2.Response:
    found = next(form for form in forms_of(page) if form.fields.get("action") == form_of)
    return browser.post(found.action, found.fields | fields)


def allow(app: SignInApp, grant_id: str, subject_id: str) -> None:
    client = AllowedClient(grant_id, f"Client {grant_id}", False, ("mcp", "mcp:read"), time.time())
    app.grants.allowed[grant_id] = (f"default/{subject_id}", client)


def subject_of(app: SignInApp, email: str) -> str:
    return next(event.subject for event in reversed(app.audit.events) if event.action == "sign_in")


def test_a_person_takes_a_grant_back(app: SignInApp, browser: FormBrowser) -> None:
    """The page lists what stands; what is revoked is gone."""
    account(browser)
    allow(app, "grant_1", subject_of(app, EMAIL))
    page = account(browser)
    assert "Client grant_1" in page.text
    assert "Read everywhere" in page.text
    assert act(browser, page, "revoke").headers["location"] == "/account?done=revoked"
    assert "Client grant_1" not in account(browser).text
    assert act(browser, page, "revoke").status_code == 404


def test_a_minted_token_is_shown_as_the_operators_and_taken_back_like_any_other(app: SignInApp, browser: FormBrowser) -> None:
    """It may delete everywhere: who reads the list must know whose it is."""
    account(browser)
    minted = AllowedClient("grant_m", MINT_CLIENT, False, ("mcp", "mcp:destructive"), time.time(), minted=True)
    app.grants.allowed["grant_m"] = (f"default/{subject_of(app, EMAIL)}", minted)
    page = account(browser)
    assert "made by an operator with <code>ascend token mint</code>" in page.text
    assert "its own claim" not in page.text
    assert act(browser, page, "revoke").headers["location"] == "/account?done=revoked"


def test_nobody_takes_back_what_somebody_else_allowed(app: SignInApp, browser: FormBrowser) -> None:
    """M4: IDOR."""
    account(browser)
    allow(app, "grant_mine", subject_of(app, EMAIL))
    allow(app, "grant_theirs", "sub_somebody")
    answer = act(browser, account(browser), "revoke", grant="grant_theirs")
    assert answer.status_code == 404
    assert "grant_theirs" in app.grants.allowed


def test_a_new_password_needs_the_current_one_and_ends_other_sessions(app: SignInApp, browser: FormBrowser) -> None:
    """A stolen session cannot change the password; a stolen password ends with it."""
    with FormBrowser(app.url) as other:
        account(other)
        page = account(browser)
        for field, values in (("current", {"current": "wrong", "new": NEW_PASSWORD}), ("new", {"current": PASSWORD, "new": "short"})):
            told = act(browser, page, "change_password", **values)
            # The same page, with the words at the field.
            assert (told.status_code, "<h1>Your account</h1>" in told.text, f'id="{field}-fault" role="alert"' in told.text) == (
                400,
                True,
                True,
            )
            assert told.text.count("aria-invalid") == 1
        answer = act(browser, page, "change_password", current=PASSWORD, new=NEW_PASSWORD)
        assert answer.headers["location"] == "/account?done=password_changed"
        assert browser.open("/account").url.path == "/account"
        assert other.open("/account").url.path == "/login"
        assert account(other, password=NEW_PASSWORD).url.path == "/account"


def test_signing_out_elsewhere_leaves_this_browser_signed_in(app: SignInApp, browser: FormBrowser) -> None:
    """The session goes on under a new value, no more recent than it was."""
    page = account(browser)
    before = browser.client.cookies["ascend_session"]
    with FormBrowser(app.url) as other:
        account(other)
        app.clock.now += 700
        assert act(browser, page, "sign_out_elsewhere").headers["location"] == "/account?done=signed_out_elsewhere"
        assert other.open("/account").url.path == "/login"
    assert browser.client.cookies["ascend_session"] != before
    assert browser.open("/account").url.path == "/account"


def test_a_session_ends_when_idle_and_when_old(app: SignInApp, browser: FormBrowser) -> None:
    """facts/oauth.md 2.8: idle 12 h, absolute 7 d."""
    account(browser)
    for _ in range(20):
        app.clock.now += 8 * 3600
        assert browser.open("/account").url.path == "/account"
    app.clock.now += 8 * 3600
    assert browser.open("/account").url.path == "/login"
    account(browser)
    app.clock.now += 12 * 3600 + 1
    assert browser.open("/account").url.path == "/login"


def test_a_disabled_person_is_signed_out_everywhere(app: SignInApp, browser: FormBrowser) -> None:
    """SubjectStore.save."""
    account(browser)
    app.change_person(EMAIL, lambda subject: replace(subject, disabled=True))
    page = browser.open("/account")
    assert page.url.path == "/login"
    assert browser.submit(page, email=EMAIL, password=PASSWORD).status_code == 400


@pytest.mark.parametrize("action", ["", "unknown", "show", "_page"])
def test_an_unknown_action_does_nothing(browser: FormBrowser, action: str) -> None:
    """Bad input is normal input."""
    assert act(browser, account(browser), "sign_out", action=action).status_code == 400


@pytest.mark.parametrize("credential", ["", "é", "AAAA", "x" * 3000])
def test_a_passkey_that_is_not_there_is_not_removed(browser: FormBrowser, credential: str) -> None:
    """Bad input is normal input."""
    assert act(browser, account(browser), "sign_out", action="remove_passkey", credential=credential).status_code in (400, 404)


def test_the_page_of_a_tenant_that_is_not_there_is_not_there(browser: FormBrowser) -> None:
    """M4: unknown and foreign look alike."""
    assert browser.get("/account/nowhere").status_code == 404
    assert browser.get("/login?tenant=nowhere").status_code == 404


def test_cookies_on_https_are_bound_to_the_host(tmp_path: Path) -> None:
    """C17: `__Host-`, Secure, HttpOnly, SameSite=Lax, Path=/."""
    made = sign_in_app(tmp_path, scheme="https")
    with running(made) as app, FormBrowser(f"http://127.0.0.1:{app.server.port}") as browser:
        cookie = browser.get("/login").headers["set-cookie"]
    name, *flags = cookie.split("; ")
    assert name.startswith("__Host-ascend_browser=")
    assert {"Secure", "HttpOnly", "SameSite=lax", "Path=/"} <= set(flags)
    assert not any(flag.lower().startswith("domain") for flag in flags)
