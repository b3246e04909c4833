"""facts/oauth-behaviour.md §1: discovery and the protected resource."""

import pytest
from sqlalchemy import select

from oauth.tenants import Tenant
from server.storage.schema.oauth_tables import security_events
from tests.oauth.gateway import BASE, MCP, MCP2, OAuthGateway

SERVER_DOCUMENTS = (
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server/mcp",
    "/mcp/.well-known/openid-configuration",
)


@pytest.mark.parametrize("path", SERVER_DOCUMENTS)
async def test_d1_the_server_document_says_what_clients_insist_on(gate: OAuthGateway, path: str) -> None:
    """oauth-behaviour D1; RFC 8414 §3."""
    document = (await gate.request("GET", path)).json()
    assert document["issuer"] == BASE
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["response_types_supported"] == ["code"]
    assert document["authorization_response_iss_parameter_supported"] is True
    assert document["client_id_metadata_document_supported"] is True
    assert "none" in document["token_endpoint_auth_methods_supported"]
    assert not {"implicit", "password"} & set(document["grant_types_supported"])
    assert all(value.startswith(f"{BASE}/") for name, value in document.items() if name.endswith("_endpoint"))


@pytest.mark.parametrize("path", [*SERVER_DOCUMENTS, "/.well-known/oauth-protected-resource/mcp"])
async def test_d2_no_header_of_a_request_reaches_a_document(gate: OAuthGateway, path: str) -> None:
    """oauth-behaviour D2: host header injection."""
    headers = {"host": "evil.example", "x-forwarded-host": "evil.example", "forwarded": "host=evil.example"}
    response = await gate.request("GET", path, headers=headers)
    assert "evil.example" not in response.text + str(response.headers)


@pytest.mark.parametrize("host", ["x/..;/admin?", "a@b", "", "[::1"])
async def test_d4_a_malformed_host_does_not_open_the_resource(gate: OAuthGateway, host: str) -> None:
    """oauth-behaviour D4; CVE-2026-48710: the raw path decides."""
    assert (await gate.request("POST", "/mcp", headers={"host": host})).status_code in (400, 401)


@pytest.mark.parametrize("path", ["/.well-known/oauth-protected-resource/nope", "/.well-known/oauth-protected-resource/mcp/nope"])
async def test_d7_unknown_resources_have_no_document(gate: OAuthGateway, path: str) -> None:
    """oauth-behaviour D7."""
    assert (await gate.request("GET", path)).status_code == 404


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer asc_at_nothing"}, {"authorization": "Basic eDp5"}], ids=["none", "wrong", "basic"]
)
async def test_a_tenant_that_there_is_not_asks_for_a_token_like_any_other(gate: OAuthGateway, headers: dict[str, str]) -> None:
    """Whoever has no token learns nothing of who is on this gateway: the same status, challenge and words."""
    known, unknown = [await gate.request("POST", f"/mcp/{name}", headers=headers) for name in ("acme", "acne")]
    assert (known.status_code, unknown.status_code) == (401, 401)
    assert unknown.headers["www-authenticate"] == known.headers["www-authenticate"].replace("acme", "acne")
    assert unknown.json() == known.json()


async def test_a_good_token_opens_no_tenant_that_there_is_not(gate: OAuthGateway) -> None:
    """The token of one tenant is nothing at another, known or not."""
    tokens = await gate.tokens((await gate.register())["client_id"])
    answer = await gate.request("POST", "/mcp/acne", headers={"authorization": f"Bearer {tokens['access_token']}"})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


@pytest.mark.parametrize("path", ["/mcp/default", "/mcp/server-card/", "/mcp/-x", "/mcp/x-"])
async def test_what_can_be_no_tenant_is_not_found(gate: OAuthGateway, path: str) -> None:
    """The default tenant is at /mcp, and nowhere else."""
    assert (await gate.request("POST", path)).status_code == 404


@pytest.mark.parametrize(("path", "resource"), [("", MCP), ("/mcp", MCP), ("/mcp/acme", MCP2)])
async def test_each_resource_has_its_document(gate: OAuthGateway, path: str, resource: str) -> None:
    """RFC 9728 §3.3: `resource` is the URL byte for byte; offline_access is not for resources."""
    document = (await gate.request("GET", f"/.well-known/oauth-protected-resource{path}")).json()
    assert (document["resource"], document["authorization_servers"]) == (resource, [BASE])
    assert "offline_access" not in document["scopes_supported"]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT", "TRACE", "HEAD"])
@pytest.mark.parametrize("path", ["/mcp", "/mcp/", "/mcp/acme"])
async def test_d8_without_a_token_every_method_is_challenged(gate: OAuthGateway, method: str, path: str) -> None:
    """oauth-behaviour D8; RFC 6750 §3.1: no error where no token was sent; facts/mcp.md §6.3: before 405."""
    response = await gate.request(method, path)
    assert response.status_code == 401
    challenge = response.headers["www-authenticate"]
    assert challenge.startswith('Bearer resource_metadata="')
    assert 'scope="mcp mcp:read"' in challenge
    assert "error=" not in challenge


