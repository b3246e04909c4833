"""The MCP Python SDK's client with its OAuth provider, signed in as a person would."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from pydantic import AnyUrl

from tests.flows.person import Person

REDIRECT_URI = "http://127.0.0.1:39999/callback"


class MemoryTokenStorage:
    """Keeps what the SDK's OAuth provider learns, for one test."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


def oauth_provider(mcp_url: str, person: Person, storage: MemoryTokenStorage) -> OAuthClientProvider:
    """Return an OAuth provider whose browser is `person`."""
    arrived: dict[str, str] = {}

    async def open_browser(url: str) -> None:
        arrived.clear()
        arrived.update(await person.authorize(url, REDIRECT_URI))

    async def callback() -> AuthorizationCodeResult:
        return AuthorizationCodeResult(code=arrived["code"], state=arrived.get("state"), iss=arrived.get("iss"))

    metadata = OAuthClientMetadata(client_name="flow test", redirect_uris=[AnyUrl(REDIRECT_URI)], token_endpoint_auth_method="none")
    return OAuthClientProvider(
        server_url=mcp_url, client_metadata=metadata, storage=storage, redirect_handler=open_browser, callback_handler=callback
    )


@asynccontextmanager
async def connected(mcp_url: str, person: Person, mode: Any = "auto", storage: MemoryTokenStorage | None = None) -> AsyncIterator[Client]:
    """Give an SDK client that has gone through discovery, registration, sign-in and consent."""
    provider = oauth_provider(mcp_url, person, storage or MemoryTokenStorage())
    async with (
        httpx2.AsyncClient(auth=provider, timeout=30) as http,
        Client(streamable_http_client(mcp_url, http_client=http), mode=mode) as client,
    ):
        yield client
