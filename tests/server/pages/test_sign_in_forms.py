"""Forms of the sign-in pages: whose they are, what they take and where they lead."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.server.pages.consenting import code_of, consent_page
from tests.server.pages.form_browser import FormBrowser, forms_of
from tests.server.pages.sign_in_app import PASSWORD, SignInApp
from tests.server.pages.stand_in_requests import EMAIL


def test_each_page_is_one_form_that_posts(browser: FormBrowser) -> None:
    """contracts.md, URLs."""
    login = browser.open("/authorize")
    assert [form.method for form in forms_of(login)] == ["post"]
    assert {"email", "password", "csrf", "request"} <= set(forms_of(login)[0].fields)
    assert "Use a passkey" in login.text
    consent = consent_page(browser)
    assert [form.method for form in forms_of(consent)] == ["post"]
    assert forms_of(consent)[0].buttons == [("decision", "allow"), ("decision", "deny")]


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


def test_a_form_sent_twice_gives_one_code(app: SignInApp, browser: FormBrowser) -> None:
    """C11: a double click."""
    page = consent_page(browser)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: browser.submit(page, decision="allow"), range(8)))
    assert {code_of(answer) for answer in answers} == set(app.consent.codes)
    assert len(app.consent.codes) == 1


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
