"""A whole gateway in the process of the test, opened as `ascend serve` opens it, with people, tokens, imports and clients at hand."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from oauth.resources import ResourceKind, Resources
from oauth.sign_in.passwords import Passwords
from oauth.tenants import Tenant
from oauth.tokens.operator_issued import OperatorIssuedTokens
from server.app import Gateway, open_gateway
from server.config.load import load
from server.http.server import HttpServer
from tests.empty_store import put_data_directory
from tools.sources.importing import ImportRequest, import_openapi

EMAIL, PASSWORD = "ada@example.com", "correct-horse-battery"
SCOPES = frozenset({"mcp", "mcp:read", "mcp:write", "mcp:destructive"})
#: where no server listens, for a gateway whose application is called in the process
NOWHERE = "http://127.0.0.1:9"


@asynccontextmanager
async def opened(folder: Path, base_url: str = NOWHERE, **settings: Any) -> AsyncIterator[Gateway]:
    """Open a gateway on the data directory `folder`, which is made where it is missing; it has no port."""
    async with open_gateway(load(put_data_directory(folder), {}, base_url=base_url, **settings)) as gateway:
        yield gateway


@asynccontextmanager
async def opened_idle(folder: Path) -> AsyncIterator[Gateway]:
    """Do what `opened` does, and have nothing run in the background."""
    async with open_gateway(load(put_data_directory(folder), {}, base_url=NOWHERE), at_work=False) as gateway:
        yield gateway


@asynccontextmanager
async def served(folder: Path, **settings: Any) -> AsyncIterator[Gateway]:
    """Open a gateway and serve it on a free port of this machine, with the server that `ascend serve` uses."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with opened(folder, base_url, **settings) as gateway, anyio.create_task_group() as running:
            server = HttpServer(gateway.app)
            running.start_soon(server.serve, [listener])
            await server.until_ready()
            yield gateway
            server.should_exit = True


async def add_person(gateway: Gateway, email: str = EMAIL, tenant_id: str = "default") -> str:
    """Add somebody who signs in with PASSWORD, as `ascend user add` does; return the subject."""
    return (await Passwords(gateway.store.subjects).add_subject(tenant_id, email, PASSWORD)).subject_id


async def save_tenant(gateway: Gateway, tenant: Tenant) -> None:
    """Keep the tenant and have the gateway know it. Told to the snapshot alone, the change feed may take it back at any moment."""
    assert await gateway.store.tenants.save(tenant)
    await gateway.tenants.load(gateway.store.tenants.all)


async def token_for(
    gateway: Gateway, subject_id: str, tenant_id: str = "default", scopes: frozenset[str] = SCOPES, kind: ResourceKind = "mcp"
) -> str:
    """Return an access token with `scopes`, whatever the subject may grant."""

    async def allowed(*_who: str) -> frozenset[str]:
        return scopes

    resources = Resources(gateway.tenants, gateway.settings.mcp_url, gateway.settings.base_url)
    issued = OperatorIssuedTokens(gateway.store.grants, resources, allowed)
    return (await issued.mint(tenant_id, subject_id, scopes, 3600, kind)).access_token


async def bring_openapi(gateway: Gateway, location: str | Path, provider: str, tenant_id: str | None = None) -> None:
    """Import a document as the command does, and have the gateway take it up at once."""
    await import_openapi(gateway.store.operations, ImportRequest(str(location), provider, tenant_id))
    await gateway.operations.refresh([(tenant_id, provider)])


@asynccontextmanager
async def mcp_client(gateway: Gateway, token: str, tenant_id: str = "default", **options: Any) -> AsyncIterator[Client]:
    """Give the SDK's client of a served gateway, signed in; `options` are the client's own."""
    headers = {"authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=40) as http,
        Client(streamable_http_client(gateway.settings.mcp_url(tenant_id), http_client=http), **options) as client,
    ):
        yield client
