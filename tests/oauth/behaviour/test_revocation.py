"""Revocation and introspection (RFC 7009, RFC 7662): rows F13 to F20."""

import base64
from typing import Any

from tests.oauth.behaviour.test_refresh import family
from tests.oauth.gateway import CALLBACK, OAuthGateway, Pkce, oauth_error


async def test_f13_f20_a_public_client_ends_its_grant_at_once(gate: OAuthGateway) -> None:
    """oauth-behaviour F13, F20: effective with the next request; RFC 7009 §2.1."""
    client_id, tokens = await family(gate)
    assert await gate.call(tokens["access_token"]) == 200
    revoked = await gate.request("POST", "/revoke", data={"client_id": client_id, "token": tokens["refresh_token"]})
    assert (revoked.status_code, revoked.content) == (200, b"")
    assert await gate.call(tokens["access_token"]) == 401
    assert oauth_error(await gate.refresh(client_id, tokens["refresh_token"])) == (400, "invalid_grant")


async def test_f14_a_revoked_access_token_dies_alone(gate: OAuthGateway) -> None:
    """oauth-behaviour F14, as docs/guides/authorization.md says."""
    client_id, tokens = await family(gate)
    again = (await gate.refresh(client_id, tokens["refresh_token"])).json()
    await gate.request("POST", "/revoke", data={"client_id": client_id, "token": again["access_token"], "token_type_hint": "refresh_token"})
    assert (await gate.call(again["access_token"]), await gate.call(tokens["access_token"])) == (401, 200)
    # A replay inside the window does not bring the revoked token back.
    replay = (await gate.refresh(client_id, tokens["refresh_token"])).json()
    assert replay["refresh_token"] == again["refresh_token"]
    assert await gate.call(replay["access_token"]) == 200


async def test_f16_revocation_needs_a_token_and_nothing_else(gate: OAuthGateway) -> None:
    """oauth-behaviour F16; RFC 7009 §2.2."""
    client_id, tokens = await family(gate)
    assert oauth_error(await gate.request("POST", "/revoke", data={"client_id": client_id})) == (400, "invalid_request")
    odd = {"client_id": client_id, "token": "whatever", "token_type_hint": "nonsense"}
    assert (await gate.request("POST", "/revoke", data=odd)).status_code == 200
    other = await gate.register()
    foreign = {"client_id": other["client_id"], "token": tokens["refresh_token"]}
    assert (await gate.request("POST", "/revoke", data=foreign)).status_code == 200
    assert await gate.call(tokens["access_token"]) == 200
    assert oauth_error(await gate.request("POST", "/revoke", data={"token": "x"})) == (401, "invalid_client")


async def test_f17_introspection_is_for_clients_that_prove_themselves(gate: OAuthGateway) -> None:
    """oauth-behaviour F17; RFC 7662 §2.1."""
    client_id, tokens = await family(gate)
    for form in ({"token": tokens["access_token"]}, {"token": tokens["access_token"], "client_id": client_id}):
        assert oauth_error(await gate.request("POST", "/introspect", data=form)) == (401, "invalid_client")


async def test_f19_a_client_hears_of_its_own_tokens_only(gate: OAuthGateway) -> None:
    """oauth-behaviour F19; RFC 7662 §2.2, §4."""
    client = await gate.register(token_endpoint_auth_method="client_secret_basic")
    stranger = await gate.register(token_endpoint_auth_method="client_secret_basic")
    tokens = await confidential_tokens(gate, client)

    async def introspect(caller: dict[str, Any], token: str, hint: str) -> dict[str, Any]:
        credentials = base64.b64encode(f"{caller['client_id']}:{caller['client_secret']}".encode()).decode()
        form = {"token": token, "token_type_hint": hint}
        response = await gate.request("POST", "/introspect", data=form, headers={"authorization": f"Basic {credentials}"})
        assert response.status_code == 200
        facts: dict[str, Any] = response.json()
        return facts

    facts = await introspect(client, tokens["access_token"], "refresh_token")
    assert (facts["active"], facts["client_id"], facts["sub"], facts["scope"]) == (True, client["client_id"], "ada-default", "mcp mcp:read")
    assert (await introspect(client, tokens["refresh_token"], "access_token"))["active"] is True
    for token in (tokens["access_token"], tokens["refresh_token"], "asc_at_" + "a" * 43, "nonsense"):
        assert await introspect(stranger, token, "access_token") == {"active": False}
    gate.clock.now += gate.server.lifetimes.refresh_idle_s + 1  # its grant lasts much longer
    assert await introspect(client, tokens["refresh_token"], "refresh_token") == {"active": False}


async def confidential_tokens(gate: OAuthGateway, client: dict[str, Any]) -> dict[str, Any]:
    """Walk a person through with a client that authenticates by header."""
    pkce = Pkce()
    code = await gate.code(client["client_id"], pkce)
    credentials = base64.b64encode(f"{client['client_id']}:{client['client_secret']}".encode()).decode()
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": pkce.verifier, "redirect_uri": CALLBACK}
    response = await gate.request("POST", "/token", data=form, headers={"authorization": f"Basic {credentials}"})
    assert response.status_code == 200, response.text
    tokens: dict[str, Any] = response.json()
    return tokens
