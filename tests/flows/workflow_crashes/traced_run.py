"""A workflow with a step of every kind, which leaves a trace of each beginning and counts its effects in the store."""

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import anyio
import orjson
from sqlalchemy import select

from server.storage.database import Database
from server.storage.schema.workflows.workflow_tables import workflow_marks, workflow_runs, workflow_signals, workflow_steps, workflow_totals
from server.storage.workflows.runs.records import SqlRunRecords
from server.storage.workflows.runs.store import SqlRunStore
from server.storage.workflows.runs.writes import writes_within
from tools.context_plane.quotas import CONTEXT
from tools.errors import ToolError
from tools.operation import CallOptions, Failure, Json, Outcome
from tools.quotas import DOCUMENTS
from tools.workflows.engine.durable_workflows import DurableWorkflows
from tools.workflows.engine.engine import Engine
from tools.workflows.engine.records import Claim
from tools.workflows.errors import PermanentFault, StepFailed
from tools.workflows.registry import WorkflowRegistry
from tools.workflows.run import Retry, Run, Writes
from tools.workflows.workflow import Workflow

TENANT = "acme"
#: all that has bytes which count
_KEPT = (
    select(workflow_runs.c.given, workflow_runs.c.result),
    select(workflow_steps.c.result),
    select(workflow_signals.c.value),
)
#: what is written in our store, exactly once each
EFFECTS = frozenset({"effect", "left-1", "left-3", "right-2", "last"})
STEPS = EFFECTS | {"first", "flaky", "refused", "nap", "left-2", "right-1", "right-3", "called", "signal"}
#: each process that takes a run over uses up one of them
RETRY = Retry(attempts=100, first_s=0.0, longest_s=0.0)


@dataclass(frozen=True)
class Traces:
    """One line for each beginning of a step outside of the store, in a file that all processes append to."""

    path: Path

    def leave(self, run_id: str, step: str) -> None:
        line = orjson.dumps({"pid": os.getpid(), "run": run_id, "step": step}) + b"\n"
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(file, line)
        os.close(file)

    def read(self) -> list[dict[str, Json]]:
        return [orjson.loads(line) for line in self.path.read_bytes().splitlines()] if self.path.exists() else []


@dataclass(frozen=True)
class Door:
    """Stands where the dispatcher is: a call is a trace with its key."""

    traces: Traces

    async def ask(self, claim: Claim, operation: str, arguments: Mapping[str, Json]) -> Outcome:
        return Outcome("ok")

    async def call(self, claim: Claim, operation: str, arguments: Mapping[str, Json], options: CallOptions, key: str) -> Json:
        self.traces.leave(claim.run_id, "called")
        return key


def workflow_of(traces: Traces) -> Workflow:
    """Return the workflow; `given`: {pause_s} how long its first step takes."""

    async def body(run: Run, given: Mapping[str, Json]) -> Json:
        def traced(step: str, pause_s: float = 0.0) -> Callable[[], Awaitable[Json]]:
            async def work() -> Json:
                traces.leave(run.run_id, step)
                await anyio.sleep(pause_s)
                return step

            return work

        def counted(step: str) -> Callable[[Writes], Json]:
            def work(writes: Writes) -> Json:
                name = f"{run.run_id}/{step}"
                writes.marks.put(name, (writes.marks.get(name) or 0) + 1)
                return step

            return work

        tries: list[int] = []

        async def flaky() -> Json:
            traces.leave(run.run_id, "flaky")
            tries.append(1)
            if len(tries) == 1:
                raise ToolError(Failure("upstream_error", "once in each process", retryable=True))
            return len(tries)

        async def refused() -> Json:
            traces.leave(run.run_id, "refused")
            raise PermanentFault(Failure("refused", "always"))

        async def left() -> None:
            await run.transact("left-1", counted("left-1"))
            await run.step("left-2", traced("left-2"))
            await run.transact("left-3", counted("left-3"))

        async def right() -> None:
            await run.step("right-1", traced("right-1", 0.002))
            await run.transact("right-2", counted("right-2"))
            await run.step("right-3", traced("right-3"))

        await run.step("first", traced("first", given.get("pause_s", 0.0)))
        await run.transact("effect", counted("effect"))
        await run.step("flaky", flaky, retry=RETRY)
        try:
            await run.step("refused", refused)
        except StepFailed:
            traces.leave(run.run_id, "went on")
        await run.sleep("nap", 0.01)
        # Steps side by side come on record in whatever order: they are known by their names.
        async with anyio.create_task_group() as group:
            group.start_soon(left)
            group.start_soon(right)
        key = await run.call("called", "crm.create", {})
        signal = await run.wait("signal", "go", 0.0 if given.get("unsignalled") else 60.0)
        await run.transact("last", counted("last"))
        return [key, signal]

    return Workflow("traced", "1", body)


@dataclass(frozen=True)
class Opened:
    workflows: DurableWorkflows
    engine: Engine


def open_on(database: Database, traces: Traces, silence_s: float = 3.0) -> Opened:
    """Put the port and an engine together that knows this workflow."""
    registry = WorkflowRegistry()
    registry.add(workflow_of(traces))
    store = SqlRunStore(database, writes_within(CONTEXT, DOCUMENTS))
    engine = Engine(store, registry.find, Door(traces), silence_s=silence_s)
    return Opened(DurableWorkflows(SqlRunRecords(database), registry, engine.wake), engine)


async def start(opened: Opened, key: str, **given: Json) -> str:
    """Start a run, and send the signal that it waits for."""
    run_id = await opened.workflows.start(TENANT, "traced", given, key=key)
    await opened.workflows.signal(TENANT, run_id, "go", key, key="1")
    return run_id


async def on_record(database: Database) -> dict[str, set[str]]:
    """Return which steps of which runs are done and on record."""
    done: dict[str, set[str]] = {}
    async with database.read() as connection:
        for row in await connection.execute(select(workflow_steps).where(workflow_steps.c.state.in_(("succeeded", "failed")))):
            done.setdefault(row.run_id, set()).add(row.name)
    return done


async def assert_whole(database: Database, run_ids: set[str]) -> None:
    """Assert that these runs, and no others, are there and succeeded, every step of theirs is on record, and every effect is there once.

    What is counted of them is what there is, too.
    """
    async with database.read() as connection:
        texts = [text for query in _KEPT for row in await connection.execute(query) for text in row if text is not None]
        counted = [row.kept_bytes for row in await connection.execute(select(workflow_totals))]
        runs = {row.run_id: row.failure or row.state for row in await connection.execute(select(workflow_runs))}
        marks = {row.name: orjson.loads(row.value) for row in await connection.execute(select(workflow_marks))}
    unlike = {run_id: state for run_id, state in runs.items() if state != "succeeded"}
    assert not unlike, unlike
    assert set(runs) == run_ids
    assert marks == {f"{run_id}/{step}": 1 for run_id in run_ids for step in EFFECTS}
    assert sum(counted) == sum(len(text.encode()) for text in texts)
    assert await on_record(database) == {run_id: set(STEPS) for run_id in run_ids}
