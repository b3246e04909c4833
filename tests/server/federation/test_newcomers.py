"""Who gets an account at the first sign-in: people whose address the provider vouches for, and nobody else (clients.md CL44)."""

from typing import Any

import pytest

from tests.oauth.sign_in.loopback_provider import LoopbackProvider, Person
from tests.server.federation.corp import people, set_up, sign_in
from tests.server.pages.form_browser import FormBrowser
from tests.server.pages.sign_in_app import SignInApp


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
    ("in_token", "beside_it", "is_admitted"),
    [
        # what the ID token leaves out may come from the userinfo endpoint
        ({}, {"email": "grace@corp.example", "email_verified": True}, True),
        ({"email": "grace@corp.example"}, {"email": "grace@corp.example", "email_verified": "true"}, True),
        ({"email": "grace@corp.example"}, {"email_verified": True}, False),
        ({"email_verified": True}, {"email": "grace@corp.example", "email_verified": True}, True),
        # the word of one address is none for another
        ({"email": "grace@corp.example"}, {"email": "mallory@evil.example", "email_verified": True}, False),
        ({"email_verified": True}, {"email": "grace@corp.example"}, True),
        ({"email_verified": True}, {"email": "grace@corp.example", "email_verified": False}, False),
        ({"email": "grace@corp.example", "email_verified": False}, {"email": "grace@corp.example", "email_verified": True}, False),
        ({"email": "grace@evil.example", "email_verified": True}, {"email": "grace@corp.example", "email_verified": True}, False),
    ],
)
def test_an_address_is_verified_by_the_word_that_came_with_it(
    app: SignInApp, browser: FormBrowser, provider: LoopbackProvider, in_token: dict[str, Any], beside_it: dict[str, Any], is_admitted: bool
) -> None:
    """OpenID Connect Core §5.3: several providers keep email_verified for the userinfo endpoint."""
    provider.person.claims, provider.keeps_claims_back = {}, True
    provider.claim_changes, provider.userinfo_changes = in_token, beside_it
    assert sign_in(browser).status_code == (303 if is_admitted else 403)
    assert len(people(app)) == is_admitted


@pytest.mark.parametrize("broken", [(500, b""), (403, b"{}"), (200, b"eyJhbGciOiJub25lIn0.e30."), (200, b"[]"), (200, b'{"sub": "1"}')])
def test_a_userinfo_endpoint_that_fails_keeps_nobody_out_who_is_known(
    app: SignInApp, browser: FormBrowser, provider: LoopbackProvider, broken: tuple[int, bytes]
) -> None:
    """Kind 12: the ID token says who it is; a newcomer is refused, and the operator is told of both."""
    assert sign_in(browser).status_code == 303
    provider.keeps_claims_back, provider.userinfo_breaks = True, broken
    assert sign_in(browser).status_code == 303
    provider.person = Person("2002", dict(provider.person.claims))
    assert sign_in(browser).status_code == 403
    reason = app.audit.events[-1].facts["reason"]
    assert "no e-mail address" in reason
    assert "beside the ID token" in reason
    assert len(people(app)) == 1
