"""Tokens for a service principal, which has no person and no browser (RFC 6749 section 4.4)."""

import base64
import time
from dataclasses import replace

import httpx2

from oauth.clients.client import CLIENT_CREDENTIALS, Client
from oauth.tokens.formats import hash_token, new_token
from tests.oauth.gateway import MCP, MCP2, OAuthGateway, oauth_error

SECRET = new_token("cs")


SERVICE = Client(
    client_id="nightly-report",
    kind="registered",
    name="Nightly report",
    redirect_uris=(),
    created_at=time.time(),
    auth_method="client_secret_basic",
    grant_types=frozenset({CLIENT_CREDENTIALS}),
    secret_hash=hash_token(SECRET),
    tenant_id="acme",
    service_subject="service:nightly-report",
    service_scopes=frozenset({"mcp", "crm:read"}),
)


async def as_service(gate: OAuthGateway, secret: str = SECRET, **form: str) -> httpx2.Response:
    credentials = base64.b64encode(f"{SERVICE.client_id}:{secret}".encode()).decode()
    form = {"grant_type": "client_credentials"} | form
    return await gate.request("POST", "/token", data=form, headers={"authorization": f"Basic {credentials}"})


async def test_a_service_principal_gets_what_its_operator_gave(gate: OAuthGateway) -> None:
    """RFC 6749 §4.4; no refresh token, one tenant, narrowed scopes."""
    await gate.client_store.save(SERVICE)
    tokens = (await as_service(gate, scope="mcp mcp:read mcp:destructive")).json()
    assert tokens["scope"] == "crm:read mcp"
    assert "refresh_token" not in tokens
    assert (await gate.call(tokens["access_token"], MCP2), await gate.call(tokens["access_token"])) == (200, 401)
    assert oauth_error(await as_service(gate, resource=MCP)) == (400, "invalid_target")
    assert oauth_error(await as_service(gate, scope="crm:destructive")) == (400, "invalid_scope")
    assert oauth_error(await as_service(gate, secret=new_token("cs"))) == (401, "invalid_client")


async def test_client_credentials_are_for_clients_of_an_operator(gate: OAuthGateway) -> None:
    """MCP client credentials extension."""
    for changes in ({"kind": "dynamic"}, {"service_subject": ""}, {"tenant_id": None}, {"tenant_id": "gone"}):
        await gate.client_store.save(replace(SERVICE, **changes))
        assert oauth_error(await as_service(gate)) == (400, "unauthorized_client")
