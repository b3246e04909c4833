"""Clients that sign their requests (RFC 7523 section 2.2)."""

import json

from joserfc.jwk import ECKey

from oauth.fetch import Fetched
from tests.oauth.gateway import BASE, OAuthGateway, oauth_error
from tests.oauth.signing import KEY, OTHER_KEY, client_claims, signed, unsigned, with_assertion


async def test_a_client_signs_its_requests(gate: OAuthGateway) -> None:
    """RFC 7523 §2.2; each assertion once, for this issuer alone, by this client's key."""
    client = await gate.register(token_endpoint_auth_method="private_key_jwt", jwks={"keys": [KEY.as_dict(private=False)]})
    client_id = client["client_id"]
    good = signed(client_claims(gate, client_id))
    assert oauth_error(await with_assertion(gate, good)) == (400, "invalid_grant")
    assert oauth_error(await with_assertion(gate, good)) == (401, "invalid_client")
    assert oauth_error(await with_assertion(gate, signed(client_claims(gate, client_id, aud=f"{BASE}/token")))) == (400, "invalid_grant")
    bad: list[dict[str, object]] = [
        {"aud": "https://other.example"}, {"aud": [BASE, "https://other.example"]}, {"aud": None}, {"exp": None}, {"jti": None}, {"jti": 7},
        {"exp": int(gate.clock.now) - 60}, {"exp": int(gate.clock.now) + 7200}, {"iss": "other"}, {"sub": "other"}, {"exp": True},
        {"nbf": int(gate.clock.now) + 600}, {"iat": int(gate.clock.now) + 600}, {"jti": "x" * 300}, {"nbf": True}, {"iat": True},
    ]  # fmt: skip
    for changes in bad:
        assert (
            oauth_error(await with_assertion(gate, signed(client_claims(gate, client_id, **changes)), client_id=client_id))[1]
            == "invalid_client"
        )
    assert oauth_error(await with_assertion(gate, signed(client_claims(gate, client_id), OTHER_KEY))) == (401, "invalid_client")
    for broken in ("", "x", "a.b.c", "a" * 9000, unsigned(client_claims(gate, client_id))):
        assert oauth_error(await with_assertion(gate, broken, client_id=client_id)) == (401, "invalid_client")
    assert oauth_error(await with_assertion(gate, good, client_secret="x")) == (400, "invalid_request")
    assert oauth_error(await with_assertion(gate, good, client_assertion_type="x")) == (401, "invalid_client")


async def test_t25_a_public_client_cannot_borrow_an_assertion(gate: OAuthGateway) -> None:
    """oauth-behaviour T25."""
    client = await gate.register(token_endpoint_auth_method="private_key_jwt", jwks={"keys": [KEY.as_dict(private=False)]})
    public = await gate.register()
    assertion = signed(client_claims(gate, client["client_id"]))
    assert oauth_error(await with_assertion(gate, assertion, client_id=public["client_id"])) == (401, "invalid_client")


async def test_keys_at_a_url_are_fetched_and_fetched_again_when_they_changed(gate: OAuthGateway) -> None:
    """oauth-behaviour S17, M8: through the guarded fetch every time, at most once a minute for unknown keys."""
    url = "https://client.example/jwks"
    client = await gate.register(token_endpoint_auth_method="private_key_jwt", jwks_uri=url)
    client_id = client["client_id"]

    async def attempt(key: ECKey = KEY, **header: object) -> str:
        return oauth_error(await with_assertion(gate, signed(client_claims(gate, client_id), key, **header)))[1]

    for _ in range(3):
        assert await attempt() == "invalid_client"
    assert len(gate.web.asked) == 1, "a failure is remembered, or strangers could have the address asked for ever"
    gate.web.answers[url] = Fetched(200, {}, json.dumps({"keys": [KEY.as_dict(private=False)]}).encode())
    assert await attempt() == "invalid_client"
    gate.clock.now += 61
    assert await attempt() == "invalid_grant"
    newer = ECKey.generate_key("P-256", {"kid": "two"})
    gate.web.answers[url] = Fetched(200, {}, json.dumps({"keys": [newer.as_dict(private=False)]}).encode())
    asked = len(gate.web.asked)
    for index in range(10):
        assert await attempt(newer, kid=f"unknown-{index}") == "invalid_client"
    assert len(gate.web.asked) == asked
    gate.clock.now += 61
    assert await attempt(newer, kid="two") == "invalid_grant"
    gate.clock.now += 301
    del gate.web.answers[url]
    assert await attempt(newer, kid="two") == "invalid_client"
