"""An identity provider of a company vouches for its person (RFC 7523, MCP enterprise-managed authorization)."""

import json

import anyio
import httpx2
from joserfc.jwk import ECKey

from oauth.clients.client import JWT_BEARER
from oauth.grants.jwt_bearer import TrustedIssuer
from oauth.tokens.formats import new_token
from server.assembly.authorization import AuthorizationServer, OAuthStores
from server.storage.oauth.static_tokens import SqlStaticTokenStore
from tests.oauth.gateway import BASE, MCP, MCP2, PROVIDER_SCOPES, OAuthGateway, oauth_error
from tests.oauth.signing import KEY, OTHER_KEY, signed, unsigned

ISSUER = "https://idp.example"


def enterprise(gate: OAuthGateway) -> OAuthGateway:
    """Return the gateway with an identity provider that vouches at the tenant acme."""
    jwks = json.dumps({"keys": [KEY.as_dict(private=False)]})

    async def subject_of(tenant_id: str, issuer: str, subject: str) -> str | None:
        return f"{subject}@{tenant_id}" if subject != "stranger" else None

    async def allowed(tenant_id: str, subject: str) -> frozenset[str]:
        return frozenset({"mcp", "crm:read", "crm:write"})

    gate.server = AuthorizationServer(
        settings=gate.settings,
        stores=OAuthStores(gate.grants, gate.client_store, gate.audit, SqlStaticTokenStore(gate.database)),
        tenants=gate.tenants,
        send=gate.web,
        allowed_scopes=allowed,
        provider_scopes=lambda _tenant_id: PROVIDER_SCOPES,
        trusted_issuers=[TrustedIssuer("acme", ISSUER, jwks=jwks)],
        subject_of=subject_of,
        clock=gate.clock,
    )
    gate.app = gate.build()
    return gate


def id_jag(gate: OAuthGateway, caller: str, **changes: object) -> dict[str, object]:
    now = int(gate.clock.now)
    claims: dict[str, object] = {
        "iss": ISSUER, "sub": "ada", "aud": BASE, "client_id": caller, "resource": MCP2, "scope": "mcp mcp:read",
        "exp": now + 300, "iat": now, "jti": new_token("cs"),
    }  # fmt: skip
    return {name: value for name, value in (claims | changes).items() if value is not None}


async def vouched(gate: OAuthGateway, client_id: str, claims: dict[str, object], key: ECKey = KEY, **options: str) -> httpx2.Response:
    assertion = signed(claims, key, typ=options.pop("typ", "oauth-id-jag+jwt"))
    return await gate.token(grant_type=JWT_BEARER, client_id=client_id, assertion=assertion, **options)


async def test_a_company_vouches_for_its_person(gate: OAuthGateway) -> None:
    """MCP enterprise-managed authorization; scopes are the intersection of all sides."""
    enterprise(gate)
    metadata = (await gate.request("GET", "/.well-known/oauth-authorization-server")).json()
    assert metadata["authorization_grant_profiles_supported"] == ["urn:ietf:params:oauth:grant-profile:id-jag"]
    client = await gate.register(grant_types=["authorization_code", JWT_BEARER])
    tokens = (await vouched(gate, client["client_id"], id_jag(gate, client["client_id"]))).json()
    assert (tokens["scope"], "refresh_token" in tokens) == ("crm:read mcp", False)
    assert (await gate.call(tokens["access_token"], MCP2), await gate.call(tokens["access_token"])) == (200, 401)


async def test_m11_an_assertion_that_is_not_quite_right_is_refused(gate: OAuthGateway) -> None:
    """oauth-behaviour M11."""
    enterprise(gate)
    client_id = (await gate.register(grant_types=["authorization_code", JWT_BEARER]))["client_id"]
    now = int(gate.clock.now)
    bad: list[dict[str, object]] = [
        {"aud": "https://other.example"}, {"aud": [BASE, "https://other.example"]}, {"client_id": "other"}, {"client_id": None},
        {"sub": None}, {"iss": "https://evil.example"}, {"resource": MCP}, {"resource": "https://evil.example"},
        {"cnf": {"jkt": "x"}}, {"exp": now - 60},
        {"jti": None}, {"exp": now + 7200}, {"sub": "stranger"}, {"resource": [MCP2]},
    ]  # fmt: skip
    for changes in bad:
        assert oauth_error(await vouched(gate, client_id, id_jag(gate, client_id, **changes))) == (400, "invalid_grant"), changes
    for typ in ("JWT", "at+jwt"):
        assert oauth_error(await vouched(gate, client_id, id_jag(gate, client_id), typ=typ)) == (400, "invalid_grant")
    assert oauth_error(await vouched(gate, client_id, id_jag(gate, client_id), OTHER_KEY)) == (400, "invalid_grant")
    for broken in ("x", "a.b.c", unsigned(id_jag(gate, client_id))):
        response = await gate.token(grant_type=JWT_BEARER, client_id=client_id, assertion=broken)
        assert oauth_error(response) == (400, "invalid_grant")


async def test_m11_an_assertion_counts_once_even_at_once(gate: OAuthGateway) -> None:
    """oauth-behaviour M11: replayed jti, 20 at the same time."""
    enterprise(gate)
    client_id = (await gate.register(grant_types=["authorization_code", JWT_BEARER]))["client_id"]
    claims = id_jag(gate, client_id)
    statuses: list[int] = []

    async def use() -> None:
        statuses.append((await vouched(gate, client_id, claims)).status_code)

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(use)
    assert sorted(statuses) == [200] + [400] * 19
