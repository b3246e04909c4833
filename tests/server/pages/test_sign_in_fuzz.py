"""Malformed parameters at every page: never a fault of ours, never their text as markup."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from tests.examples import examples
from tests.oauth.sign_in.software_authenticator import SoftwareAuthenticator
from tests.server.pages.form_browser import FormBrowser, forms_of
from tests.server.pages.sign_in_app import PASSWORD, SignInApp, running, sign_in_app
from tests.server.pages.stand_in_requests import EMAIL

MARK = "<x-mark>\"'"
FIELDS = (
    "request",
    "tenant",
    "next",
    "csrf",
    "email",
    "password",
    "passkey",
    "provider",
    "decision",
    "action",
    "grant",
    "credential",
    "name",
)
PATHS = ("/", "/login", "/consent", "/account", "/account/x", "/login/callback/default/x", "/login/link/default.x.y", "/static/x")
#: text that parsers dislike, around a mark that must never come back as markup
hostile = st.one_of(
    st.just(MARK),
    st.text(max_size=60).map(lambda text: text + MARK),
    st.sampled_from(["\0", "\r\nX-Injected: 1", "..", "%", "%ff", "\ud7ff\uffff", "{{7*7}}", "a" * 5000, "[" * 2000, "-1", "é\u202e"]),
)
quick = examples(40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def app(tmp_path: Path) -> Iterator[SignInApp]:
    with running(sign_in_app(tmp_path, host="localhost", rate_limit_scale=1e6)) as served:
        yield served


@pytest.fixture
def browser(app: SignInApp) -> Iterator[FormBrowser]:
    """Signed in, so that everything behind the door is reached too."""
    with FormBrowser(app.url) as opened:
        opened.submit(opened.open("/login"), email=EMAIL, password=PASSWORD)
        yield opened


@quick
@given(path=st.sampled_from(PATHS), query=st.dictionaries(st.sampled_from(FIELDS), hostile, max_size=4), end=hostile)
def test_no_query_is_a_fault_of_ours(browser: FormBrowser, path: str, query: dict[str, str], end: str) -> None:
    """GET with anything."""
    for target in (f"{path}?{urlencode(query)}", f"{path}/{quote(end, safe='')}"):
        answer = browser.get(target)
        assert answer.status_code < 500, target
        assert MARK not in answer.text
        assert "x-injected" not in answer.headers


@quick
@given(
    path=st.sampled_from(PATHS),
    fields=st.dictionaries(st.sampled_from(FIELDS), hostile, max_size=6),
    with_token=st.booleans(),
    action=st.sampled_from(["", "revoke", "remove_passkey", "add_passkey", "change_password"]),
)
def test_no_form_is_a_fault_of_ours(browser: FormBrowser, path: str, fields: dict[str, str], with_token: bool, action: str) -> None:
    """POST with anything, also with the right form token of the account page."""
    if with_token:
        token = forms_of(browser.open("/account"))[0].fields["csrf"]
        path, fields = "/account", fields | {"csrf": token, "action": action}
    answer = browser.post(path, fields)
    assert answer.status_code < 500, fields
    assert MARK not in answer.text
    assert "x-injected" not in answer.headers


@quick
@given(
    body=st.binary(max_size=300), media_type=st.sampled_from(["application/x-www-form-urlencoded", "text/plain", "", "a/b; charset=\x7f"])
)
def test_no_body_is_a_fault_of_ours(browser: FormBrowser, body: bytes, media_type: str) -> None:
    """Bytes that are no form."""
    for path in ("/login", "/consent", "/account"):
        assert browser.client.post(path, content=body, headers={"Content-Type": media_type}).status_code < 500


@quick
@given(cookie=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=80))
def test_no_cookie_is_a_fault_of_ours(app: SignInApp, cookie: str) -> None:
    """Cookies that we did not set name nobody."""
    with FormBrowser(app.url) as stranger:
        for name in ("ascend_browser", "ascend_session"):
            answer = stranger.client.get("/account", headers={"Cookie": f"{name}={cookie}; ascend_browser={cookie}"})
            assert answer.headers["location"].startswith("/login")
            assert stranger.client.get("/login", headers={"Cookie": f"{name}={cookie}"}).status_code == 200


@quick
@given(
    cut=st.integers(0, 400),
    byte=st.integers(0, 255),
    where=st.sampled_from(["authenticatorData", "signature", "clientDataJSON", "userHandle"]),
)
def test_a_changed_answer_of_an_authenticator_signs_nobody_in(app: SignInApp, cut: int, byte: int, where: str) -> None:
    """WebAuthn parsers meet damaged bytes; whatever they raise is an answer, not a fault."""
    authenticator = SoftwareAuthenticator(app.url)
    with FormBrowser(app.url) as person:
        person.submit(person.open("/login"), email=EMAIL, password=PASSWORD)
        form = next(form for form in forms_of(person.open("/account")) if "data-passkey-create" in form.attributes)
        created = authenticator.create(str(form.attributes["data-passkey-create"]))
        damaged = authenticator.damaged(created, "attestationObject", cut, byte)
        assert person.post(form.action, form.fields | {"passkey": damaged}).status_code in (303, 400, 409)
    with FormBrowser(app.url) as stranger:
        page = stranger.open("/login")
        answer = authenticator.get(str(forms_of(page)[0].attributes["data-passkey-get"]))
        refused = stranger.submit(page, passkey=authenticator.damaged(answer, where, cut, byte))
        assert refused.status_code in (303, 400, 403)  # 403: the damage was to the counter that was kept
        if refused.status_code == 303:
            # Nothing was damaged: the place is beyond the end, or had that byte already; or the key was never kept.
            assert authenticator.damaged(answer, where, cut, byte) == answer
