"""The warm path touches no database and does not grow with the catalogue."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aiohttp import web
from sqlalchemy import event
from sqlalchemy.engine import Engine

from capability_index.index import CapabilityIndex
from oauth.tenants import Tenant, Tenants
from server.storage.database import Database
from server.storage.history.calls import SqlCallHistory
from server.storage.memory.tools import MemoryCallRecords
from server.storage.tools.kept_calls import SqlIdempotencyStore, SqlResultStore
from server.storage.tools.operations import SqlOperationStore
from server.storage.tools.usage_examples import SqlUsageStore
from tests.empty_store import put_empty_store
from tests.tools.assembly import ToolStores, assemble
from tests.tools.stand_ins import ADA, CLIENT, KnownConnections, operation
from tools.catalog.search_documents import SHARED_SEGMENT, documents_of
from tools.dispatch.dispatcher import Dispatcher
from tools.egress.client import Egress
from tools.operation import Json, Operation, Outcome
from tools.sources.http.caching.response_cache import CachingRunner
from tools.sources.http.runner import OpenApiRunner
from tools.stores import Source

QUERY = {"in": "query", "name": "query", "argument": "query", "style": "form", "explode": True}


@contextmanager
def transactions() -> Iterator[list[str]]:
    """Collect a word for every transaction that any engine begins."""
    begun: list[str] = []

    def began(connection: object) -> None:
        begun.append("begin")

    event.listen(Engine, "begin", began)
    try:
        yield begun
    finally:
        event.remove(Engine, "begin", began)


@dataclass
class House:
    dispatcher: Dispatcher
    requests: list[str]

    async def call(self, name: str, arguments: dict[str, Json]) -> Outcome:
        async with asyncio.timeout(10):
            return await self.dispatcher.call(ADA, name, arguments, client=CLIENT)


def served_at(base_url: str, operation_id: str, method: str = "GET") -> Operation:
    schema = {"type": "object", "properties": {"query": {"type": "string"}}}
    binding = {
        "method": method,
        "base_url": base_url,
        "path": "/contacts",
        "parameters": [QUERY],
        "body": None,
        "accept": "application/json",
        "security": [[{"kind": "bearer"}]],
        "optional_security": False,
        "credential_parameters": [],
        "provider": "crm",
    }
    return replace(operation(operation_id, "read" if method == "GET" else "write", schema=schema), binding=binding)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A gateway on a real SQLite store with a real upstream on loopback."""
    requests: list[str] = []

    async def contacts(request: web.Request) -> web.Response:
        requests.append(request.path_qs)
        return web.json_response({"results": [{"id": 1, "name": "Ada"}]})

    app = web.Application()
    app.router.add_route("*", "/contacts", contacts)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    url = put_empty_store(tmp_path / "store.sqlite3")
    database = Database(url)
    base_url = f"http://127.0.0.1:{port}"
    operations = SqlOperationStore(database)
    brought = [served_at(base_url, "crm.contacts.search"), served_at(base_url, "crm.contacts.create", "POST")]
    await operations.replace(Source("crm", None, "openapi", "file", "CRM", {}), brought)
    index = CapabilityIndex(None)
    async with Egress([f"127.0.0.1:{port}"]) as egress:
        results = SqlResultStore(database)
        accounts = KnownConnections()
        assembly = assemble(
            stores=ToolStores(operations, results, SqlIdempotencyStore(database), SqlCallHistory(database), SqlUsageStore(database)),
            tenants=Tenants([Tenant("acme", "Acme")]),
            index=index,
            credentials=accounts,
            runners={"openapi": CachingRunner(OpenApiRunner(egress, accounts, results), accounts)},
            recorder=MemoryCallRecords(),
            key=b"k" * 32,
        )
        await assembly.parts.catalog.load()
        index.upsert(SHARED_SEGMENT, documents_of(assembly.parts.catalog.operations_of(None)))
        yield House(assembly.dispatcher, requests)
    await runner.cleanup()
    await database.close()


async def test_a_warm_call_opens_no_transaction(house: House) -> None:
    """Architecture, rule 5: the request path touches no database on a warm call."""
    call = {"api": "crm.contacts.search", "args": {"query": "Ada"}, "select": "results[].name", "page": {"mode": "all"}}
    await house.call("call_api", call)
    with transactions() as begun:
        for _ in range(5):
            outcome = await house.call("call_api", call)
            assert outcome.data == ["Ada"]
        await house.call("crm.contacts.search", {"query": "Ada"})
        await house.call("discover_apis", {"query": "find a contact"})
        for wrong in ({"api": "nope"}, {"api": "crm.contacts.search", "args": {"query": 1}}):
            await house.call("call_api", wrong)
    assert begun == []
    assert len(house.requests) == 7


async def test_a_write_opens_its_claim_and_its_record_and_nothing_else(house: House) -> None:
    """Idempotency across processes needs two transactions; this test sees them, so it would see others."""
    with transactions() as begun:
        outcome = await house.call("call_api", {"api": "crm.contacts.create", "args": {"query": "Ada"}})
    assert outcome.status == "ok"
    assert len(begun) == 2
