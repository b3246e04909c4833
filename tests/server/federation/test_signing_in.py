"""People sign in by an external OpenID Connect provider: who becomes whom, and whose word counts (rows M5, M10)."""

import asyncio
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import httpx2

from tests.oauth.sign_in.loopback_provider import LoopbackProvider, Person, running_provider
from tests.server.federation.corp import go_away, people, set_up, sign_in
from tests.server.pages.form_browser import FormBrowser, forms_of
from tests.server.pages.sign_in_app import PASSWORD, SignInApp
from tests.server.pages.stand_in_requests import EMAIL


def test_a_person_signs_in_by_the_provider_and_allows(app: SignInApp, browser: FormBrowser, provider: LoopbackProvider) -> None:
    """Positive control: away with PKCE, state and nonce; back to the waiting request."""
    answer = sign_in(browser)
    assert answer.status_code == 303, answer.text
    consent = browser.open(answer.headers["location"])
    assert "grace@corp.example" in consent.text
    assert browser.submit(consent, decision="allow").status_code == 303
    asked = provider.authorization_requests[0]
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == f"{app.url}/login/callback/default/corp"
    assert {"state", "nonce"} <= set(asked)
    [subject] = people(app)
    assert (subject.display_name, subject.identity_provider) == ("Grace Hopper", "corp")


def test_the_same_person_comes_back_to_the_same_subject(app: SignInApp, browser: FormBrowser, provider: LoopbackProvider) -> None:
    """Linked by (issuer, sub): a new e-mail changes nothing."""
    sign_in(browser)
    provider.person.claims["email"] = "grace.hopper@corp.example"
    assert sign_in(browser).status_code == 303
    assert len(people(app)) == 1


def test_the_same_sub_or_email_from_another_issuer_is_another_subject(
    app: SignInApp, browser: FormBrowser, provider: LoopbackProvider
) -> None:
    """M5: also where a local subject has that e-mail."""
    app.add_person("grace@corp.example")
    with running_provider() as other:
        set_up(app, other, "second")
        assert sign_in(browser).status_code == 303
        assert sign_in(browser, "second").status_code == 303
    ids = {subject.subject_id for subject in asyncio.run(app.subjects.of_tenant("default")) if subject.email == "grace@corp.example"}
    assert len(ids) == 3


def test_a_provider_can_admit_everybody_whom_it_signs_in(app: SignInApp, browser: FormBrowser, provider: LoopbackProvider) -> None:
    """admitted_domains `*`, for providers without e-mail."""
    set_up(app, provider, admitted_domains=("*",))
    provider.person.claims = {}
    assert sign_in(browser).status_code == 303
    assert people(app)[0].email == "corp:1001"


def test_a_disabled_subject_is_not_signed_in(app: SignInApp, browser: FormBrowser) -> None:
    """M10: the operator's word stands over the provider's."""
    sign_in(browser)
    asyncio.run(app.subjects.save(replace(people(app)[0], disabled=True)))
    assert sign_in(browser).status_code == 403


def test_a_second_person_at_the_same_provider_is_a_second_subject(app: SignInApp, browser: FormBrowser, provider: LoopbackProvider) -> None:
    """Same e-mail, other sub: somebody got a used address."""
    sign_in(browser)
    provider.person = Person("2002", dict(provider.person.claims))
    sign_in(browser)
    assert len(people(app)) == 2


def test_a_provider_that_is_down_leaves_the_page_usable(app: SignInApp, browser: FormBrowser) -> None:
    """The person can choose another way."""
    with running_provider() as gone:
        set_up(app, gone, "gone")
    page = browser.submit(browser.open("/authorize"), provider="gone")
    assert page.status_code == 400
    assert browser.submit(page, email=EMAIL, password=PASSWORD).status_code == 303


def test_the_sign_in_policy_of_a_tenant_decides(app: SignInApp, browser: FormBrowser) -> None:
    """Per-tenant policy: what is not listed is neither shown nor taken."""
    page = browser.open("/authorize")
    assert "Continue with" in page.text
    assert "Use a passkey" not in page.text
    assert browser.submit(page, passkey="{}").status_code == 403
    back = go_away(browser)
    app.tenants.replace([replace(tenant, sign_in=frozenset({"passkey"})) for tenant in app.tenants.all()])
    shown = browser.open("/authorize").text
    assert "Continue with" not in shown
    assert 'name="password"' not in shown
    assert browser.submit(page, email=EMAIL, password=PASSWORD).status_code == 403
    assert browser.submit(page, provider="corp").status_code == 403
    assert browser.get(back).status_code == 400


def test_a_provider_of_another_tenant_is_not_there(app: SignInApp, browser: FormBrowser) -> None:
    """M4: addressed from another tenant."""
    page = browser.open("/authorize?tenant=other")
    assert "Continue with" not in page.text
    assert browser.submit(page, provider="corp").status_code == 400


def test_a_sign_in_that_must_ask_is_asked_for(browser: FormBrowser, provider: LoopbackProvider) -> None:
    """`prompt=login` reaches the provider: a session there is not enough."""
    answer = browser.submit(browser.open("/authorize?prompt=login&login_hint=grace@corp.example"), provider="corp")
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert asked["prompt"] == ["login"]
    assert asked["login_hint"] == ["grace@corp.example"]


def test_a_person_of_a_provider_gets_no_passkey_here(app: SignInApp, browser: FormBrowser) -> None:
    """M10: it would sign them in after they have left there."""
    app.tenants.replace([replace(tenant, sign_in=frozenset({"passkey", "federation"})) for tenant in app.tenants.all()])
    answer = browser.submit(browser.open("/account"), provider="corp")
    back = httpx2.get(answer.headers["location"], follow_redirects=False, timeout=30)
    assert browser.get(back.headers["location"]).headers["location"] == "/account"
    account = browser.open("/account")
    assert "you sign in by another place" in account.text
    form = next(form for form in forms_of(account) if form.fields.get("action") == "sign_out")
    assert browser.post(form.action, form.fields | {"action": "add_passkey", "passkey": "{}"}).status_code == 403
