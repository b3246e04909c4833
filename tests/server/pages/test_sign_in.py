"""Login, consent and browser: rows C1 to C23 of the attack list, over HTTP."""

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.server.pages.consenting import code_of, consent_page
from tests.server.pages.form_browser import FormBrowser, forms_of
from tests.server.pages.sign_in_app import PASSWORD, SignInApp
from tests.server.pages.stand_in_requests import EMAIL, VIEW


def test_a_person_signs_in_and_allows(app: SignInApp, browser: FormBrowser) -> None:
    """C, positive control; C23: 303 each time."""
    answer = browser.submit(consent_page(browser), decision="allow")
    assert [code_of(answer)] == app.consent.codes
    assert [event.action for event in app.audit.events] == ["sign_in"]


def test_a_no_is_carried_back(app: SignInApp, browser: FormBrowser) -> None:
    """RFC 6749 §4.1.2.1."""
    answer = browser.submit(consent_page(browser), decision="deny")
    assert answer.headers["location"].endswith("error=access_denied")
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
