"""What comes back from the provider by the browser: to the one that left, once, from the one that was asked (M7, RFC 9700 §4.4)."""

from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from tests.oauth.sign_in.loopback_provider import LoopbackProvider, running_provider
from tests.server.federation.corp import go_away, people, set_up, sign_in
from tests.server.pages.form_browser import FormBrowser
from tests.server.pages.sign_in_app import SignInApp


def test_the_code_of_one_provider_is_not_taken_at_the_path_of_another(
    app: SignInApp, browser: FormBrowser, provider: LoopbackProvider
) -> None:
    """M7: mix-up; nothing is sent to any token endpoint."""
    with running_provider() as attacker:
        set_up(app, attacker, "attacker")
        back = go_away(browser, "attacker")
        honest = back.replace("/default/attacker", "/default/corp").replace(attacker.issuer, provider.issuer)
        assert browser.get(honest).status_code == 400
        assert (provider.token_requests, attacker.token_requests) == (0, 0)


@pytest.mark.parametrize("issuer", [None, "https://evil.example", ""])
def test_an_answer_with_another_issuer_or_none_is_refused(
    app: SignInApp, browser: FormBrowser, provider: LoopbackProvider, issuer: str | None
) -> None:
    """M7, RFC 9207 §2.4: a provider that promises `iss` must send it."""
    provider.answer_changes = {"iss": issuer}
    assert sign_in(browser).status_code == 400
    assert provider.token_requests == 0


def test_a_provider_without_iss_in_its_answers_works(app: SignInApp, browser: FormBrowser, provider: LoopbackProvider) -> None:
    """Many do not know RFC 9207; the redirect path of their own still tells them apart."""
    provider.sends_iss = False
    assert sign_in(browser).status_code == 303


def test_another_browser_cannot_finish_a_sign_in(app: SignInApp, browser: FormBrowser, provider: LoopbackProvider) -> None:
    """C8, login CSRF: the answer serves only the browser that left, and is spent by the attempt."""
    back = go_away(browser)
    with FormBrowser(app.url) as other:
        assert other.get(back).status_code == 400
        other.open("/login")
        assert other.get(back).status_code == 400
    assert browser.get(back).status_code == 400
    assert provider.token_requests == 0


def test_an_answer_serves_once(browser: FormBrowser, provider: LoopbackProvider) -> None:
    """state is single-use, however many come at once."""
    back = go_away(browser)
    with ThreadPoolExecutor(8) as pool:
        codes = sorted(pool.map(lambda _: browser.get(back).status_code, range(8)))
    assert codes == [303] + [400] * 7
    assert provider.token_requests == 1


def test_an_answer_after_ten_minutes_is_too_late(app: SignInApp, browser: FormBrowser, provider: LoopbackProvider) -> None:
    """A sign-in that is away expires."""
    back = go_away(browser)
    app.clock.now += 601
    assert browser.get(back).status_code == 400


@pytest.mark.parametrize(
    "query", ["", "?code=1", "?state=1", "?state=a&state=b&code=1", "?state=%ff&code=1", "?error=access_denied", "?state=%00"]
)
@pytest.mark.parametrize("path", ["/login/callback/default/corp", "/login/callback/nowhere/corp", "/login/callback/default/x"])
def test_a_callback_out_of_nowhere_is_refused(browser: FormBrowser, path: str, query: str) -> None:
    """Bad input is normal input."""
    answer = browser.get(path + query)
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_a_refusal_of_the_provider_is_said_in_our_words(browser: FormBrowser, provider: LoopbackProvider) -> None:
    """OpenID Connect Core §3.1.2.6; the provider's text is not repeated."""
    provider.answer_changes = {"code": None, "error": "access_denied", "error_description": "<b>phish</b>"}
    answer = sign_in(browser)
    assert answer.status_code == 403
    assert "phish" not in answer.text


@pytest.mark.parametrize("changes", [{"error": "access_denied"}, {"code": None}], ids=["an error beside a code", "neither"])
def test_an_answer_is_a_code_or_a_refusal(
    app: SignInApp, browser: FormBrowser, provider: LoopbackProvider, changes: dict[str, str | None]
) -> None:
    """RFC 6749 §4.1.2.1: who was refused is not signed in by whatever else the answer holds, and nothing is asked of the provider."""
    provider.answer_changes = changes
    assert sign_in(browser).status_code == 403
    assert (provider.token_requests, people(app)) == (0, [])


def test_denied_without_state_is_told_as_denied(browser: FormBrowser, provider: LoopbackProvider) -> None:
    """CL33a, at the sign-in."""
    answer = browser.get("/login/callback/default/corp?error=access_denied")
    assert (answer.status_code, "did not sign you in" in answer.text) == (400, True)


def test_why_a_provider_refused_is_in_the_audit(app: SignInApp, browser: FormBrowser, provider: LoopbackProvider) -> None:
    """CL33c, at the sign-in: within bounds, on one line."""
    provider.answer_changes = {"code": None, "error": "invalid_scope", "error_description": "profile is\r\nnot enabled " + "x" * 900}
    assert sign_in(browser).status_code == 403
    reason = app.audit.events[-1].facts["reason"]
    assert reason.startswith("the provider refused: invalid_scope: profile is not enabled xxx")
    assert len(reason) < 300


def test_an_answer_by_form_post_signs_in_too(app: SignInApp, browser: FormBrowser, provider: LoopbackProvider) -> None:
    """CL33d, at the sign-in: Apple answers so; the cookies come with the way back only, and state is checked there."""
    address, _, query = go_away(browser).partition("?")
    posted = httpx2.post(
        address, content=query, headers={"content-type": "application/x-www-form-urlencoded"}, follow_redirects=False, timeout=30
    )
    assert (posted.status_code, posted.headers["location"].startswith("/login/callback/default/corp?code=")) == (303, True)
    assert httpx2.get(f"{app.url}{posted.headers['location']}", follow_redirects=False, timeout=30).status_code == 400, "another browser"


def test_a_form_post_comes_back_to_the_browser_that_left(app: SignInApp, browser: FormBrowser, provider: LoopbackProvider) -> None:
    """CL33d."""
    address, _, query = go_away(browser).partition("?")
    posted = httpx2.post(
        address, content=query, headers={"content-type": "application/x-www-form-urlencoded"}, follow_redirects=False, timeout=30
    )
    assert browser.get(posted.headers["location"]).status_code == 303
    assert len(people(app)) == 1


def test_what_the_token_endpoint_said_is_in_the_audit(app: SignInApp, browser: FormBrowser, provider: LoopbackProvider) -> None:
    """CL33c, kind: the operator mistyped the secret, and finds that out."""
    app.secrets["corp"] = "mistyped"
    assert sign_in(browser).status_code == 400
    assert "answered 401" in app.audit.events[-1].facts["reason"]
    assert "invalid_client" in app.audit.events[-1].facts["reason"]
