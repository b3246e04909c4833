"""Passkeys over HTTP: rows W1 to W11 of the attack list, with an authenticator in software."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.oauth.sign_in.software_authenticator import USER_PRESENT, USER_VERIFIED, SoftwareAuthenticator, text_of
from tests.server.pages.form_browser import Form, FormBrowser, forms_of
from tests.server.pages.sign_in_app import PASSWORD, SignInApp, running, sign_in_app
from tests.server.pages.stand_in_requests import EMAIL

REFUSED = "That passkey does not sign you in here"
MakeBrowser = Callable[[], FormBrowser]


@pytest.fixture
def app(tmp_path: Path) -> Iterator[SignInApp]:
    """Passkeys need a host name, so the pages answer at localhost; limits are out of the way."""
    with running(sign_in_app(tmp_path, host="localhost", rate_limit_scale=1e6)) as served:
        yield served


@pytest.fixture
def browser(app: SignInApp) -> Iterator[FormBrowser]:
    with FormBrowser(app.url) as opened:
        yield opened


def sign_in_with_password(browser: FormBrowser, path: str = "/account") -> httpx2.Response:
    answer = browser.submit(browser.open(path), email=EMAIL, password=PASSWORD)
    assert answer.status_code == 303, answer.text
    return browser.open(answer.headers["location"])


def enrolment(page: httpx2.Response) -> Form:
    return next(form for form in forms_of(page) if "data-passkey-create" in form.attributes)


def enrol(browser: FormBrowser, authenticator: SoftwareAuthenticator) -> httpx2.Response:
    """Add the authenticator's passkey on the account page of a person who has just signed in."""
    form = enrolment(sign_in_with_password(browser))
    answer = authenticator.create(str(form.attributes["data-passkey-create"]))
    return browser.post(form.action, form.fields | {"passkey": answer, "name": "Key"})


def offer(browser: FormBrowser) -> tuple[httpx2.Response, str]:
    page = browser.open("/authorize")
    return page, str(forms_of(page)[0].attributes["data-passkey-get"])


def use(browser: FormBrowser, authenticator: SoftwareAuthenticator) -> httpx2.Response:
    page, options = offer(browser)
    return browser.submit(page, passkey=authenticator.get(options))


@pytest.fixture
def enrolled(app: SignInApp) -> SoftwareAuthenticator:
    """An authenticator whose passkey belongs to Ada."""
    authenticator = SoftwareAuthenticator(app.url)
    with FormBrowser(app.url) as elsewhere:
        assert enrol(elsewhere, authenticator).headers["location"] == "/account?done=passkey_added"
    return authenticator


def test_a_passkey_signs_its_person_in(app: SignInApp, browser: FormBrowser, enrolled: SoftwareAuthenticator) -> None:
    """W, positive control."""
    answer = use(browser, enrolled)
    assert answer.status_code == 303
    consent = browser.open(answer.headers["location"])
    assert EMAIL in consent.text
    assert [event.facts["method"] for event in app.audit.events if event.action == "sign_in"] == ["password", "passkey"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://localhost",
        "http://localhost:1",
        "http://localhost.evil.example",
        "http://sub.localhost",
        "null",
        "",
        "HTTP://LOCALHOST",
    ],
)
def test_an_answer_from_another_origin_is_refused(
    app: SignInApp, browser: FormBrowser, enrolled: SoftwareAuthenticator, origin: str
) -> None:
    """W1."""
    enrolled.origin = origin
    answer = use(browser, enrolled)
    assert answer.status_code == 400
    assert REFUSED in answer.text
    assert browser.open("/account").url.path == "/login"


@pytest.mark.parametrize(
    "extra", [{"crossOrigin": True}, {"crossOrigin": "false"}, {"topOrigin": "https://evil.example"}, {"topOrigin": None}]
)
def test_an_answer_from_inside_a_frame_is_refused(browser: FormBrowser, enrolled: SoftwareAuthenticator, extra: dict[str, Any]) -> None:
    """WebAuthn 3 §7.2 steps 10-12: we never use passkeys in frames of other origins."""
    enrolled.client_data = extra
    assert use(browser, enrolled).status_code == 400


def test_an_answer_for_another_relying_party_is_refused(browser: FormBrowser, enrolled: SoftwareAuthenticator) -> None:
    """W2."""
    enrolled.rp_id = "evil.example"
    assert use(browser, enrolled).status_code == 400


