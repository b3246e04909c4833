"""A gateway whose tenants may name embeddings models, which are on loopback; facts and documents over REST."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from oauth.connections.connecting.keys import add_key
from oauth.connections.connection import ConnectionSecret
from oauth.tenants import Tenant
from server.app import Gateway
from tests.gateway import NOWHERE, add_person, opened, token_for
from tests.server.context_vectors.embeddings_provider import EmbeddingsProvider, serving
from tests.waiting import until
from tools.ai_gateway.records.call_record import ModelCallRecord
from tools.context_plane.indexing import asked_vectors, vector_filling
from tools.context_plane.indexing.live_index import SEGMENT
from tools.context_plane.indexing.live_indexes import LiveIndexes
from tools.operation import Json

KEY = "sk-of-the-embeddings-0123456789"
#: facts that no question here means
FILLER = [{"subject": f"Company {n}", "predicate": "stage", "value": f"phase {n}"} for n in range(12)]


@dataclass
class World:
    """One gateway, two tenants: ada is of acme, eve of globex."""

    gateway: Gateway
    provider: EmbeddingsProvider
    http: httpx2.AsyncClient
    tokens: dict[str, str] = field(default_factory=dict)

    async def name(self, limits: Json = (), **models: Json) -> None:
        """Put in force which embeddings model each tenant names, and limits; a tenant that is not named has none."""
        there = {"dialect": "openai", "base_url": f"{self.provider.url}/v1", "shared_key": True}
        titan = {"dialect": "bedrock", "base_url": self.provider.url, "shared_key": True}
        defaults = {"first_byte_s": 60, "idle_s": 60, "connect_s": 60, "breaker": {"failures": 1_000, "window_s": 30, "open_s": 1}}
        tenants = {tenant: {"context_embeddings": model} if isinstance(model, str) else model for tenant, model in models.items()}
        document = {"defaults": defaults, "providers": {"one": there, "bedrock": titan}, "tenants": tenants, "limits": list(limits)}
        await self.gateway.store.ai_configs.put(document, "test")
        await self.gateway.ai_gateway.config.load()

    async def post(self, path: str, body: Json, tenant: str = "acme") -> Any:
        answer = await self.http.post(f"/v1/{path}", json=body, headers={"authorization": f"Bearer {self.tokens[tenant]}"})
        assert answer.status_code < 300, answer.text
        return answer.json()

    async def tell(self, *facts: tuple[str, str, str], tenant: str = "acme") -> None:
        """Remember facts, and a dozen others."""
        said = [{"subject": subject, "predicate": predicate, "value": value} for subject, predicate, value in facts]
        await self.post("context/facts", {"facts": [*said, *FILLER], "episode": {"source": "crm"}}, tenant)

    async def ask(self, query: str, tenant: str = "acme", **more: Json) -> Any:
        return await self.post("context/query", {"query": query, **more}, tenant)

    async def explain(self, query: str, tenant: str = "acme") -> Any:
        return (await self.post("context/explain", {"query": query}, tenant))["facts"][0]

    async def upload(self, name: str, content: str, tenant: str = "acme") -> str:
        """Upload a document and wait until it may be searched."""
        document_id: str = (await self.post("rag/documents", {"name": name, "content": content}, tenant))["document_id"]

        async def is_ready() -> bool:
            shown = await self.http.get(f"/v1/rag/documents/{document_id}", headers={"authorization": f"Bearer {self.tokens[tenant]}"})
            return bool(shown.json()["status"] == "ready")

        await until(is_ready)
        return document_id

    def spaces(self, tenant: str = "acme", indexes: LiveIndexes | None = None) -> dict[str, int]:
        """Return how many rows of an open index have vectors, by space."""
        held = (indexes or self.gateway.context.facts)._open.get(tenant)
        return {} if held is None else dict(held.index.spaces(SEGMENT))

    async def until_filled(self, space: str, tenant: str = "acme", indexes: LiveIndexes | None = None) -> None:
        """Wait until every row of an open index has a vector in `space`, and none in another."""
        held = (indexes or self.gateway.context.facts)._open[tenant]
        await until(lambda: dict(held.index.spaces(SEGMENT)) == {space: held.index.count(SEGMENT)})

    async def calls(self, tenant: str = "acme") -> list[ModelCallRecord]:
        await self.gateway.ai_gateway.ledger.flush()
        return list(await self.gateway.store.model_calls.recent(tenant, 50))


@asynccontextmanager
async def world_of(folder: Path, provider: EmbeddingsProvider) -> AsyncIterator[World]:
    """Open a gateway on `folder`, for the first time or again."""
    async with opened(folder, NOWHERE, egress_allow=("127.0.0.1:*",)) as gateway:
        if not {"acme", "globex"} <= {each.tenant_id for each in await gateway.store.tenants.all()}:
            for tenant_id in ("acme", "globex"):
                await gateway.store.tenants.add(Tenant(tenant_id, tenant_id))
            await gateway.tenants.load(gateway.store.tenants.all)
            store, vault = gateway.store.connections, gateway.connections.vault
            for provider_name in ("one", "bedrock"):
                secret = ConnectionSecret(KEY)
                added = await add_key(store, vault, tenant_id="default", subject="", provider=provider_name, secret=secret)
                await gateway.connections.known.renew("default", [added.account_id])
        transport = httpx2.ASGITransport(gateway.app)
        async with httpx2.AsyncClient(transport=transport, base_url=NOWHERE, timeout=60) as http:
            found = World(gateway, provider, http)
            for name, tenant in (("ada", "acme"), ("eve", "globex")):
                person = await gateway.store.subjects.find_local(tenant, f"{name}@example.com")
                subject_id = person[0].subject_id if person else await add_person(gateway, f"{name}@example.com", tenant)
                found.tokens[tenant] = await token_for(gateway, subject_id, tenant)
            yield found


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Questions wait for a busy machine; whoever failed is tried again at once."""
    monkeypatch.setattr(asked_vectors, "QUERY_TIMEOUT_S", 20.0)
    monkeypatch.setattr(asked_vectors, "REST_S", 0.0)
    monkeypatch.setattr(vector_filling, "RETRY_S", 0.05)


@pytest.fixture
async def provider() -> AsyncIterator[EmbeddingsProvider]:
    async with serving() as found:
        yield found


@pytest.fixture
async def world(tmp_path: Path, provider: EmbeddingsProvider) -> AsyncIterator[World]:
    async with world_of(tmp_path, provider) as found:
        yield found
