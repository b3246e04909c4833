"""Run a checked plan: every step as soon as what it waits for is settled, side by side, within one time limit."""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import anyio

from tools.errors import ToolError
from tools.expressions.budget import BudgetExceeded
from tools.expressions.over_steps import STEPS, ReferenceFault
from tools.expressions.reads import Read
from tools.heavy_json.time_budget import TimeBudget
from tools.json_text import canonical, encode
from tools.large_json import LargeJson
from tools.operation import Call, CallOptions, Failure, Json, Operation, Outcome
from tools.plans.check import CheckedPlan
from tools.plans.order import is_true, passed_over
from tools.plans.plan import MAX_BYTES, MAX_CALLS, Step
from tools.plans.preconditions import Confirm
from tools.plans.progress import SELECT_FIRST, Progressing, Stats, elements_of, failed_outcome, has_failed
from tools.plans.record import PlanRecord
from tools.plans.references import look_up
from tools.plans.step_result import StepResult
from tools.plans.type_check import Typing
from tools.plans.wire_text import with_texts, with_way_out

CALL_TIMEOUT_S = 30.0
#: for all expressions of one plan together
MAX_COMPUTE_S = 5.0
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class PlanRun:
    """One run of one plan. `results` holds every step that is settled, those of an earlier run from the start."""

    call: Call
    checked: CheckedPlan
    confirm: Confirm
    record: PlanRecord
    max_parallel: int
    #: loop time
    deadline: float
    results: dict[str, StepResult] = field(default_factory=dict)
    #: outcomes of elements that came through in an earlier run
    earlier: Mapping[str, StepResult] = field(default_factory=dict)
    stats: Stats = field(default_factory=Stats)
    _settled: dict[str, anyio.Event] = field(default_factory=dict)
    _under_way: dict[str, Progressing] = field(default_factory=dict)
    _outputs: dict[str, Json] = field(default_factory=dict)
    #: steps whose answers are no objects here
    _large: set[str] = field(default_factory=set)
    _stopped_by: str | None = None
    _plan_hash: bytes = b""
    _patience: TimeBudget = field(init=False)

    def __post_init__(self) -> None:
        self._patience = TimeBudget(MAX_COMPUTE_S, self.call.principal.person, self.deadline)

    async def run(self) -> None:
        """Settle every step. Whoever is cancelled here cancels the calls under way; what finished is in the record."""
        steps = self.checked.plan.steps
        self._plan_hash = hashlib.sha256(canonical({"steps": self.checked.plan.source.get("steps")})).digest()
        self._settled = {step.id: anyio.Event() for step in steps}
        for step_id in self.results:
            self._settled[step_id].set()
        limiter = anyio.Semaphore(self.max_parallel)
        with anyio.move_on_at(self.deadline):
            async with anyio.create_task_group() as group:
                for step in steps:
                    if step.id not in self.results:
                        group.start_soon(self._settle, step, limiter)
        for step in steps:
            if step.id not in self.results:
                self._close_late(step)

    def outputs(self) -> dict[str, Json]:
        """Return what references and JMESPath see: each settled step by its id, and all of them as `steps`."""
        for step_id, result in self.results.items():
            if step_id not in self._outputs:
                self._outputs[step_id] = result.output()
                if any(each is not None and isinstance(each.data, LargeJson) for each in result.outcomes):
                    self._large.add(step_id)
        return {**self._outputs, STEPS: self._outputs}

    @property
    def large_steps(self) -> frozenset[str]:
        """Steps whose answers are too heavy to be objects here."""
        self.outputs()
        return frozenset(self._large)

    async def _settle(self, step: Step, limiter: anyio.Semaphore) -> None:
        for other in sorted(step.waits_for):
            await self._settled[other].wait()
        result = await self._not_to_run(step) or await self._run_step(step, limiter)
        self._put(step, result)
        if result.state == "failed" and step.on_error == "stop" and result.connection is None:
            self._stopped_by = self._stopped_by or step.id
        self._settled[step.id].set()
        await self._report(step, result)

    def _put(self, step: Step, result: StepResult) -> None:
        self.results[step.id] = result
        if result.state in ("ok", "failed"):
            operation = self.checked.operation_by_step[step.id]
            self.record.finished(step.id, result, is_repeatable=operation.access == "read")

    async def _not_to_run(self, step: Step) -> StepResult | None:
        """Return why `step` is passed over, or None: it is to run."""
        if self._stopped_by is not None:
            return StepResult("waiting", reason=f"the plan stopped at '{self._stopped_by}'")
        if (passed := passed_over(step, self.checked.plan.step_by_id, self.results)) is not None:
            return passed
        if step.condition is not None:
            try:
                holds = await self._worked_out(step, step.condition.search, self._seen_by(step))
            except ReferenceFault as fault:
                return StepResult("failed", (failed_outcome("invalid_reference", f"if: {fault}"),))
            if not is_true(holds):
                return StepResult("skipped", reason=f"`if` is not true: {step.condition.text[:120]}")
        return None

    async def _run_step(self, step: Step, limiter: anyio.Semaphore) -> StepResult:
        outputs = self._seen_by(step)
        try:
            elements = step.elements
            if step.for_each is not None:
                found = partial(look_up, may_be_absent=step.for_each.text in self._listed(step))
                elements = elements_of(await self._worked_out(step, found, step.for_each, outputs), step.for_each.text)
        except ReferenceFault as fault:
            return StepResult("failed", (failed_outcome("invalid_reference", f"for_each: {fault}"),))
        if elements is None:
            elements = [None]
        if self.stats.calls + len(elements) > MAX_CALLS:
            message = f"{len(elements)} more calls would be above the limit of {MAX_CALLS} for one plan; map over a part of the list"
            return StepResult("failed", (failed_outcome("call_budget", message),))
        self.stats.calls += len(elements)
        earlier = self.earlier.get(step.id)
        attempts = tuple(0 if earlier is None else earlier.next_attempt(index) for index in range(len(elements)))
        under_way = Progressing(self._kept(step, elements), attempts, time.perf_counter(), step.is_mapped)
        self._under_way[step.id] = under_way
        async with anyio.create_task_group() as group:
            for index, element in enumerate(elements):
                if under_way.outcomes[index] is None:
                    group.start_soon(self._run_element, step, index, element, outputs, limiter)
        return self._closed(step)

    async def _worked_out(self, step: Step, do: Callable[..., Json], *given: Any) -> Json:
        """Return what `do` finds with a budget as its last argument. Raises ReferenceFault, also where it takes too long."""
        try:
            # An answer that is no object here is worked on where it becomes one.
            return await self._patience.work(do, *given, is_large=not self._large.isdisjoint(step.waits_for))
        except BudgetExceeded:
            message = f"the expressions of the plan take more than {MAX_COMPUTE_S:.0f} s to work out; let the steps select less"
            raise ReferenceFault(message) from None
        except ToolError as error:
            raise ReferenceFault(str(error)) from None

    def _listed(self, step: Step) -> frozenset[str]:
        """Return the expressions of `step` whose names are in no object only because they are optional."""
        return frozenset(text for step_id, text in self.checked.listed if step_id == step.id)

    def lists(self, read: Read) -> bool:
        """Say whether the schemas of the plan's operations list what an expression over its steps reads."""
        return Typing(self.checked.plan, self.checked.operation_by_step).lists(read)

    def _seen_by(self, step: Step) -> dict[str, Json]:
        """Return the outputs that the expressions of a step may read, and no others: they may be on their way to a worker."""
        outputs = self.outputs()
        seen = {name: outputs[name] for name in step.waits_for if name in outputs}
        return {**seen, STEPS: seen}

    def _kept(self, step: Step, elements: Sequence[Json]) -> list[Outcome | None]:
        """Return a place for each element, filled where an earlier run of the same list came through."""
        earlier = self.earlier.get(step.id)
        if earlier is None or not earlier.is_mapped or len(earlier.outcomes) != len(elements):
            return [None] * len(elements)
        return [each if each is not None and each.status == "ok" else None for each in earlier.outcomes]

    async def _run_element(self, step: Step, index: int, element: Json, outputs: Mapping[str, Json], limiter: anyio.Semaphore) -> None:
        operation = self.checked.operation_by_step[step.id]
        outcomes = self._under_way[step.id].outcomes
        try:
            arguments = await self._worked_out(step, partial(step.args.filled, listed=self._listed(step)), outputs, element)
        except ReferenceFault as fault:
            outcomes[index] = failed_outcome("invalid_reference", str(fault))
            return
        if isinstance(arguments, LargeJson):
            outcomes[index] = failed_outcome("invalid_reference", f"its references bring too many values; {SELECT_FIRST}")
            return
        if not isinstance(arguments, dict):
            outcomes[index] = failed_outcome("invalid_arguments", "args must be an object; the reference found something else")
            return
        arguments = with_texts(operation, step.args.placeholders, arguments)
        # A slot is held for one call only, never while waiting for another step: no order of steps can block.
        async with limiter:
            if self._stopped_by is not None or (step.is_mapped and step.on_error == "stop" and has_failed(outcomes)):
                return
            if self.stats.bytes_in > MAX_BYTES:
                message = f"the answers of the plan came to more than {MAX_BYTES >> 20} MB; let the steps before select less"
                outcomes[index] = failed_outcome("byte_budget", message)
                return
            self.stats.running += 1
            self.stats.parallel = max(self.stats.parallel, self.stats.running)
            try:
                outcome = outcomes[index] = await self._call_operation(step, operation, index, arguments)
                self.stats.bytes_in += len(encode(outcome.data))
            finally:
                self.stats.running -= 1

    async def _call_operation(self, step: Step, operation: Operation, index: int, arguments: Mapping[str, Json]) -> Outcome:
        key = self._key(step, operation, index, arguments)
        left_s = self.deadline - asyncio.get_running_loop().time()
        options = CallOptions(
            account=step.account,
            select=step.select,
            idempotency_key=key,
            confirm=self.confirm(operation.id, step.account, arguments, key) if step.id in self.checked.confirmed_steps else None,
            timeout_s=max(0.1, min(CALL_TIMEOUT_S, left_s)),
            step=step.id,
        )
        outcome = await self.call.again(operation.id, arguments, options)
        return with_way_out(operation, step.args.placeholders, arguments, outcome)

    def _key(self, step: Step, operation: Operation, index: int, arguments: Mapping[str, Json]) -> str | None:
        """Return the key of a write: the same for the same place in the same plan, so that sending the plan again writes nothing twice.

        Two equal steps of one plan have two keys: whoever writes them down twice means two writes. Resuming after an upstream's
        clear no is a new attempt with a new key; after a silence it is the same one, and finds what became of it.
        """
        if step.idempotency_key is not None:
            return f"{step.idempotency_key}:{index}" if step.is_mapped else step.idempotency_key
        is_agreed = step.id in self.checked.confirmed_steps
        if operation.access == "read" or operation.kind == "builtin" or (operation.idempotent and not is_agreed):
            return None
        # What repeating would not harm runs anew under a new yes, but once under each: its run's handle tells them apart.
        run = self.record.handle if operation.idempotent else ""
        hasher = hashlib.sha256(self._plan_hash + f"{run}\0{step.id}\0{index}\0{self._under_way[step.id].attempts[index]}\0".encode())
        hasher.update(canonical(arguments))
        return f"plan:{hasher.hexdigest()[:40]}"

    def _closed(self, step: Step) -> StepResult:
        under_way = self._under_way.pop(step.id)
        came_through = all(each is not None and each.status == "ok" for each in under_way.outcomes)
        return StepResult(
            state="ok" if came_through else "failed",
            outcomes=tuple(under_way.outcomes),
            is_mapped=under_way.is_mapped,
            ms=(time.perf_counter() - under_way.started) * 1000,
            drops_failed=step.on_error == "skip",
            attempts=under_way.attempts,
        )

    def _close_late(self, step: Step) -> None:
        """Settle a step that the time limit found unfinished."""
        if step.id not in self._under_way:
            self._put(step, StepResult("waiting", reason="the plan's time was over before it began"))
            return
        under_way = self._under_way[step.id]
        unsure = self.checked.operation_by_step[step.id].access != "read"
        late = Failure(
            code="timeout",
            message=f"'{step.api}' was still running when the plan's time was over",
            retryable=True,
            hint="resume runs it again; a write that got through is not sent twice" if unsure else "resume runs it again",
        )
        if not under_way.is_mapped:
            under_way.outcomes = [each or Outcome("error", error=late) for each in under_way.outcomes]
        elif not any(each is not None and each.status != "ok" for each in under_way.outcomes):
            first = under_way.outcomes.index(None)
            under_way.outcomes[first] = Outcome("error", error=late)
        self._put(step, self._closed(step))

    async def _report(self, step: Step, result: StepResult) -> None:
        total, done = len(self.checked.plan.steps), len(self.results)
        try:
            await self.call.progress(done, total, f"{step.id}: {result.state} ({done} of {total})")
        except Exception:
            # Whoever does not listen to progress still gets the answer.
            _log.warning("progress_not_sent trace_id=%s", self.call.trace_id, exc_info=True)
