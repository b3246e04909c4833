"""Sign-in by an external OpenID Connect provider: rows M5, M7, M8 and what OpenID Connect Core §3.1.3.7 asks, over HTTP."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from joserfc.jwk import ECKey, OctKey

from oauth.identity_providers import IdentityProvider
from oauth.subjects import Subject
from tests.oauth.sign_in.loopback_provider import LoopbackProvider, Person, running_provider
from tests.server.form_browser import FormBrowser, forms_of
from tests.server.sign_in_app import EMAIL, PASSWORD, SignInApp, running, sign_in_app


@pytest.fixture
def provider() -> Iterator[LoopbackProvider]:
    with running_provider() as served:
        yield served


@pytest.fixture
def app(tmp_path: Path, provider: LoopbackProvider) -> Iterator[SignInApp]:
    """A gateway whose default tenant signs people in by `provider`, everybody at corp.example."""
    made = sign_in_app(tmp_path, rate_limit_scale=1e6)
    made.tenants.replace([replace(tenant, sign_in=frozenset({"password", "federation"})) for tenant in made.tenants.all()])
    set_up(made, provider)
    with running(made) as served:
        yield served


def set_up(app: SignInApp, provider: LoopbackProvider, slug: str = "corp", **settings: Any) -> None:
    facts: dict[str, Any] = {"admitted_domains": ("corp.example",)} | settings
    entry = IdentityProvider("default", slug, f"{slug.title()} SSO", provider.issuer, provider.client_id, **facts)
    asyncio.run(app.links.save_provider(entry))
    app.secrets[slug] = provider.client_secret


@pytest.fixture
def browser(app: SignInApp) -> Iterator[FormBrowser]:
    with FormBrowser(app.url) as opened:
        yield opened


def go_away(browser: FormBrowser, slug: str = "corp") -> str:
    """Choose the provider on the sign-in page; return where its own site sends the browser back to."""
    answer = browser.submit(browser.open("/authorize"), provider=slug)
    assert answer.status_code == 303, answer.text
    back = httpx2.get(answer.headers["location"], follow_redirects=False)
    return back.headers["location"]


def sign_in(browser: FormBrowser, slug: str = "corp") -> httpx2.Response:
    return browser.get(go_away(browser, slug))


def people(app: SignInApp) -> list[Subject]:
    return [subject for subject in asyncio.run(app.subjects.of_tenant("default")) if subject.identity_provider]


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


@pytest.mark.parametrize(
    "claims", [{"email_verified": False}, {"email_verified": "false"}, {"email": "grace@evil.example"}, {"email": None}]
)
def test_a_stranger_gets_no_subject(app: SignInApp, browser: FormBrowser, provider: LoopbackProvider, claims: dict[str, Any]) -> None:
    """Only a verified e-mail of an admitted domain opens the door."""
    provider.person.claims |= claims
    provider.person.claims = {name: value for name, value in provider.person.claims.items() if value is not None}
    answer = sign_in(browser)
    assert answer.status_code == 403
    assert "No account here" in answer.text
    assert people(app) == []


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


NOW = int(time.time())


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"aud": "somebody-else"},
        {"aud": ["ascend", "somebody-else"]},
        {"aud": []},
        {"aud": None},
        {"azp": "somebody-else"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": NOW - 3600},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": NOW - 86400},
        {"iat": NOW + 86400},
        {"nbf": NOW + 86400},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 256},
    ],
    ids=lambda claims: str(next(iter(claims))),
)
def test_an_id_token_with_a_wrong_claim_is_refused(
    app: SignInApp, browser: FormBrowser, provider: LoopbackProvider, claims: dict[str, Any]
) -> None:
    """OpenID Connect Core §3.1.3.7."""
    provider.claim_changes = claims
    assert sign_in(browser).status_code == 400
    assert people(app) == []


def test_an_id_token_for_several_audiences_needs_us_as_authorized_party(browser: FormBrowser, provider: LoopbackProvider) -> None:
    """OpenID Connect Core §3.1.3.7, steps 4 and 5: positive control."""
    provider.claim_changes = {"aud": ["ascend", "another"], "azp": "ascend"}
    assert sign_in(browser).status_code == 303


def forged(provider: LoopbackProvider) -> None:
    provider.forger = ECKey.generate_key("P-256", private=True)


def with_own_key(provider: LoopbackProvider) -> None:
    """CVE-2026-27962: a key in the header is the sender's word."""
    key = ECKey.generate_key("P-256", private=True)
    provider.forger = key
    provider.header_changes = {"jwk": key.as_dict(private=False)}


