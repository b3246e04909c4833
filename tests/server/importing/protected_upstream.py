"""An MCP server behind its own OAuth authorization server, both the SDK's: registers clients dynamically, consents at once."""

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import mcp_types
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    OAuthAuthorizationServerProvider,
    ProviderTokenVerifier,
    RefreshToken,
    construct_redirect_uri,
)
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions
from mcp.server.lowlevel import Server
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

from tests.ports import free_port
from tests.tools.sources.mcp.mcp_upstream import serve, tool

TTL_S = 3600


@dataclass
class Memory(OAuthAuthorizationServerProvider[AuthorizationCode, RefreshToken, AccessToken]):
    """What the authorization server remembers; each consent is another person's."""

    clients: dict[str, OAuthClientInformationFull] = field(default_factory=dict)
    codes: dict[str, AuthorizationCode] = field(default_factory=dict)
    tokens: dict[str, AccessToken] = field(default_factory=dict)
    people: int = 0

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        return self.clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        assert client_info.client_id
        self.clients[client_info.client_id] = client_info

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        assert client.client_id
        self.people += 1
        code = AuthorizationCode(
            code=secrets.token_urlsafe(32),
            scopes=params.scopes or [],
            expires_at=time.time() + 60,
            client_id=client.client_id,
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
            resource=params.resource,
            subject=f"person {self.people}",
        )
        self.codes[code.code] = code
        return construct_redirect_uri(str(params.redirect_uri), code=code.code, state=params.state)

    async def load_authorization_code(self, client: OAuthClientInformationFull, authorization_code: str) -> AuthorizationCode | None:
        return self.codes.get(authorization_code)

    async def exchange_authorization_code(self, client: OAuthClientInformationFull, authorization_code: AuthorizationCode) -> OAuthToken:
        del self.codes[authorization_code.code]
        token = self.give(authorization_code.resource, authorization_code.subject, authorization_code.client_id)
        return OAuthToken(access_token=token, expires_in=TTL_S, scope="notes", refresh_token=secrets.token_urlsafe(16))

    async def load_refresh_token(self, client: OAuthClientInformationFull, refresh_token: str) -> RefreshToken | None:
        return None

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: RefreshToken, scopes: list[str]
    ) -> OAuthToken:
        raise NotImplementedError

    async def load_access_token(self, token: str) -> AccessToken | None:
        return self.tokens.get(token)

    async def revoke_token(self, token: AccessToken | RefreshToken) -> None:
        self.tokens.pop(token.token, None)

    def give(self, resource: str | None, subject: str | None, client_id: str = "operator") -> str:
        """Return a token for `resource`."""
        token = secrets.token_urlsafe(32)
        expires_at = int(time.time()) + TTL_S
        self.tokens[token] = AccessToken(
            token=token, client_id=client_id, scopes=["notes"], expires_at=expires_at, resource=resource, subject=subject
        )
        return token


@dataclass
class ProtectedUpstream:
    url: str
    issuer: str
    memory: Memory


@asynccontextmanager
async def protected_upstream(registers: tuple[str, ...] = ("notes",)) -> AsyncIterator[ProtectedUpstream]:
    """Serve it while entered; its only tool says whose token came. A client that wants scopes beyond `registers` is refused."""

    async def on_list(ctx: Any, params: Any) -> mcp_types.ListToolsResult:
        return mcp_types.ListToolsResult(tools=[tool("whoami", "Says who calls.")])

    async def on_call(ctx: Any, params: mcp_types.CallToolRequestParams) -> mcp_types.CallToolResult:
        token = get_access_token()
        assert token is not None
        return mcp_types.CallToolResult(content=[mcp_types.TextContent(text=str(token.subject))])

    port, memory = free_port(), Memory()
    issuer, url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port}/mcp"
    settings = AuthSettings.model_validate(
        {
            "issuer_url": issuer,
            "resource_server_url": url,
            "required_scopes": ["notes"],
            "client_registration_options": ClientRegistrationOptions(enabled=True, valid_scopes=[*registers], default_scopes=[*registers]),
            "validate_token_resource": True,
        }
    )
    app = Server("notes", version="1", on_list_tools=on_list, on_call_tool=on_call).streamable_http_app(
        auth=settings, auth_server_provider=memory, token_verifier=ProviderTokenVerifier(memory)
    )
    server, task = await serve(app, port)
    try:
        yield ProtectedUpstream(url, issuer, memory)
    finally:
        server.should_exit = True
        await task
