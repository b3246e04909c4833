"""A gateway in memory that runs plans against scripted operations."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from oauth.principal import Principal
from oauth.tenants import Tenant, Tenants
from server.storage.memory_tools import (
    MemoryCallRecords,
    MemoryIdempotencyStore,
    MemoryOperationStore,
    MemoryPlanStore,
    MemoryResultStore,
)
from tests.tools.stand_ins import ADA, CLIENT, Accounts, ScriptedRunner
from tools.arguments import Validators
from tools.builtins.batch_check import PlanCheck
from tools.builtins.batch_execute import BatchExecute
from tools.catalog import Catalog
from tools.confirmations import Confirmations
from tools.cursor_seal import CursorSeal
from tools.dispatch import Dispatcher
from tools.idempotency import Idempotency
from tools.operation import Json, Operation, Outcome, Progress, no_progress
from tools.pager import Pager
from tools.policy import Policy
from tools.providers.builtin import BuiltinRunner, builtin_operations, by_slug
from tools.results import to_wire
from tools.shaping import Shaping
from tools.stores import PlanStore, Source
from tools.suggestions import Suggestions

KEY = b"k" * 32


@dataclass
class Batches:
    """A dispatcher with batch_execute, and what a test may look into."""

    dispatcher: Dispatcher
    runner: ScriptedRunner
    accounts: Accounts
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


async def batches(
    operations: Iterable[Operation], *, tenants: Tenants | None = None, plans: PlanStore | None = None, accounts: Accounts | None = None
) -> Batches:
    """Return a gateway whose tenants see `operations` and batch_execute."""
    store, results, accounts, runner, records = (
        MemoryOperationStore(),
        MemoryResultStore(),
        accounts or Accounts(),
        ScriptedRunner(),
        MemoryCallRecords(),
    )
    by_provider: dict[tuple[str | None, str], list[Operation]] = {}
    for each in operations:
        by_provider.setdefault((each.tenant_id, each.provider), []).append(each)
    for (tenant_id, provider), brought in by_provider.items():
        await store.replace(Source(provider, tenant_id, "openapi", "file", provider, {}), brought)
    policy = Policy(tenants or Tenants([Tenant("acme", "Acme"), Tenant("other", "Other")]))
    catalog, validators, confirmations = Catalog(store), Validators(), Confirmations(KEY)
    suggestions = Suggestions(catalog)
    kept = plans or MemoryPlanStore()
    check = PlanCheck(catalog, policy, validators, accounts, suggestions)
    functions = [BatchExecute(check, confirmations, accounts, kept, results).function()]
    catalog.install(builtin_operations(functions))
    await catalog.load()
    dispatcher = Dispatcher(
        catalog=catalog,
        policy=policy,
        confirmations=confirmations,
        validators=validators,
        runners={"openapi": runner, "builtin": BuiltinRunner(by_slug(functions))},
        shaping=Shaping(results),
        recorder=records,
        suggestions=suggestions,
        idempotency=Idempotency(MemoryIdempotencyStore()),
        pager=Pager(CursorSeal(KEY)),
    )
    return Batches(dispatcher, runner, accounts, records, kept)
