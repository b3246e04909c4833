"""ID tokens, keys and metadata over HTTP: OpenID Connect Core §3.1.3.7, RFC 8725 (M8)."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey

from tests.oauth.sign_in.loopback_provider import LoopbackProvider
from tests.server.federation.corp import people, set_up, sign_in
from tests.server.pages.form_browser import FormBrowser
from tests.server.pages.sign_in_app import SignInApp

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
        {"nbf": True},
        {"exp": True},
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


@pytest.mark.parametrize("ahead", [{"iat": 50}, {"nbf": 50}, {"exp": -50}], ids=str)
def test_a_clock_that_is_a_minute_off_signs_people_in(
    app: SignInApp, browser: FormBrowser, provider: LoopbackProvider, ahead: dict[str, int]
) -> None:
    """Kind 11: nbf, iat and exp within 60 s."""
    provider.claim_changes = {name: int(time.time()) + seconds for name, seconds in ahead.items()}
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