def test_a_challenge_serves_once(browser: FormBrowser, enrolled: SoftwareAuthenticator) -> None:
    """W4: reused."""
    page, options = offer(browser)
    answer = enrolled.get(options)
    assert browser.submit(page, passkey=answer).status_code == 303
    again, _ = offer(browser)
    assert browser.submit(again, passkey=answer).status_code == 400


def test_a_challenge_belongs_to_one_browser(app: SignInApp, browser: FormBrowser, enrolled: SoftwareAuthenticator) -> None:
    """W4: of another session."""
    _, options = offer(browser)
    with FormBrowser(app.url) as other:
        page, _ = offer(other)
        assert other.submit(page, passkey=enrolled.get(options)).status_code == 400


@pytest.mark.parametrize("change", [lambda _: "", lambda text: text[:-2], lambda text: text + "AA", lambda _: text_of(b"made up")])
def test_a_challenge_that_we_did_not_give_is_refused(
    browser: FormBrowser, enrolled: SoftwareAuthenticator, change: Callable[[str], str]
) -> None:
    """W4: empty, cut, longer, made up."""
    page, options = offer(browser)
    enrolled.client_data = {"challenge": change(json.loads(options)["challenge"])}
    assert browser.submit(page, passkey=enrolled.get(options)).status_code == 400


def test_a_challenge_of_an_enrolment_does_not_sign_in(app: SignInApp, enrolled: SoftwareAuthenticator, browser: FormBrowser) -> None:
    """W4: of another purpose."""
    form = enrolment(sign_in_with_password(browser))
    created = json.loads(str(form.attributes["data-passkey-create"]))
    page = browser.open("/authorize")
    options = json.dumps({"challenge": created["challenge"], "rpId": "localhost"})
    assert browser.submit(page, passkey=enrolled.get(options)).status_code == 400


@pytest.mark.parametrize("flags", [USER_PRESENT, USER_VERIFIED, 0])
def test_the_person_must_be_present_and_verified(browser: FormBrowser, enrolled: SoftwareAuthenticator, flags: int) -> None:
    """W5."""
    enrolled.flags = flags
    assert use(browser, enrolled).status_code == 400


def test_a_signature_of_another_key_is_refused(app: SignInApp, browser: FormBrowser, enrolled: SoftwareAuthenticator) -> None:
    """W7: signature by another credential."""
    enrolled.key = SoftwareAuthenticator(app.url).key
    answer = use(browser, enrolled)
    assert (answer.status_code, REFUSED in answer.text) == (400, True)


def test_a_passkey_with_the_handle_of_somebody_else_is_refused(browser: FormBrowser, enrolled: SoftwareAuthenticator) -> None:
    """W7: credential of another user."""
    enrolled.user_handle = b"somebody else"
    answer = use(browser, enrolled)
    assert (answer.status_code, REFUSED in answer.text) == (400, True)


def test_a_removed_passkey_signs_nobody_in(app: SignInApp, browser: FormBrowser, enrolled: SoftwareAuthenticator) -> None:
    """W7: deleted credential; the same words as for any other fault."""
    account = sign_in_with_password(browser)
    index = next(number for number, form in enumerate(forms_of(account)) if form.fields.get("action") == "remove_passkey")
    assert browser.submit(account, form=index).headers["location"] == "/account?done=passkey_removed"
    with FormBrowser(app.url) as other:
        answer = use(other, enrolled)
    assert (answer.status_code, REFUSED in answer.text) == (400, True)


def test_a_passkey_of_one_tenant_is_nothing_in_another(app: SignInApp, browser: FormBrowser, enrolled: SoftwareAuthenticator) -> None:
    """W7, M2."""
    page = browser.open("/authorize?tenant=other")
    options = str(forms_of(page)[0].attributes["data-passkey-get"])
    assert browser.submit(page, passkey=enrolled.get(options)).status_code == 400


