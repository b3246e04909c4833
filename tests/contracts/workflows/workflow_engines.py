"""Engines for the contracts of workflows: on a database, with bodies that tests write and a door that notes what comes."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

from server.storage.database import Database
from server.storage.workflows.runs.records import SqlRunRecords
from server.storage.workflows.runs.store import SqlRunStore
from server.storage.workflows.runs.writes import writes_within
from tests.waiting import until
from tools.context_plane.quotas import CONTEXT
from tools.operation import CallOptions, Failure, Json, Outcome
from tools.quotas import DOCUMENTS
from tools.workflows.engine.durable_workflows import DurableWorkflows
from tools.workflows.engine.engine import Engine
from tools.workflows.engine.making_way import SLICE_S
from tools.workflows.engine.records import Claim
from tools.workflows.registry import WorkflowRegistry
from tools.workflows.stores import ENDED, RunView
from tools.workflows.workflow import Body, Workflow

TENANT = "acme"


@dataclass
class Door:
    """Notes the calls that runs make."""

    calls: list[tuple[str, str]] = field(default_factory=list)
    traces: list[str] = field(default_factory=list)

    async def ask(self, claim: Claim, operation: str, arguments: Mapping[str, Json]) -> Outcome:
        return Outcome("ok", data=dict(arguments))

    async def call(self, claim: Claim, operation: str, arguments: Mapping[str, Json], options: CallOptions, key: str) -> Json:
        self.calls.append((operation, key))
        self.traces.append(claim.trace_id)
        return dict(arguments)


@dataclass
class Durable:
    """The port, and the engine that is behind it here."""

    workflows: DurableWorkflows
    engine: Engine
    door: Door
    registry: WorkflowRegistry

    def add(self, name: str, body: Body, **more: object) -> None:
        self.registry.add(Workflow(name, str(more.pop("version", "1")), body, **more))  # type: ignore[arg-type]

    async def ran(self, workflow: str, given: Mapping[str, Json] | None = None, **more: object) -> RunView:
        """Start a run and wait for its end."""
        return await self.ended(await self.workflows.start(TENANT, workflow, given or {}, **more))  # type: ignore[arg-type]

    async def ended(self, run_id: str) -> RunView:
        await until(lambda: self.is_in(run_id, *ENDED))
        view = await self.workflows.show(TENANT, run_id)
        assert view is not None
        return view

    async def is_in(self, run_id: str, *states: str) -> bool:
        view = await self.workflows.show(TENANT, run_id)
        return view is not None and view.state in states


def durable_on(
    database: Database, registry: WorkflowRegistry | None = None, silence_s: float = 3.0, places: int = 8, slice_s: float = SLICE_S
) -> Durable:
    """Put an engine together that does not run yet."""
    registry, door = registry or WorkflowRegistry(), Door()
    store = SqlRunStore(database, writes_within(CONTEXT, DOCUMENTS))
    engine = Engine(store, registry.find, door, silence_s=silence_s, places=places, slice_s=slice_s)
    return Durable(DurableWorkflows(SqlRunRecords(database), registry, engine.wake), engine, door, registry)


@asynccontextmanager
async def running(durable: Durable) -> AsyncIterator[Durable]:
    """Run the engine until the block ends, as a process that is stopped in good order."""
    async with anyio.create_task_group() as group:
        group.start_soon(durable.engine.run)
        yield durable
        group.cancel_scope.cancel()


UNTIL_NOW = Failure("upstream_error", "not yet", retryable=True)
