"""Login, consent and browser: rows C1 to C23 of the attack list, over HTTP."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from server.rate_limits import LIMITS, Limit, RateLimits
from tests.server.pages.form_browser import FormBrowser, forms_of
from tests.server.pages.sign_in_app import EMAIL, PASSWORD, VIEW, SignInApp, running, sign_in_app


@pytest.fixture
def app(tmp_path: Path) -> Iterator[SignInApp]:
    with running(sign_in_app(tmp_path, rate_limit_scale=1e6)) as served:
        yield served


@pytest.fixture
def browser(app: SignInApp) -> Iterator[FormBrowser]:
    with FormBrowser(app.url) as opened:
        yield opened


def consent_page(browser: FormBrowser, path: str = "/authorize") -> httpx2.Response:
    answer = browser.submit(browser.open(path), email=EMAIL, password=PASSWORD)
    assert answer.status_code == 303, answer.text
    page = browser.open(answer.headers["location"])
    assert page.url.path == "/consent"
    return page


def code_of(answer: httpx2.Response) -> str:
    assert answer.status_code == 303, answer.text
    return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]


def test_a_person_signs_in_and_allows(app: SignInApp, browser: FormBrowser) -> None:
    """C, positive control; C23: 303 each time."""
    answer = browser.submit(consent_page(browser), decision="allow")
    assert [code_of(answer)] == app.consent.codes
    assert [event.action for event in app.audit.events] == ["sign_in"]


def test_each_page_is_one_form_that_posts(browser: FormBrowser) -> None:
    """contracts.md, URLs."""
    login = browser.open("/authorize")
    assert [form.method for form in forms_of(login)] == ["post"]
    assert {"email", "password", "csrf", "request"} <= set(forms_of(login)[0].fields)
    assert "Use a passkey" in login.text
    consent = consent_page(browser)
    assert [form.method for form in forms_of(consent)] == ["post"]
    assert forms_of(consent)[0].buttons == [("decision", "allow"), ("decision", "deny")]


def test_a_no_is_carried_back(app: SignInApp, browser: FormBrowser) -> None:
    """RFC 6749 §4.1.2.1."""
    answer = browser.submit(consent_page(browser), decision="deny")
    assert answer.headers["location"].endswith("error=access_denied")
    assert app.consent.codes == []


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_at_the_consent_page_allows_nothing(app: SignInApp, browser: FormBrowser, method: str) -> None:
    """C1: prefetch and parameters in the address make no difference."""
    page = consent_page(browser)
    answer = browser.client.request(method, f"{page.url}&decision=allow", headers={"Sec-Purpose": "prefetch"})
    assert answer.status_code == 200
    assert app.consent.codes == []


@pytest.mark.parametrize("token", ["", "x", "0" * 64, "é"])
def test_a_consent_without_its_form_token_is_refused(app: SignInApp, browser: FormBrowser, token: str) -> None:
    """C2: missing or wrong."""
    answer = browser.submit(consent_page(browser), decision="allow", csrf=token)
    assert answer.status_code == 403
    assert app.consent.codes == []


def test_a_form_token_serves_only_its_own_request_and_browser(app: SignInApp, browser: FormBrowser) -> None:
    """C2: of another session, or used for another request."""
    first = forms_of(consent_page(browser))[0].fields
    second = consent_page(browser)
    assert browser.submit(second, decision="allow", csrf=first["csrf"]).status_code == 403
    with FormBrowser(app.url) as other:
        theirs = consent_page(other)
        assert other.submit(theirs, decision="allow", csrf=first["csrf"]).status_code == 403
    assert app.consent.codes == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["/login", "/consent", "/account"])
def test_a_post_from_another_site_is_refused(app: SignInApp, browser: FormBrowser, path: str, headers: dict[str, str]) -> None:
    """C4, D22."""
    page = consent_page(browser) if path == "/consent" else browser.open("/authorize")
    fields = forms_of(page)[0].fields | {"decision": "allow", "email": EMAIL, "password": PASSWORD, "action": "sign_out"}
    answer = browser.post(path, fields, headers)
    assert answer.status_code == 403
    assert "location" not in answer.headers
    assert app.consent.codes == []


def test_every_page_keeps_frames_caches_and_scripts_out(browser: FormBrowser) -> None:
    """C5: error pages too."""
    pages = [
        browser.open("/"),
        browser.open("/authorize"),
        browser.submit(browser.open("/authorize"), email=EMAIL, password="wrong"),
        consent_page(browser),
        browser.open("/account"),
        browser.get("/consent?request=unknown"),
        browser.post("/consent", {"request": "unknown"}, {"Origin": "https://evil.example"}),
        browser.get("/account/nowhere"),
        browser.submit(browser.open("/authorize"), email=EMAIL, password=PASSWORD),
    ]
    assert [page.status_code for page in pages] == [200, 200, 400, 200, 200, 400, 403, 404, 303]
    for page in pages:
        policy = page.headers["content-security-policy"]
        for rule in ("default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"):
            assert rule in policy
        assert "form-action" not in policy
        assert "unsafe" not in policy
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["cross-origin-opener-policy"] == "same-origin"
        assert "access-control-allow-origin" not in page.headers


def test_what_a_client_calls_itself_is_shown_as_text(app: SignInApp, browser: FormBrowser) -> None:
    """C7: no markup, no direction changes."""
    evil = "<script>alert(1)</script>\u202egpj.exe\u0000"
    app.consent.view_shown = replace(VIEW, client_name=evil)
    page = consent_page(browser).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;gpj.exe" in page
    assert "<script" not in page
    assert "\u202e" not in page


def test_a_request_is_open_only_in_the_browser_that_began_it(app: SignInApp, browser: FormBrowser) -> None:
    """C8: session fixation and login CSRF; nothing is said about the request."""
    address = str(browser.open("/authorize").url)
    with FormBrowser(app.url) as other:
        for path in (address, address.replace("/login", "/consent")):
            answer = other.open(path)
            assert answer.status_code == 400
            assert "Acme" not in answer.text
        other.open("/authorize")
        assert other.open(address).status_code == 400
        request_id = parse_qs(urlsplit(address).query)["request"][0]
        post = other.post("/consent", {"request": request_id, "decision": "allow", "tenant": "default"})
        assert post.status_code == 400
    assert app.consent.codes == []


def test_a_request_that_was_answered_long_ago_is_over(app: SignInApp, browser: FormBrowser) -> None:
    """C10: after completion."""
    page = consent_page(browser)
    browser.submit(page, decision="allow")
    app.consent.remembers_answers = False
    assert browser.submit(page, decision="allow").status_code == 400
    assert browser.get(str(page.url)).status_code == 400
    assert len(app.consent.codes) == 1


def test_nothing_is_allowed_after_signing_out(app: SignInApp, browser: FormBrowser) -> None:
    """C10: after logout; the person can sign in again and go on."""
    page = consent_page(browser)
    account = browser.open("/account")
    sign_out = next(number for number, form in enumerate(forms_of(account)) if form.fields.get("action") == "sign_out")
    assert browser.submit(account, form=sign_out).status_code == 303
    refused = browser.submit(page, decision="allow")
    assert refused.status_code == 400
    assert "Sign in again" in refused.text
    assert app.consent.codes == []
    assert browser.open("/account").url.path == "/login"


def test_a_form_sent_twice_gives_one_code(app: SignInApp, browser: FormBrowser) -> None:
    """C11: a double click."""
    page = consent_page(browser)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: browser.submit(page, decision="allow"), range(8)))
    assert {code_of(answer) for answer in answers} == set(app.consent.codes)
    assert len(app.consent.codes) == 1


def test_the_session_cookie_changes_at_every_sign_in(app: SignInApp, browser: FormBrowser) -> None:
    """C16: the old value is dead."""
    consent_page(browser)
    before = browser.client.cookies["ascend_session"]
    consent_page(browser)
    assert browser.client.cookies["ascend_session"] != before
    with FormBrowser(app.url) as thief:
        thief.client.cookies.set("ascend_session", before, domain="127.0.0.1")
        assert thief.open("/account").url.path == "/login"


def test_cookies_are_kept_from_scripts_and_other_sites(app: SignInApp, browser: FormBrowser) -> None:
    """C17, on http: what a prefix and Secure would need https for."""
    page = browser.get("/login")
    answer = browser.submit(page, email=EMAIL, password=PASSWORD)
    for response, name in ((page, "ascend_browser"), (answer, "ascend_session")):
        cookie = response.headers["set-cookie"]
        assert cookie.startswith(f"{name}=")
        assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))


def test_wrong_passwords_run_into_a_limit_that_locks_nobody_out(tmp_path: Path) -> None:
    """C19: 429 with Retry-After; the right password still works from elsewhere."""
    with running(sign_in_app(tmp_path)) as app, FormBrowser(app.url) as browser:
        page = browser.open("/login")
        codes = [browser.submit(page, email=EMAIL, password="wrong").status_code for _ in range(20)]
        assert codes == [400] * 10 + [429] * 10
        assert int(browser.submit(page, email=EMAIL, password=PASSWORD).headers["retry-after"]) >= 1
        with FormBrowser(app.url, address="127.0.0.2") as elsewhere:
            assert elsewhere.submit(elsewhere.open("/login"), email=EMAIL, password=PASSWORD).status_code == 303


def test_guesses_from_everywhere_hold_up_strangers_but_not_the_person(tmp_path: Path) -> None:
    """C19: a limit over all addresses, which a browser that the person has used before does not share."""
    app = sign_in_app(tmp_path)
    app.limits = RateLimits(limits={**LIMITS, "login_subject": Limit(1, 5)})
    with running(app), FormBrowser(app.url) as home:
        home.submit(home.open("/login"), email=EMAIL, password=PASSWORD)
        codes = []
        for number in range(3, 11):
            with FormBrowser(app.url, address=f"127.0.0.{number}") as guesser:
                codes.append(guesser.submit(guesser.open("/login"), email=EMAIL, password="wrong").status_code)
        assert codes == [400] * 5 + [429] * 3
        assert home.submit(home.open("/login"), email=EMAIL, password=PASSWORD).status_code == 303


def test_guesses_from_an_address_of_many_people_do_not_close_sign_in_for_the_others(tmp_path: Path) -> None:
    """Behind a proxy that nobody declared all come from one address: 41 guesses of one closed sign-in for all."""
    with running(sign_in_app(tmp_path)) as app:
        with FormBrowser(app.url) as attacker:
            page = attacker.open("/login")
            codes = [attacker.submit(page, email=f"n{number}@example.com", password="wrong").status_code for number in range(45)]
            assert codes == [400] * 45
            last = [attacker.submit(page, email="n1@example.com", password="wrong").status_code for _ in range(6)]
            assert last == [400] * 3 + [429] * 3
        with FormBrowser(app.url) as person:
            assert person.submit(person.open("/login"), email=EMAIL, password=PASSWORD).status_code == 303
        with FormBrowser(app.url) as attacker:
            page = attacker.open("/login")
            assert 429 in [attacker.submit(page, email=EMAIL, password="wrong").status_code for _ in range(12)]


def test_the_sign_in_page_never_closes_behind_an_address_of_many(tmp_path: Path) -> None:
    """Where somebody uses the limit of pages up it is shown without what would be kept for it."""
    app = sign_in_app(tmp_path)
    app.limits = RateLimits(limits={**LIMITS, "page_address": Limit(1, 2), "page_crowd": Limit(1, 2)})
    with running(app), FormBrowser(app.url) as attacker:
        assert {attacker.get("/login").status_code for _ in range(10)} == {200}
        with FormBrowser(app.url) as person:
            assert person.submit(person.open("/login"), email=EMAIL, password=PASSWORD).status_code == 303


def test_a_browser_that_the_person_has_used_is_not_held_up_by_guesses_from_the_same_address(tmp_path: Path) -> None:
    with running(sign_in_app(tmp_path)) as app, FormBrowser(app.url) as home:
        home.submit(home.open("/login"), email=EMAIL, password=PASSWORD)
        with FormBrowser(app.url) as attacker:
            page = attacker.open("/login")
            assert 429 in [attacker.submit(page, email=EMAIL, password="wrong").status_code for _ in range(60)]
        assert home.submit(home.open("/login"), email=EMAIL, password=PASSWORD).status_code == 303
        page = home.open("/login")
        assert 429 in [home.submit(page, email=EMAIL, password="wrong").status_code for _ in range(15)]


def test_unknown_and_known_people_get_the_same_answer(app: SignInApp, browser: FormBrowser) -> None:
    """C20: status and body; the e-mail that was typed is all that differs."""
    app.add_person("bob@example.com")
    page = browser.open("/login")
    bodies = set()
    for email in (EMAIL, "nobody@example.com", "not an address", "x" * 300 + "@example.com"):
        answer = browser.submit(page, email=email, password="wrong")
        assert answer.status_code == 400
        bodies.add(re.sub(r'value="[^"]*"', "", answer.text))
    assert len(bodies) == 1


def test_two_tabs_with_two_clients_do_not_mix(app: SignInApp, browser: FormBrowser) -> None:
    """C22: interleaved, with a sign-in in each."""
    first_login, second_login = browser.open("/authorize"), browser.open("/authorize")
    first = browser.open(browser.submit(first_login, email=EMAIL, password=PASSWORD).headers["location"])
    second = browser.open(browser.submit(second_login, email=EMAIL, password=PASSWORD).headers["location"])
    codes = [code_of(browser.submit(page, decision="allow")) for page in (second, first)]
    assert codes == app.consent.codes
    assert len(set(codes)) == 2


def test_a_person_of_one_tenant_is_nobody_in_another(app: SignInApp, browser: FormBrowser) -> None:
    """M2: also with a live session of the first tenant."""
    consent_page(browser)
    page = browser.open("/authorize?tenant=other")
    assert page.url.path == "/login"
    assert browser.submit(page, email=EMAIL, password=PASSWORD).status_code == 400
    request_id = forms_of(page)[0].fields["request"]
    assert browser.open(f"/consent?request={request_id}").url.path == "/login"
    assert browser.get("/account/other").headers["location"].startswith("/login?tenant=other")


def test_a_browser_can_be_signed_in_to_two_tenants(app: SignInApp, browser: FormBrowser) -> None:
    """One cookie carries a session for each tenant."""
    app.add_person("eve@other.example", tenant_id="other")
    consent_page(browser)
    page = browser.open("/account/other")
    browser.submit(page, email="eve@other.example", password=PASSWORD)
    assert "eve@other.example" in browser.open("/account/other").text
    assert EMAIL in browser.open("/account").text


def test_prompt_login_asks_again_although_somebody_is_signed_in(app: SignInApp, browser: FormBrowser) -> None:
    """OpenID Connect Core §3.1.2.1, taken over by our /authorize."""
    consent_page(browser)
    login = browser.open("/authorize?prompt=login")
    request_id = forms_of(login)[0].fields["request"]
    assert browser.open(f"/consent?request={request_id}").url.path == "/login"


@pytest.mark.parametrize(
    "onward", ["https://evil.example/", "//evil.example", "/\\evil.example", "/consent?request=1", "/account/../x", "javascript:1"]
)
def test_a_sign_in_leads_only_to_our_own_pages(browser: FormBrowser, onward: str) -> None:
    """E10: an address that somebody else chose is ignored."""
    page = browser.client.get("/login", params={"next": onward})
    assert browser.submit(page, email=EMAIL, password=PASSWORD).headers["location"] == "/account"


def test_a_sign_in_returns_to_the_page_that_asked_for_it(browser: FormBrowser) -> None:
    """server/pages/visit.py."""
    page = browser.client.get("/login", params={"next": "/connect/flow_1?step=2"})
    assert browser.submit(page, email=EMAIL, password=PASSWORD).headers["location"] == "/connect/flow_1?step=2"


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("multipart/form-data; boundary=x", b"--x--", 415),
        ("application/json", b"{}", 415),
        ("application/x-www-form-urlencoded", b"a=%ff", 400),
        ("application/x-www-form-urlencoded", b"email=1&email=2", 400),
        ("application/x-www-form-urlencoded", b"x=" + b"y" * 70_000, 413),
        ("application/x-www-form-urlencoded", b"request=unknown", 400),
        ("application/x-www-form-urlencoded", b"", 403),
        ("application/x-www-form-urlencoded", b"tenant=nowhere", 404),
    ],
)
def test_a_body_that_is_no_form_of_ours_is_refused(browser: FormBrowser, content_type: str, body: bytes, status: int) -> None:
    """Bad input is normal input: a page, never a 500."""
    answer = browser.client.post("/login", content=body, headers={"Content-Type": content_type})
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", ["/", "/login", "/consent", "/account", "/static/ascend.css"])
def test_other_methods_are_not_allowed(browser: FormBrowser, path: str, method: str) -> None:
    """X14."""
    assert browser.client.request(method, path).status_code == 405


@pytest.mark.parametrize("step", ["opened", "sent", "consent", "our own"])
def test_a_browser_that_keeps_no_cookies_is_told_that_they_are_needed(app: SignInApp, browser: FormBrowser, step: str) -> None:
    """CL39: at the sign-in of a client and at our own; an expired request is still called that."""
    if step == "our own":
        page = browser.get("/login?next=/account")
    else:
        target = browser.get("/authorize").headers["location"]
        page = browser.get(target)
        if step == "consent":
            page = browser.get(browser.submit(page, email=EMAIL, password=PASSWORD).headers["location"])
    browser.client.cookies.clear()
    told = browser.get(target) if step == "opened" else browser.submit(page, email=EMAIL, password=PASSWORD)
    assert told.status_code in (400, 403)
    assert "<h1>Cookies are needed</h1>" in told.text
    assert 'href="/"' in told.text
    browser.get("/login")
    assert "It has expired" in browser.get("/login?request=none").text


def test_who_is_signed_in_is_said_and_can_go_on_or_be_somebody_else(app: SignInApp, browser: FormBrowser) -> None:
    """Finding 6: not an empty form."""
    page = browser.open("/authorize")
    assert "You are signed in as" not in page.text
    consent = browser.submit(page, email=EMAIL, password=PASSWORD).headers["location"]
    again = browser.get(consent.replace("/consent", "/login"))
    assert f"<bdi>{EMAIL}</bdi>" in again.text
    assert f'href="{consent}">Go on</a>' in again.text
    assert 'href="/connections">Go on</a>' in browser.get("/login?next=/connections").text
    app.add_person("bob@example.com")
    assert "bob@example.com" in browser.open(browser.submit(again, email="bob@example.com", password=PASSWORD).headers["location"]).text
    asked_once_more = browser.open("/authorize?prompt=login")
    assert "The application asks you to sign in once more" in asked_once_more.text
    assert "Go on" not in asked_once_more.text