def unsigned(provider: LoopbackProvider) -> None:
    provider.header_changes = {"alg": "none"}


def with_shared_secret(provider: LoopbackProvider) -> None:
    """RFC 8725 §2.1: the public key, or the client secret, as an HMAC key."""
    provider.forger = OctKey.import_key(provider.client_secret)
    provider.header_changes = {"alg": "HS256"}


@pytest.mark.parametrize("forge", [forged, with_own_key, unsigned, with_shared_secret])
def test_an_id_token_that_the_provider_did_not_sign_is_refused(
    app: SignInApp, browser: FormBrowser, provider: LoopbackProvider, forge: Callable[[LoopbackProvider], None]
) -> None:
    """RFC 8725."""
    forge(provider)
    assert sign_in(browser).status_code == 400
    assert people(app) == []


def test_an_algorithm_that_is_not_configured_is_refused(app: SignInApp, browser: FormBrowser, provider: LoopbackProvider) -> None:
    """RFC 8725 §3.1: the allow-list comes from configuration."""
    set_up(app, provider, allowed_algorithms=("RS256",))
    assert sign_in(browser).status_code == 400


def test_new_keys_are_read_once_and_a_flood_of_unknown_ones_is_not_followed(
    app: SignInApp, browser: FormBrowser, provider: LoopbackProvider
) -> None:
    """M8: fine after one read; at most one read a minute."""
    assert sign_in(browser).status_code == 303
    provider.rotate()
    app.clock.now += 61
    assert sign_in(browser).status_code == 303
    assert provider.jwks_reads == 2
    for number in range(10):
        provider.header_changes = {"kid": f"unknown-{number}"}
        assert sign_in(browser).status_code == 400
    assert provider.jwks_reads == 2
    app.clock.now += 61
    assert sign_in(browser).status_code == 400
    assert provider.jwks_reads == 3


def test_claims_come_from_the_userinfo_endpoint_where_the_token_has_none(
    app: SignInApp, browser: FormBrowser, provider: LoopbackProvider
) -> None:
    """OpenID Connect Core §5.4."""
    provider.keeps_claims_back = True
    assert sign_in(browser).status_code == 303
    assert people(app)[0].email == "grace@corp.example"


def test_userinfo_about_somebody_else_is_not_used(app: SignInApp, browser: FormBrowser, provider: LoopbackProvider) -> None:
    """OpenID Connect Core §5.3.2: token substitution."""
    provider.keeps_claims_back = True
    provider.userinfo_changes = {"sub": "2002"}
    assert sign_in(browser).status_code == 403


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": None},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
    ids=str,
)
def test_metadata_that_cannot_be_right_is_not_used(browser: FormBrowser, provider: LoopbackProvider, changes: dict[str, Any]) -> None:
    """OpenID Connect Discovery §4.3; the page stays usable."""
    provider.metadata_changes = changes
    answer = browser.submit(browser.open("/authorize"), provider="corp")
    assert answer.status_code == 400
    assert "not available at the moment" in answer.text


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


def test_a_second_person_at_the_same_provider_is_a_second_subject(app: SignInApp, browser: FormBrowser, provider: LoopbackProvider) -> None:
    """Same e-mail, other sub: somebody got a used address."""
    sign_in(browser)
    provider.person = Person("2002", dict(provider.person.claims))
    sign_in(browser)
    assert len(people(app)) == 2


def test_a_person_of_a_provider_gets_no_passkey_here(app: SignInApp, browser: FormBrowser) -> None:
    """M10: it would sign them in after they have left there."""
    app.tenants.replace([replace(tenant, sign_in=frozenset({"passkey", "federation"})) for tenant in app.tenants.all()])
    answer = browser.submit(browser.open("/account"), provider="corp")
    back = httpx2.get(answer.headers["location"], follow_redirects=False)
    assert browser.get(back.headers["location"]).headers["location"] == "/account"
    account = browser.open("/account")
    assert "you sign in by another place" in account.text
    form = next(form for form in forms_of(account) if form.fields.get("action") == "sign_out")
    assert browser.post(form.action, form.fields | {"action": "add_passkey", "passkey": "{}"}).status_code == 403


