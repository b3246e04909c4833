"""What the door costs: µs per call with a runner that answers at once, and whether it grows with the catalogue.

    python -m benchmarks.dispatch_overhead

Defends: dispatch independent of catalogue size (20,000 operations within 5 % of 100), and a door that stays far below the 1 ms
that a call may add. Sizes are measured in turns and compared by their best rounds, so that a busy machine moves both.
"""

import gc
import sys
import time
from collections.abc import Awaitable, Callable

import uvloop

from capability_index.index import CapabilityIndex
from oauth.connections.credentials import Credential, Readiness
from oauth.principal import Principal
from oauth.tenants import Tenant, Tenants
from server.storage.memory.tools import MemoryCallRecords, MemoryIdempotencyStore, MemoryOperationStore, MemoryResultStore, MemoryUsageStore
from tests.tools.assembly import ToolStores, assemble
from tools.dispatch.dispatcher import Dispatcher
from tools.operation import Call, ClientInfo, Json, Operation, Outcome, Paging, ResponseMeta
from tools.stores import Source

SIZES = (100, 20_000)
#: what a call may cost in the larger one, in terms of the smaller
MOST = 1.05
ROUNDS = 60
CALLS = 500
ADA = Principal("acme", "ada", "client", frozenset({"mcp", "mcp:read"}), "grant")
CLIENT = ClientInfo("2026-07-28")
SCHEMA = {
    "type": "object",
    "properties": {"query": {"type": "string", "maxLength": 200}, "limit": {"type": "integer", "minimum": 1, "maximum": 100}},
    "required": ["query"],
    "additionalProperties": False,
}
ANSWER = {"results": [{"id": 1, "name": "Ada Lovelace", "email": "ada@example.com"}], "paging": {}}


class Instant:
    """A runner that answers at once."""

    keeps_time = True

    async def run(self, call: Call) -> Outcome:
        return Outcome("ok", data=ANSWER, http=ResponseMeta(200))

    def preview(self, call: Call) -> Json:
        return {}


class KnownConnections:
    def readiness(self, principal: Principal, provider: str, scopes: frozenset[str]) -> Readiness:
        return Readiness(provider, "ready")

    async def for_call(self, principal: Principal, provider: str, scopes: frozenset[str], account: str | None) -> Credential:
        return Credential("bearer", "secret")

    async def rejected(self, principal: Principal, provider: str, credential: Credential) -> Credential | None:
        return None


def operation(number: int, paging: Paging | None) -> Operation:
    return Operation(
        id=f"crm.contacts{number}.search",
        kind="openapi",
        provider="crm",
        tenant_id=None,
        title="",
        summary="",
        description="",
        access="read",
        idempotent=True,
        input_schema=SCHEMA,
        output_schema=None,
        signature="",
        returns="",
        tags=(),
        binding={},
        content_hash=str(number),
        paging=paging,
    )


async def dispatcher(size: int) -> Dispatcher:
    store, records = MemoryOperationStore(), MemoryCallRecords(1_000)
    paging = Paging("cursor", "after", "results", "paging.next")
    await store.replace(
        Source("crm", None, "openapi", "", "", {}), [operation(number, paging if number % 2 else None) for number in range(size)]
    )
    assembly = assemble(
        stores=ToolStores(store, MemoryResultStore(), MemoryIdempotencyStore(), records, MemoryUsageStore()),
        tenants=Tenants([Tenant("acme", "Acme")]),
        index=CapabilityIndex(None),
        credentials=KnownConnections(),
        runners={"openapi": Instant()},
        recorder=records,
        key=b"k" * 32,
    )
    await assembly.parts.catalog.load()
    return assembly.dispatcher


async def per_call_us(run: Callable[[], Awaitable[object]]) -> float:
    started = time.perf_counter()
    for _ in range(CALLS):
        await run()
    return (time.perf_counter() - started) / CALLS * 1e6


def calls_of(house: Dispatcher, size: int) -> dict[str, Callable[[], Awaitable[Outcome]]]:
    plain, paged = f"crm.contacts{size // 2 & ~1}.search", f"crm.contacts{size // 2 | 1}.search"
    args = {"query": "Ada"}
    return {
        "call_api": lambda: house.call(ADA, "call_api", {"api": plain, "args": args}, client=CLIENT, trace_id="t"),
        "call_api, selected": lambda: house.call(
            ADA, "call_api", {"api": plain, "args": args, "select": "results[].id"}, client=CLIENT, trace_id="t"
        ),
        "call_api, paged": lambda: house.call(ADA, "call_api", {"api": paged, "args": args}, client=CLIENT, trace_id="t"),
        "by its own name": lambda: house.call(ADA, plain, args, client=CLIENT, trace_id="t"),
    }


async def main() -> int:
    """Return 1 where a call costs more than 5 % more in the larger catalogue."""
    runs_by_size = {size: calls_of(await dispatcher(size), size) for size in SIZES}
    best: dict[tuple[str, int], float] = {}
    for runs in runs_by_size.values():
        for run in runs.values():
            assert (await run()).status == "ok"
    gc.collect()
    gc.freeze()
    for turn in range(ROUNDS):
        for name in next(iter(runs_by_size.values())):
            for size in SIZES if turn % 2 else reversed(SIZES):
                spent = await per_call_us(runs_by_size[size][name])
                best[name, size] = min(spent, best.get((name, size), spent))
    print(f"{'µs per call':<22}" + "".join(f"{size:>10,} ops" for size in SIZES) + f"{'change':>10}")
    for name in next(iter(runs_by_size.values())):
        small, large = (best[name, size] for size in SIZES)
        print(f"{name:<22}{small:>14.1f}{large:>14.1f}{(large / small - 1) * 100:>+9.1f}%")
    return 0 if all(best[name, SIZES[1]] <= MOST * best[name, SIZES[0]] for name, _ in best) else 1


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
