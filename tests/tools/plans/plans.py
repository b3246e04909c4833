"""A gateway in memory that runs plans against scripted operations."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from capability_index.index import CapabilityIndex
from oauth.principal import Principal
from oauth.tenants import Tenant, Tenants
from server.storage.memory.tools import (
    MemoryCallRecords,
    MemoryIdempotencyStore,
    MemoryOperationStore,
    MemoryPlanStore,
    MemoryResultStore,
    MemoryUsageStore,
)
from tests.tools.assembly import Parts, ToolStores, assemble
from tests.tools.stand_ins import ADA, CLIENT, Answer, KnownConnections, ScriptedRunner
from tools.builtins.batch_execute import BatchExecute
from tools.dispatch.dispatcher import Dispatcher
from tools.dispatch.wire import to_wire
from tools.fair_semaphore import FairSemaphore
from tools.operation import Call, Failure, Json, Operation, Outcome, Progress, Runner, no_progress
from tools.plans.check import PlanCheck
from tools.sources.builtin import BuiltinFunction
from tools.stores import IdempotencyStore, PlanStore, ResultStore, Source

KEY = b"k" * 32
#: what a search of the small CRM finds
CONTACTS = {"results": [{"id": "con_1", "name": "Ada"}, {"id": "con_2", "name": "Grace"}], "total": 2}


@dataclass
class Batches:
    """A dispatcher with batch_execute, and what a test may look into."""

    dispatcher: Dispatcher
    runner: ScriptedRunner
    accounts: KnownConnections
    records: MemoryCallRecords
    plans: PlanStore

    async def run(self, *steps: Mapping[str, Json], principal: Principal = ADA, **arguments: Json) -> dict[str, Any]:
        """Run a plan and return what the client reads."""
        return to_wire(await self.outcome(*steps, principal=principal, **arguments))

    async def outcome(
        self, *steps: Mapping[str, Json], principal: Principal = ADA, progress: Progress = no_progress, **arguments: Json
    ) -> Outcome:
        given = {**({"steps": list(steps)} if steps else {}), **{name.rstrip("_"): value for name, value in arguments.items()}}
        async with asyncio.timeout(20):
            return await self.dispatcher.call(principal, "batch_execute", given, client=CLIENT, progress=progress)

    @property
    def sent(self) -> list[tuple[str, Mapping[str, Json]]]:
        """Operation and arguments of every call that reached the runner."""
        return [(call.operation.id, call.arguments) for call in self.runner.calls]


def batch_function(parts: Parts, plans: PlanStore, results: ResultStore, sandboxes: FairSemaphore | None = None) -> BuiltinFunction:
    """Return batch_execute as the composition root makes it."""
    check = PlanCheck(parts.catalog, parts.policy, parts.validators, parts.credentials, parts.suggestions)
    execute = BatchExecute(check, parts.confirmations, parts.credentials, plans, results, parts.idempotency)
    return (execute if sandboxes is None else replace(execute, sandboxes=sandboxes)).function()


async def batches(
    operations: Iterable[Operation],
    *,
    tenants: Tenants | None = None,
    plans: PlanStore | None = None,
    accounts: KnownConnections | None = None,
    runner: Runner | None = None,
    keys: IdempotencyStore | None = None,
    sandboxes: FairSemaphore | None = None,
) -> Batches:
    """Return a gateway whose tenants see `operations` and batch_execute; `runner` takes the place of the scripted one."""
    store, results, records, scripted = MemoryOperationStore(), MemoryResultStore(), MemoryCallRecords(), ScriptedRunner()
    by_provider: dict[tuple[str | None, str], list[Operation]] = {}
    for each in operations:
        by_provider.setdefault((each.tenant_id, each.provider), []).append(each)
    for (tenant_id, provider), brought in by_provider.items():
        await store.replace(Source(provider, tenant_id, "openapi", "file", provider, {}), brought)
    kept, accounts = plans or MemoryPlanStore(), accounts or KnownConnections()
    assembly = assemble(
        stores=ToolStores(store, results, keys or MemoryIdempotencyStore(), records, MemoryUsageStore()),
        tenants=tenants or Tenants([Tenant("acme", "Acme"), Tenant("other", "Other")]),
        index=CapabilityIndex(None),
        credentials=accounts,
        runners={"openapi": runner or scripted},
        recorder=records,
        key=KEY,
        built_in=lambda parts: [batch_function(parts, kept, results, sandboxes)],
    )
    await assembly.parts.catalog.load()
    return Batches(assembly.dispatcher, scripted, accounts, records, kept)


def failing(code: str = "upstream_error", status: int = 503) -> Answer:
    """Return an answer that fails as an upstream does."""
    failure = Failure(code, f"crm answered {status}", upstream={"status": status, "body": {"detail": "down for repair"}})
    return answering_with(Outcome("error", error=failure))


def answering_with(outcome: Outcome) -> Answer:
    async def answer(call: Call) -> Outcome:
        return outcome

    return answer
