"""The endpoints as well-known OAuth libraries use them: the MCP SDK's client and authlib's."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from authlib.integrations.httpx_client import AsyncOAuth2Client, OAuthError  # type: ignore[import-untyped]  # it ships no types
from authlib.oauth2.rfc7523 import PrivateKeyJWT  # type: ignore[import-untyped]  # it ships no types
from joserfc.jwk import RSAKey
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

from tests.oauth.gateway import BASE, CALLBACK, MCP, OAuthGateway, Pkce


@dataclass
class Storage:
    """What a client keeps between runs."""

    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


@dataclass
class Person:
    """Signs in and says yes when a client opens the browser."""

    gate: OAuthGateway
    answer: dict[str, str] = field(default_factory=dict)

    async def open(self, url: str) -> None:
        async with self.gate.browser() as browser:
            await self.gate.sign_in(browser)
            started = await browser.get(url.removeprefix(BASE))
            answered = await self.gate.answer(browser, started.headers["location"])
        self.answer = {name: values[0] for name, values in parse_qs(urlsplit(answered.headers["location"]).query).items()}

    async def arrive(self) -> AuthorizationCodeResult:
        return AuthorizationCodeResult(code=self.answer["code"], state=self.answer["state"], iss=self.answer["iss"])


async def test_the_sdks_client_connects_from_a_challenge_and_refreshes(gate: OAuthGateway) -> None:
    """MCP authorization as mcp 2.3 does it: challenge, both metadata documents, registration, code, refresh."""
    person, storage = Person(gate), Storage()
    metadata = OAuthClientMetadata.model_validate({"client_name": "SDK", "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none"})
    provider = OAuthClientProvider(
        server_url=MCP, client_metadata=metadata, storage=storage, redirect_handler=person.open, callback_handler=person.arrive
    )
    transport = httpx2.ASGITransport(app=gate.app)
    async with httpx2.AsyncClient(transport=transport, auth=provider, base_url=BASE) as client:
        response = await client.post("/mcp")
        assert (response.status_code, response.json()["subject"]) == (200, "ada-default")
        assert storage.tokens is not None
        first = storage.tokens.access_token
        provider.context.token_expiry_time = 1.0
        assert (await client.post("/mcp")).status_code == 200
        assert storage.tokens.access_token != first


async def test_authlibs_client_uses_every_endpoint(gate: OAuthGateway) -> None:
    """authlib 1.9: code with PKCE, refresh, revocation, introspection, by client_secret_basic."""
    registration = await gate.register(token_endpoint_auth_method="client_secret_basic")
    pkce = Pkce()
    code = await gate.code(registration["client_id"], pkce)
    async with client_of(gate, registration["client_id"], registration["client_secret"]) as client:
        tokens = await client.fetch_token(f"{BASE}/token", code=code, code_verifier=pkce.verifier, redirect_uri=CALLBACK)
        assert await gate.call(tokens["access_token"]) == 200
        again = await client.refresh_token(f"{BASE}/token", refresh_token=tokens["refresh_token"])
        facts = await client.introspect_token(f"{BASE}/introspect", token=again["access_token"])
        assert facts.json()["active"] is True
        assert (await client.revoke_token(f"{BASE}/revoke", token=again["refresh_token"])).status_code == 200
        assert await gate.call(again["access_token"]) == 401
        with pytest.raises(OAuthError, match="invalid_grant"):
            await client.refresh_token(f"{BASE}/token", refresh_token=again["refresh_token"])


async def test_authlibs_client_signs_its_assertions(gate: OAuthGateway) -> None:
    """authlib 1.9: private_key_jwt."""
    key = RSAKey.generate_key(2048)
    keys = {"keys": [key.as_dict(private=False)]}
    registration = await gate.register(token_endpoint_auth_method="private_key_jwt", jwks=keys)
    pkce = Pkce()
    code = await gate.code(registration["client_id"], pkce)
    async with client_of(gate, registration["client_id"], key.as_pem(private=True), token_endpoint_auth_method="private_key_jwt") as client:
        client.register_client_auth_method(PrivateKeyJWT(f"{BASE}/token"))
        tokens = await client.fetch_token(f"{BASE}/token", code=code, code_verifier=pkce.verifier, redirect_uri=CALLBACK)
    assert await gate.call(tokens["access_token"]) == 200


def client_of(gate: OAuthGateway, client_id: str, secret: Any, **options: Any) -> Any:
    return AsyncOAuth2Client(client_id, secret, transport=httpx2.ASGITransport(app=gate.app), **options)
