"""A whole gateway on a real port, a person with a token, and their MCP client: for tests with upstream MCP servers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import mcp_types as types

from oauth.connections.connecting.keys import add_key
from oauth.connections.connection import EVERYBODY, ConnectionSecret
from oauth.connections.credentials import Credential
from oauth.tenants import Tenant
from server.app import Gateway
from tests.flows.person import Person
from tests.gateway import EMAIL, PASSWORD, add_person, mcp_client, served, token_for
from tests.waiting import until
from tools.sources.importing import Imported, ImportRequest, import_mcp


@dataclass
class UpstreamWorld:
    """What a person and an operator of the gateway can do."""

    gateway: Gateway
    subject: str
    token: str

    async def bring(
        self, url: str, tenant: str | None = None, token: str | None = None, provider: str = "notes", **options: Any
    ) -> Imported:
        """Import as the command does; the change feed tells the running gateway."""
        store = self.gateway.store
        request = ImportRequest(url, provider, tenant)
        credential = Credential("bearer", token) if token else None
        imported = await import_mcp(store.operations, request, quarantine=store.quarantine, credential=credential, **options)
        for operation in imported.result.operations:
            await until(lambda wanted=operation: self._has(wanted.id, wanted.binding["pin"], tenant))  # type: ignore[misc]  # the default binds it to this round
        return imported

    async def call(self, tool: str, arguments: dict[str, Any], token: str | None = None, tenant: str = "default") -> dict[str, Any]:
        """Call one of the three tools with a real client over HTTP and return its structured answer."""
        async with mcp_client(self.gateway, token or self.token, tenant) as client:
            result = await client.call_tool(tool, arguments)
        assert isinstance(result, types.CallToolResult)
        assert isinstance(result.structured_content, dict), result
        return {**result.structured_content, "_text": "".join(getattr(block, "text", "") for block in result.content)}

    async def run(self, api: str, /, token: str | None = None, tenant: str = "default", **args: Any) -> dict[str, Any]:
        return await self.call("call_api", {"api": api, "args": args}, token, tenant)

    async def described(self, *ids: str) -> list[dict[str, Any]]:
        return list((await self.call("discover_apis", {"ids": list(ids)}))["results"])

    async def found(self, query: str) -> list[str]:
        return [entry["id"] for entry in (await self.call("discover_apis", {"query": query}))["results"]]

    async def until_found(self, query: str, operation_id: str) -> None:
        """Wait until the index, which hears of an import after the catalogue, finds an operation."""

        async def is_found() -> bool:
            return operation_id in await self.found(query)

        await until(is_found)

    async def held(self, tenant: str | None = None, provider: str = "notes") -> dict[str, str]:
        """Return what the store says is held: tool -> reason."""
        return {each.tool: each.reason for each in await self.gateway.store.quarantine.held_of(tenant, provider)}

    async def until_held(self, expected: dict[str, str], tenant: str | None = None) -> None:
        """Wait until exactly this is held, in the store and in the running gateway."""

        async def is_held() -> bool:
            here = {each.tool: each.reason for each in self.gateway.operations.quarantine.held_of(tenant, "notes")}
            return await self.held(tenant) == here == expected

        await until(is_held)

    async def walk(self, url: str, email: str = EMAIL, **typed: str) -> None:
        """Open a link as the person does: sign in, go on to the upstream's consent or type the key, come back."""
        async with httpx2.AsyncClient(timeout=20) as browser:
            last = await Person(email, PASSWORD, typed=typed).walk(browser, url)
        assert ("<h1>Key kept</h1>" if typed else "<h1>Connected</h1>") in last, last

    async def mint(self, subject: str, tenant: str = "default") -> str:
        """Return an access token with all scopes."""
        return await token_for(self.gateway, subject, tenant)

    async def add_tenant(self, name: str) -> str:
        """Add a tenant with one person and return that person's token."""
        await self.gateway.store.tenants.add(Tenant(name, name.title()))
        subject = await add_person(self.gateway, f"eve@{name}.example", name)
        await self.gateway.tenants.load(self.gateway.store.tenants.all)
        return await self.mint(subject, name)

    async def connect_key(self, tenant: str, key: str, provider: str = "notes") -> None:
        """Give everybody in `tenant` an account by a static bearer token."""
        connections = self.gateway.connections
        secret = ConnectionSecret(key)
        added = await add_key(
            self.gateway.store.connections,
            connections.vault,
            tenant_id=tenant,
            subject=EVERYBODY,
            provider=provider,
            secret=secret,
            kind="bearer",
        )
        await connections.known.renew(tenant, [added.account_id])

    async def _has(self, operation_id: str, pin: str, tenant: str | None) -> bool:
        found = self.gateway.operations.catalog.ids_of(tenant).get(operation_id)
        return found is not None and found.binding["pin"] == pin


@asynccontextmanager
async def upstream_world(tmp_path: Path, email: str = EMAIL, **settings: Any) -> AsyncIterator[UpstreamWorld]:
    """Open the world; it ends with the block."""
    async with served(tmp_path / "data", egress_allow=("127.0.0.1:*",), **settings) as gateway:
        subject = await add_person(gateway, email)
        yield UpstreamWorld(gateway, subject, await token_for(gateway, subject))
