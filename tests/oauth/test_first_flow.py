"""The whole way once: registration to a refreshed token at the resource."""

from tests.oauth.gateway import MCP, MCP2, OAuthGateway


async def test_a_client_registers_signs_its_person_in_and_keeps_access(gate: OAuthGateway) -> None:
    """MCP authorization 2026-07-28: challenge, metadata, registration, code with PKCE and resource, refresh, revocation."""
    challenge = await gate.request("POST", "/mcp")
    assert challenge.status_code == 401
    expected = f'Bearer resource_metadata="{gate.settings.base_url}/.well-known/oauth-protected-resource/mcp", scope="mcp mcp:read"'
    assert challenge.headers["www-authenticate"] == expected

    resource = (await gate.request("GET", "/.well-known/oauth-protected-resource/mcp")).json()
    assert resource["resource"] == MCP
    server = (await gate.request("GET", "/.well-known/oauth-authorization-server")).json()
    assert server["issuer"] == resource["authorization_servers"][0]

    client = await gate.register()
    tokens = await gate.tokens(client["client_id"])
    assert tokens["scope"] == "mcp mcp:read"
    assert await gate.call(tokens["access_token"]) == 200
    assert await gate.call(tokens["access_token"], MCP2) == 401

    again = (await gate.refresh(client["client_id"], tokens["refresh_token"])).json()
    assert await gate.call(again["access_token"]) == 200
    revoked = await gate.request("POST", "/revoke", data={"client_id": client["client_id"], "token": again["refresh_token"]})
    assert revoked.status_code == 200
    assert await gate.call(again["access_token"]) == 401
    assert await gate.call(tokens["access_token"]) == 401
