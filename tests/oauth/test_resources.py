"""Where a token may be used: tools, models and the administration are three places, each tenant's own (RFC 8707, RFC 9700 §2.3)."""

import pytest

from oauth.errors import OAuthError
from oauth.resources import Resources
from oauth.tenants import Tenant, Tenants
from tests.oauth.gateway import BASE, MCP, OAuthGateway


def resources() -> Resources:
    tenants = Tenants([Tenant("default", "Default"), Tenant("acme", "Acme")])
    return Resources(tenants, lambda tenant: "https://gw/mcp" if tenant == "default" else f"https://gw/mcp/{tenant}", "https://gw")


@pytest.mark.parametrize(
    ("value", "tenant", "kind"),
    [
        ("https://gw/v1", "default", "models"),
        ("https://gw/v1/", "default", "models"),
        ("https://gw/v1/acme", "acme", "models"),
        ("https://gw/mcp/acme", "acme", "mcp"),
    ],
)
def test_a_resource_says_whose_and_what_it_is(value: str, tenant: str, kind: str) -> None:
    found = resources().resolve([value])
    assert (found.tenant.tenant_id, found.kind) == (tenant, kind)
    assert found.url == value.rstrip("/")


@pytest.mark.parametrize(
    "values",
    [
        ["https://gw/v1", "https://gw/mcp"],
        ["https://gw/v1/default"],
        ["https://gw/v1x"],
        ["https://gw/v1/acme/agents"],
        ["https://gw/v1/nobody"],
        ["https://gw/admin"],
        ["https://gw/admin/acme"],
    ],
)
def test_what_merely_resembles_a_resource_is_none(values: list[str]) -> None:
    """No application can ask for the administration; its tokens are minted where the data is."""
    with pytest.raises(OAuthError, match="resource is not"):
        resources().resolve(values)


async def test_the_models_have_a_document_of_their_own(gate: OAuthGateway) -> None:
    """RFC 9728 §3.3: the resource is the URL that was asked for."""
    document = (await gate.request("GET", "/.well-known/oauth-protected-resource/v1")).json()
    assert (document["resource"], document["scopes_supported"]) == (f"{BASE}/v1", ["llm:write"])
    other = (await gate.request("GET", "/.well-known/oauth-protected-resource/v1/acme")).json()
    assert other["resource"] == f"{BASE}/v1/acme"
    assert (await gate.request("GET", "/.well-known/oauth-protected-resource/v1/nobody")).status_code == 404


@pytest.mark.parametrize("kind", ["models", "admin"])
async def test_a_minted_token_opens_what_it_was_minted_for_and_nothing_else(gate: OAuthGateway, kind: str) -> None:
    minted = await gate.server.minting.mint("default", "subject", None, 600, kind)  # type: ignore[arg-type]
    response = await gate.request("POST", "/mcp", headers={"authorization": f"Bearer {minted.access_token}"})
    assert response.status_code == 401
    verified = await gate.server.access_tokens.verify(minted.access_token)
    assert verified is not None
    assert verified.resource == f"{BASE}/{'v1' if kind == 'models' else 'admin'}" != MCP


async def test_a_token_for_the_administration_has_that_one_scope(gate: OAuthGateway) -> None:
    assert (await gate.server.minting.mint("default", "subject", None, 600, "admin")).scopes == {"admin"}
