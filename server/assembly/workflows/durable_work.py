"""Durable work put together: what there is to run, the engine that runs it, and the operations that people use."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from oauth.authorization.scope_narrowing import AllowedScopes, narrow
from oauth.connections.connection import EVERYBODY as SHARED_ACCOUNTS
from oauth.principal import Principal
from oauth.scopes import CONNECT
from oauth.tenants import Tenants
from server.assembly.operations import Operations
from server.storage.change_feed import Change
from server.storage.store import Store
from tools.operation import Operation
from tools.workflows.declared.known_definitions import KnownDefinitions
from tools.workflows.engine.calls import PrincipalOf, RunCalls
from tools.workflows.engine.durable_workflows import DurableWorkflows
from tools.workflows.engine.engine import Engine
from tools.workflows.registry import WorkflowRegistry
from tools.workflows.stores import EVERYBODY, ActsFor
from tools.workflows.webhooks.event import with_events

#: what is loaded when the first of them is asked for
INGESTION = ("gong-ingest", "salesforce-ingest", "ingest-item")
_READING = frozenset({CONNECT, "mcp:read"})


@dataclass(frozen=True, slots=True)
class DurableWork:
    """Everything about runs. While none is open, nothing looks for them: whoever starts one says so by the change feed."""

    workflows: DurableWorkflows
    registry: WorkflowRegistry
    engine: Engine

    def background(self) -> Sequence[Callable[[], Coroutine[Any, Any, None]]]:
        """Return what runs beside the calls, until cancelled; runs under way are then left to others."""
        return (self.engine.run,)

    async def changed(self, changes: Sequence[Change]) -> None:
        """Hear of what is done to runs, here and on other nodes."""
        await self.engine.heard((change.tenant_id, change.item) for change in changes if change.tenant_id)


def assemble_workflows(store: Store, operations: Callable[[], Operations], principal_of: PrincipalOf) -> DurableWork:
    """Put the parts together. `operations`: asked for when a run calls something; workflows are added to the registry."""

    def operation_of(tenant_id: str, operation_id: str) -> Operation | None:
        return operations().catalog.get(tenant_id, operation_id)

    registry = WorkflowRegistry()
    registry.add_late(INGESTION, lambda: import_module("server.assembly.workflows.ingestion").ingestion_workflows(store.subjects))
    definitions = KnownDefinitions(store.durable.definitions, operation_of)
    registry.ask(definitions.find, definitions.of)
    calls = RunCalls(lambda: operations().dispatcher, principal_of, lambda principal: operations().gate.tokens(principal), operation_of)
    engine = Engine(store.durable.runs, with_events(registry.find, store.durable.deliveries), calls)
    return DurableWork(DurableWorkflows(store.durable.run_records, registry, engine.wake), registry, engine)


def principals_of_runs(tenants: Tenants, allowed_scopes: AllowedScopes) -> PrincipalOf:
    """Return who a run is at each of its calls: the person, with what they may now and the run was started with."""

    async def principal_of(tenant_id: str, acts_for: ActsFor) -> Principal | None:
        tenant = tenants.get(tenant_id)
        if acts_for.subject == EVERYBODY:
            # With the accounts that everybody in the tenant may use, and to read alone.
            reads = narrow(acts_for.scopes, _READING)
            return None if tenant is None else Principal(tenant_id, SHARED_ACCOUNTS, "workflow", reads, "", "local")
        allowed = await allowed_scopes(tenant_id, acts_for.subject)
        if tenant is None or tenant.suspended or not allowed:
            return None
        return Principal(tenant_id, acts_for.subject, "workflow", narrow(acts_for.scopes, allowed), "", "local")

    return principal_of
