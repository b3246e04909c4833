"""Small real parts for tests of the dispatcher: a runner that answers what a test says, accounts that are simply there."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import orjson

from capability_index.encoders.encoder import WordTable
from capability_index.index import CapabilityIndex
from oauth.connections.credentials import Credential, Readiness
from oauth.principal import Principal
from oauth.tenants import Tenant, Tenants
from server.storage.memory.tools import MemoryCallRecords, MemoryIdempotencyStore, MemoryOperationStore, MemoryResultStore, MemoryUsageStore
from tests.tools.assembly import ToolStores, assemble
from tools.catalog.catalog import Catalog
from tools.catalog.lazy_json import LazyJson
from tools.catalog.search_documents import SHARED_SEGMENT, documents_of
from tools.catalog.search_feedback import SearchFeedback
from tools.dispatch.dispatcher import Dispatcher
from tools.dispatch.idempotency import Idempotency
from tools.operation import Access, Call, ClientInfo, Json, Operation, Outcome, Paging
from tools.sources.builtin import BuiltinFunction
from tools.stores import Source

CLIENT = ClientInfo(protocol_version="2026-07-28")
ADA = Principal("acme", "ada", "client-1", frozenset({"mcp", "mcp:read", "mcp:write", "mcp:destructive"}), "grant-1")
BOB = replace(ADA, subject="bob", grant_id="grant-2")


class KnownConnections:
    """Credentials for tests: whoever asks has the accounts that the test says."""

    def __init__(self) -> None:
        self.readiness_by_provider: dict[str, Readiness] = {}

    def readiness(self, principal: Principal, provider: str, scopes: frozenset[str]) -> Readiness:
        return self.readiness_by_provider.get(provider, Readiness(provider, "ready", ("work",), "work"))

    async def for_call(self, principal: Principal, provider: str, scopes: frozenset[str], account: str | None) -> Credential:
        return Credential("bearer", "secret", alias=account or "work")

    async def rejected(self, principal: Principal, provider: str, credential: Credential) -> Credential | None:
        return None


Answer = Callable[[Call], Awaitable[Outcome]]


@dataclass
class ScriptedRunner:
    """Runs an operation by calling what the test put under its id, and remembers every call."""

    answers: dict[str, Answer] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    keeps_time: bool = False

    async def run(self, call: Call) -> Outcome:
        self.calls.append(call)
        answer = self.answers.get(call.operation.id)
        return Outcome("ok", data=dict(call.arguments)) if answer is None else await answer(call)

    async def preview(self, call: Call) -> Json:
        return {"method": "GET", "url": "http://upstream.test/", "headers": {"authorization": "Bearer ***"}}


def operation(
    operation_id: str,
    access: Access = "read",
    *,
    schema: Mapping[str, Json] | None = None,
    tenant_id: str | None = None,
    summary: str = "",
    paging: Paging | None = None,
    connection: str | None = None,
    idempotent: bool | None = None,
    tags: tuple[str, ...] = (),
) -> Operation:
    """Return an operation as an import would bring it."""
    return Operation(
        id=operation_id,
        kind="openapi",
        provider=operation_id.split(".")[0],
        tenant_id=tenant_id,
        title=operation_id,
        summary=summary or operation_id.replace(".", " "),
        description="",
        access=access,
        idempotent=access == "read" if idempotent is None else idempotent,
        input_schema=LazyJson(orjson.dumps(schema or {"type": "object"})),
        output_schema=None,
        signature=f"{operation_id}() -> any",
        returns="any",
        tags=tags,
        binding={},
        content_hash=f"{operation_id}:{access}",
        paging=paging,
        connection=connection,
    )


def answering(data: Json, **facts: object) -> Answer:
    """Return a runner's answer that is always the same."""

    async def answer(call: Call) -> Outcome:
        return Outcome("ok", data=data, **facts)  # type: ignore[arg-type]  # a test names the fields it means

    return answer


class Crowd:
    """A runner's answer that comes once `size` calls are under way. `most`: how many were at one time."""

    def __init__(self, size: int) -> None:
        self._size, self._under_way, self.most = size, 0, 0
        self._is_full = asyncio.Event()

    async def __call__(self, call: Call) -> Outcome:
        self._under_way += 1
        self.most = max(self.most, self._under_way)
        if self._under_way == self._size:
            self._is_full.set()
        await self._is_full.wait()
        self._under_way -= 1
        return Outcome("ok", data=dict(call.arguments))


class HeldBack:
    """A runner's answer that begins, and waits for leave to end."""

    def __init__(self, data: Json) -> None:
        self._data = data
        self.begun, self.leave = asyncio.Event(), asyncio.Event()

    async def __call__(self, call: Call) -> Outcome:
        self.begun.set()
        await self.leave.wait()
        return Outcome("ok", data=self._data)


@dataclass
class DispatcherInMemory:
    """A dispatcher with everything around it, in memory."""

    dispatcher: Dispatcher
    catalog: Catalog
    runner: ScriptedRunner
    records: MemoryCallRecords
    results: MemoryResultStore
    index: CapabilityIndex
    accounts: KnownConnections
    keys: MemoryIdempotencyStore
    idempotency: Idempotency
    usage: SearchFeedback
    uses: MemoryUsageStore
    clock: list[float]

    async def call(self, name: str, arguments: Mapping[str, Json], principal: Principal = ADA) -> Outcome:
        async with asyncio.timeout(30):
            return await self.dispatcher.call(principal, name, arguments, client=CLIENT)


async def gateway(
    operations: Iterable[Operation],
    *,
    tenants: Tenants | None = None,
    keys: MemoryIdempotencyStore | None = None,
    uses: MemoryUsageStore | None = None,
    extra: Iterable[BuiltinFunction] = (),
    table: WordTable | None = None,
) -> DispatcherInMemory:
    """Return a gateway whose tenants see `operations` and the built-ins."""
    clock = [1_800_000_000.0]
    store, results, accounts = MemoryOperationStore(), MemoryResultStore(lambda: clock[0]), KnownConnections()
    keys = keys or MemoryIdempotencyStore(lambda: clock[0])
    uses = uses or MemoryUsageStore()
    await _stored(store, operations)
    index, runner, records = CapabilityIndex(table), ScriptedRunner(), MemoryCallRecords()
    assembly = assemble(
        stores=ToolStores(store, results, keys, records, uses),
        tenants=tenants or Tenants([Tenant("acme", "Acme"), Tenant("other", "Other")]),
        index=index,
        credentials=accounts,
        runners={"openapi": runner},
        recorder=records,
        key=b"k" * 32,
        built_in=lambda parts: extra,
        clock=lambda: clock[0],
    )
    catalog = assembly.parts.catalog
    await catalog.load()
    for owner in catalog.owners:
        index.upsert(owner or SHARED_SEGMENT, documents_of(catalog.operations_of(owner)))
    await assembly.usage.load()
    return DispatcherInMemory(
        assembly.dispatcher, catalog, runner, records, results, index, accounts, keys, assembly.idempotency, assembly.usage, uses, clock
    )


async def _stored(store: MemoryOperationStore, operations: Iterable[Operation]) -> None:
    by_source: dict[tuple[str | None, str], list[Operation]] = {}
    for each in operations:
        by_source.setdefault((each.tenant_id, each.provider), []).append(each)
    for (tenant_id, provider), brought in by_source.items():
        await store.replace(Source(provider, tenant_id, "openapi", "file", provider, {}), brought)
