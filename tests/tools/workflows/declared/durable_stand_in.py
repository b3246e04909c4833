"""A durable run on record in memory, whose process dies where a test says."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import anyio
import anyio.lowlevel

from tools.operation import CallOptions, Failure, Json, Operation
from tools.workflows.declared.definition import Definition, definition_of
from tools.workflows.declared.plan_body import PlanBody
from tools.workflows.errors import StepFailed
from tools.workflows.run import Retry, Run

#: what an operation answers to its arguments
Answer = Callable[[Mapping[str, Json]], Json]


class Died(Exception):
    """The process is gone."""


class Refused(Exception):
    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.failure = Failure("upstream_error", message)


@dataclass
class Records:
    """What survives. `dies_at`: how many steps this process may do."""

    answers: Mapping[str, Answer] = field(default_factory=dict)
    done: dict[str, Json] = field(default_factory=dict)
    failed: dict[str, Failure] = field(default_factory=dict)
    #: (step, operation, arguments, options) of everything that really happened
    calls: list[tuple[str, str, Mapping[str, Json], CallOptions]] = field(default_factory=list)
    slept: list[tuple[str, float]] = field(default_factory=list)
    signals: dict[str, Json] = field(default_factory=dict)
    dies_at: int | None = None

    def begun(self) -> "RecordedRun":
        return RecordedRun(self)


@dataclass
class RecordedRun:
    records: Records
    tenant_id: str = "acme"
    run_id: str = "acme:w:1"
    seen: set[str] = field(default_factory=set)

    async def call(
        self, name: str, operation: str, arguments: Mapping[str, Json], *, retry: Retry | None = None, options: CallOptions = CallOptions()
    ) -> Json:
        async def do() -> Json:
            self.records.calls.append((name, operation, arguments, options))
            answer = self.records.answers.get(operation)
            return dict(arguments) if answer is None else answer(arguments)

        return await self._once(name, do)

    async def sleep(self, name: str, seconds: float) -> None:
        async def do() -> Json:
            self.records.slept.append((name, seconds))

        await self._once(name, do)

    async def wait(self, name: str, signal: str, timeout_s: float) -> Json:
        async def do() -> Json:
            return self.records.signals.get(signal)

        return await self._once(name, do)

    async def _once(self, name: str, do: Callable[[], Awaitable[Json]]) -> Json:
        assert name not in self.seen, f"two steps are called {name}"
        self.seen.add(name)
        await anyio.lowlevel.checkpoint()
        if name in self.records.failed:
            raise StepFailed(name, self.records.failed[name])
        if name in self.records.done:
            return self.records.done[name]
        if self.records.dies_at == 0:
            raise Died
        if self.records.dies_at is not None:
            self.records.dies_at -= 1
        try:
            self.records.done[name] = await do()
        except Refused as refused:
            self.records.failed[name] = refused.failure
            raise StepFailed(name, refused.failure) from refused
        return self.records.done[name]


def defined(*steps: Mapping[str, Json], **more: Json) -> Definition:
    source: dict[str, Any] = {"workflow": "w", "steps": list(steps), **{name.rstrip("_"): value for name, value in more.items()}}
    definition = definition_of(source)
    assert not definition.form_faults, definition.form_faults
    return definition


async def ran(
    definition: Definition,
    records: Records,
    given: Mapping[str, Json] | None = None,
    operations: Mapping[str, Operation] | None = None,
    **more: Any,
) -> Json:
    """Run a definition in a process of its own, over what is on record."""
    body = PlanBody(definition, lambda _tenant, api: (operations or {}).get(api), **more)
    return await body(cast("Run", records.begun()), given or {})