@pytest.mark.parametrize("said", [True, "true", "True", 1, "1"], ids=repr)
def test_a_verified_address_may_be_said_as_text_or_number(
    app: SignInApp, browser: FormBrowser, provider: LoopbackProvider, said: Any
) -> None:
    """CL44: Cognito and Apple write it as text."""
    provider.person.claims["email_verified"] = said
    assert sign_in(browser).status_code == 303
    assert people(app)[0].email == "grace@corp.example"


@pytest.mark.parametrize("said", [False, "false", "False", 0, "0", "", "yes", 2, ["true"], {"true": 1}], ids=repr)
def test_anything_else_verifies_no_address(app: SignInApp, browser: FormBrowser, provider: LoopbackProvider, said: Any) -> None:
    """CL44, the other side: an address that nobody verified opens no door by its domain."""
    provider.person.claims["email_verified"] = said
    assert sign_in(browser).status_code == 403
    assert people(app) == []


def test_an_operator_is_told_what_a_provider_does_not_say(
    app: SignInApp, browser: FormBrowser, provider: LoopbackProvider, caplog: pytest.LogCaptureFixture
) -> None:
    """CL44: in the log, in the audit, and the person whom to ask; and the way out works."""
    del provider.person.claims["email_verified"]
    answer = sign_in(browser)
    assert (answer.status_code, "No account here" in answer.text, "does not vouch for your e-mail" in answer.text) == (403, True, True)
    [line] = [vars(record)["facts"] for record in caplog.records if record.getMessage() == "federation_refused"]
    assert "no email_verified" in line["reason"]
    assert "--admit-unverified" in line["reason"]
    assert app.audit.events[-1].facts["reason"] == line["reason"]
    set_up(app, provider, admitted_domains=("unverified:corp.example",))
    assert sign_in(browser).status_code == 303
    assert people(app)[0].email == "grace@corp.example"


def test_an_address_that_is_known_to_be_unverified_is_admitted_by_no_setting(
    app: SignInApp, browser: FormBrowser, provider: LoopbackProvider
) -> None:
    """CL44: `--admit-unverified` is for providers that say nothing."""
    set_up(app, provider, admitted_domains=("unverified:corp.example",))
    provider.person.claims["email_verified"] = False
    assert sign_in(browser).status_code == 403


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
    posted = httpx2.post(address, content=query, headers={"content-type": "application/x-www-form-urlencoded"}, follow_redirects=False)
    assert (posted.status_code, posted.headers["location"].startswith("/login/callback/default/corp?code=")) == (303, True)
    assert httpx2.get(f"{app.url}{posted.headers['location']}", follow_redirects=False).status_code == 400, "another browser"


def test_a_form_post_comes_back_to_the_browser_that_left(app: SignInApp, browser: FormBrowser, provider: LoopbackProvider) -> None:
    """CL33d."""
    address, _, query = go_away(browser).partition("?")
    posted = httpx2.post(address, content=query, headers={"content-type": "application/x-www-form-urlencoded"}, follow_redirects=False)
    assert browser.get(posted.headers["location"]).status_code == 303
    assert len(people(app)) == 1


@pytest.mark.parametrize("ahead", [{"iat": 50}, {"nbf": 50}, {"exp": -50}], ids=str)
def test_a_clock_that_is_a_minute_off_signs_people_in(
    app: SignInApp, browser: FormBrowser, provider: LoopbackProvider, ahead: dict[str, int]
) -> None:
    """Kind 11: nbf, iat and exp within 60 s."""
    provider.claim_changes = {name: int(time.time()) + seconds for name, seconds in ahead.items()}
    assert sign_in(browser).status_code == 303


def test_what_the_token_endpoint_said_is_in_the_audit(app: SignInApp, browser: FormBrowser, provider: LoopbackProvider) -> None:
    """CL33c, kind: the operator mistyped the secret, and finds that out."""
    app.secrets["corp"] = "mistyped"
    assert sign_in(browser).status_code == 400
    assert "answered 401" in app.audit.events[-1].facts["reason"]
    assert "invalid_client" in app.audit.events[-1].facts["reason"]