def test_a_sign_counter_that_goes_back_is_refused_and_recorded(app: SignInApp, browser: FormBrowser) -> None:
    """W8: somebody cloned the authenticator."""
    authenticator = SoftwareAuthenticator(app.url, counter=5, step=1)
    with FormBrowser(app.url) as elsewhere:
        enrol(elsewhere, authenticator)
    assert use(browser, authenticator).status_code == 303
    for going_back in (6, 3, 0):
        authenticator.counter = going_back
        answer = use(browser, authenticator)
        assert (answer.status_code, REFUSED in answer.text) == (403, True)
        assert app.audit.events[-1].action == "sign_in_failed"
        assert app.audit.events[-1].facts["reason"] == f"sign counter went from 6 to {going_back}"
    authenticator.counter = 7
    assert use(browser, authenticator).status_code == 303


def test_a_passkey_is_added_only_soon_after_a_sign_in(app: SignInApp, browser: FormBrowser) -> None:
    """W10: without recent authentication."""
    form = enrolment(sign_in_with_password(browser))
    answer = SoftwareAuthenticator(app.url).create(str(form.attributes["data-passkey-create"]))
    app.clock.now += 3600
    assert browser.post(form.action, form.fields | {"passkey": answer}).status_code == 403
    assert "Sign in again" in browser.get("/account").text


def test_a_passkey_is_not_added_with_the_token_of_another_browser(app: SignInApp, browser: FormBrowser) -> None:
    """W10: stolen CSRF token."""
    form = enrolment(sign_in_with_password(browser))
    with FormBrowser(app.url) as other:
        theirs = enrolment(sign_in_with_password(other))
    answer = SoftwareAuthenticator(app.url).create(str(form.attributes["data-passkey-create"]))
    assert browser.post(form.action, form.fields | {"csrf": theirs.fields["csrf"], "passkey": answer}).status_code == 403


def test_a_credential_is_registered_once(app: SignInApp, browser: FormBrowser, enrolled: SoftwareAuthenticator) -> None:
    """W10: credential id of somebody else."""
    app.add_person("bob@example.com")
    page = browser.open("/account")
    account = browser.open(browser.submit(page, email="bob@example.com", password=PASSWORD).headers["location"])
    form = enrolment(account)
    answer = enrolled.create(str(form.attributes["data-passkey-create"]))
    assert browser.post(form.action, form.fields | {"passkey": answer}).status_code == 409


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://evil.example"},
        {"flags": USER_PRESENT},
        {"rp_id": "evil.example"},
        {"client_data": {"topOrigin": "https://a.example"}},
    ],
)
def test_an_enrolment_is_checked_like_a_sign_in(app: SignInApp, browser: FormBrowser, wrong: dict[str, Any]) -> None:
    """W1, W2, W5 at registration."""
    authenticator = SoftwareAuthenticator(app.url)
    for name, value in wrong.items():
        setattr(authenticator, name, value)
    assert enrol(browser, authenticator).status_code == 400


def test_of_concurrent_posts_of_one_answer_one_signs_in(app: SignInApp, browser: FormBrowser, enrolled: SoftwareAuthenticator) -> None:
    """W11."""
    page, options = offer(browser)
    answer = enrolled.get(options)
    with ThreadPoolExecutor(20) as pool:
        codes = list(pool.map(lambda _: browser.submit(page, passkey=answer).status_code, range(20)))
    assert sorted(codes) == [303] + [400] * 19


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        "null",
        "x",
        "{" * 1000,
        '{"response": {}}',
        '{"id": 1, "rawId": "é", "response": {"clientDataJSON": "e30"}}',
        "[" * 60000,
    ],
)
def test_an_answer_that_is_no_answer_is_refused(browser: FormBrowser, text: str) -> None:
    """Bad input is normal input: never a 500."""
    page, _ = offer(browser)
    assert browser.submit(page, passkey=text).status_code in (400, 413)


def test_the_options_say_nothing_about_who_exists(browser: FormBrowser) -> None:
    """C20: nothing in the options names a credential or a person."""
    _, options = offer(browser)
    assert set(json.loads(options)) == {"challenge", "timeout", "rpId", "allowCredentials", "userVerification"}
    assert json.loads(options)["allowCredentials"] == []
    assert json.loads(options)["userVerification"] == "required"


def test_an_address_without_a_host_name_offers_no_passkeys(tmp_path: Path) -> None:
    """WebAuthn 3 §5.1.3: a relying party id is a domain; the page says why the button is off."""
    with running(sign_in_app(tmp_path)) as app, FormBrowser(app.url) as browser:
        page = browser.open("/authorize")
        assert "data-passkey-get" not in forms_of(page)[0].attributes
        assert "Passkeys need a host name" in page.text
