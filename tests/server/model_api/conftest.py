"""One gateway with a provider behind it, for all tests of this folder: each has models and keys of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from oauth.connections.connecting.keys import add_key
from oauth.connections.connection import ConnectionSecret
from oauth.tenants import Tenant
from server.app import Gateway
from tests.gateway import opened
from tests.server.model_api.provider import KEY, Provider, serving
from tools.ai_gateway.caller_keys import CallerKeyIssuer
from tools.ai_gateway.records.call_record import ModelCallRecord
from tools.operation import Json

BASE = "http://127.0.0.1:9"
#: for a test that waits for a provider's silence to end; whoever answers does so within it, however busy the machine
HURRIED: Json = {"first_byte_s": 2, "idle_s": 2}


@dataclass
class Models:
    """A gateway, called in the process over its whole application; its providers are on loopback."""

    gateway: Gateway
    provider: Provider
    http: httpx2.AsyncClient
    key: str

    async def chat(self, model: str, *, headers: dict[str, str] | None = None, key: str | None = None, **more: Any) -> httpx2.Response:
        body = {"model": model, "messages": [{"role": "user", "content": "hello"}], **more}
        return await self.post("/v1/chat/completions", body, headers=headers, key=key)

    async def post(self, path: str, body: Any, *, headers: dict[str, str] | None = None, key: str | None = None) -> httpx2.Response:
        sent = {"authorization": f"Bearer {self.key if key is None else key}"} | (headers or {})
        data = body if isinstance(body, bytes) else None
        return await self.http.post(path, json=None if data is not None else body, content=data, headers=sent)

    async def configure(self, **sections: Json) -> None:
        """Put a configuration in force: the two providers, and what `sections` say."""
        there = {"dialect": "openai", "base_url": f"{self.provider.url}/v1", "shared_key": True}
        # No test waits for these: a busy machine is no provider that is silent.
        defaults = {"first_byte_s": 60, "idle_s": 60, "connect_s": 60, "breaker": {"failures": 3, "window_s": 30, "open_s": 30}}
        document = {"defaults": defaults, "providers": {"one": there, "two": dict(there)}}
        await self.gateway.store.ai_configs.put(document | sections, "test")
        await self.gateway.ai_gateway.config.load()

    async def mint(self, tenant_id: str, name: str = "test", **more: Any) -> str:
        key, record = await CallerKeyIssuer(self.gateway.store.caller_keys, self.gateway.store.security_events).mint(
            tenant_id, name, **more
        )
        await self.gateway.ai_gateway.keys.changed({(tenant_id, record.key_id)})
        return key

    async def rows(self, tenant_id: str = "acme") -> list[ModelCallRecord]:
        """Return what is on record, the newest first."""
        await self.gateway.ai_gateway.ledger.flush()
        return list(await self.gateway.store.model_calls.recent(tenant_id, 50))


@asynccontextmanager
async def prepared(gateway: Gateway, provider: Provider) -> AsyncIterator[Models]:
    """Give two tenants, a key for each provider, a caller's key, and a configuration."""
    for tenant_id in ("acme", "globex"):
        await gateway.store.tenants.add(Tenant(tenant_id, tenant_id))
    await gateway.tenants.load(gateway.store.tenants.all)
    for name in ("one", "two"):
        store, vault, secret = gateway.store.connections, gateway.connections.vault, ConnectionSecret(KEY)
        added = await add_key(store, vault, tenant_id="default", subject="", provider=name, secret=secret)
        await gateway.connections.known.renew("default", [added.account_id])
    transport = httpx2.ASGITransport(gateway.app)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE, timeout=20) as http:
        found = Models(gateway, provider, http, "")
        found.key = await found.mint("acme")
        await found.configure()
        yield found


@pytest.fixture
async def models(tmp_path: Path) -> AsyncIterator[Models]:
    async with (
        serving() as provider,
        opened(tmp_path, BASE, egress_allow=("127.0.0.1:*",)) as gateway,
        prepared(gateway, provider) as found,
    ):
        yield found