async def test_the_first_challenge_asks_for_the_baseline_of_its_tenant(gate: OAuthGateway) -> None:
    """issue 3, Scopes: the first challenge asks for the tenant's baseline."""
    gate.tenants.replace([Tenant("default", "Default", baseline_scopes=("mcp", "crm:read"))])
    response = await gate.request("POST", "/mcp")
    assert 'scope="mcp crm:read"' in response.headers["www-authenticate"]


async def test_d10_a_token_in_the_query_is_no_token_and_is_burned(gate: OAuthGateway) -> None:
    """oauth-behaviour D10; RFC 9700 §4.3.2."""
    tokens = await gate.tokens((await gate.register())["client_id"])
    response = await gate.request("POST", f"/mcp?access_token={tokens['access_token']}")
    assert response.status_code == 401
    assert "error=" not in response.headers["www-authenticate"]
    assert await gate.call(tokens["access_token"]) == 401


async def test_d11_a_token_sent_twice_is_refused(gate: OAuthGateway) -> None:
    """oauth-behaviour D11; RFC 6750 §2: one method for each request."""
    token = (await gate.tokens((await gate.register())["client_id"]))["access_token"]
    twice = [("authorization", f"Bearer {token}"), ("authorization", f"Bearer {token}")]
    assert (await gate.request("POST", "/mcp", headers=twice)).status_code == 400
    both = await gate.request("POST", f"/mcp?access_token={token}", headers={"authorization": f"Bearer {token}"})
    assert both.status_code == 400
    assert (await gate.request("POST", "/mcp", headers={"authorization": f"Bearer Bearer {token}"})).status_code == 401
    assert (await gate.request("POST", "/mcp", headers={"authorization": f"Bearer {token}, Bearer {token}"})).status_code == 401


@pytest.mark.parametrize(
    "value", [b"Bearer " + b"a" * 8192, "Bearer tökén".encode(), b"Bearer a\0b", b"Bearer ", b"Bearer", b"Basic YTpi", b"\xff\xfe"]
)
async def test_d13_strange_tokens_are_unauthorized(gate: OAuthGateway, value: bytes) -> None:
    """oauth-behaviour D13."""
    assert (await gate.request("POST", "/mcp", headers={b"authorization": value})).status_code == 401


async def test_d14_a_token_without_the_connecting_scope_is_told_what_to_ask_for(gate: OAuthGateway) -> None:
    """oauth-behaviour D14; MCP authorization: 403 names what is held and what is needed."""
    token = (await gate.tokens((await gate.register())["client_id"], scope="crm:read"))["access_token"]
    response = await gate.request("POST", "/mcp", headers={"authorization": f"Bearer {token}"})
    assert response.status_code == 403
    challenge = response.headers["www-authenticate"]
    assert 'error="insufficient_scope"' in challenge
    assert 'scope="crm:read mcp"' in challenge
    assert f'resource_metadata="{BASE}/.well-known/oauth-protected-resource/mcp"' in challenge


async def test_d16_d17_only_access_tokens_open_the_resource(gate: OAuthGateway) -> None:
    """oauth-behaviour D16, D17."""
    client = await gate.register()
    tokens = await gate.tokens(client["client_id"])
    foreign = ["eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2lkcCJ9.c2ln", "ya29.a0AfH6SM", "gho_16C7e42F292c6912E7710c838347Ae178B4a"]
    for token in [tokens["refresh_token"], client["registration_access_token"], *foreign]:
        response = await gate.request("POST", "/mcp", headers={"authorization": f"Bearer {token}"})
        assert response.status_code == 401
        assert 'error="invalid_token"' in response.headers["www-authenticate"]


@pytest.mark.parametrize(
    "path", ["/token", "/register", "/revoke", "/mcp", "/mcp/acme", *SERVER_DOCUMENTS[:2], "/.well-known/oauth-protected-resource/mcp"]
)
async def test_d19_browser_clients_may_use_the_machine_endpoints(gate: OAuthGateway, path: str) -> None:
    """oauth-behaviour D19; facts/oauth.md §2.10."""
    headers = {
        "origin": "http://localhost:6274",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,mcp-protocol-version",
    }
    response = await gate.request("OPTIONS", path, headers=headers)
    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in response.headers
    assert {"authorization", "content-type", "mcp-protocol-version"} <= set(
        response.headers["access-control-allow-headers"].lower().split(", ")
    )
    refused = await gate.request("POST", "/mcp", headers={"origin": "http://localhost:6274"})
    assert refused.headers["access-control-allow-origin"] == "*"
    assert "WWW-Authenticate" in refused.headers["access-control-expose-headers"]


@pytest.mark.parametrize("path", ["/authorize", "/consent", "/device"])
async def test_d20_pages_have_no_cors(gate: OAuthGateway, path: str) -> None:
    """oauth-behaviour D20."""
    for method in ("OPTIONS", "GET"):
        response = await gate.request(method, path, headers={"origin": "https://evil.example"})
        assert not [name for name in response.headers if name.startswith("access-control")]


async def test_a_burned_token_leaves_an_event(gate: OAuthGateway) -> None:
    """issue 3, Operations: audit records for every security event."""
    token = (await gate.tokens((await gate.register())["client_id"]))["access_token"]
    await gate.request("POST", f"/mcp?access_token={token}")
    async with gate.database.read() as connection:
        actions = (await connection.execute(select(security_events.c.action, security_events.c.facts))).all()
    assert "token_in_query" in [action for action, _ in actions]
    assert token not in str(actions)
