"""A stored plan as the body of a workflow: each call is a durable step with the plan's own name, `step` or `step[i]`.

Steps are found on record by their names and not by their order, so independent ones run side by side, as in batch_execute. What a body
that begins anew decides, it decides by what the run was given and by results, which are the same: so it comes by the same way to where
it was. Only where a plan stops (a step failed that must not) may it differ which others had begun; the run fails either way.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import anyio

from tools.errors import ToolError
from tools.expressions.budget import BudgetExceeded
from tools.expressions.over_steps import STEPS, ReferenceFault
from tools.heavy_json.time_budget import TimeBudget
from tools.operation import CallOptions, Failure, Json, Operation, Outcome
from tools.plans.order import is_true, passed_over
from tools.plans.plan import MAX_CALLS, Step
from tools.plans.progress import elements_of, failed_outcome, has_failed
from tools.plans.references import look_up
from tools.plans.step_result import StepResult, failure_of
from tools.plans.wire_text import with_texts
from tools.workflows.consent import agreed_to
from tools.workflows.declared.definition import INPUT, Definition
from tools.workflows.declared.pauses import SLEEP, WAIT
from tools.workflows.engine.given_faults import given_faults
from tools.workflows.errors import PermanentFault, StepFailed
from tools.workflows.run import Run

#: of expressions of one run, in one process
MAX_COMPUTE_S = 5.0

#: (tenant, operation id) -> the operation as it is now
OperationOf = Callable[[str, str], Operation | None]


@dataclass(frozen=True, slots=True)
class PlanBody:
    """A body that any number of runs share."""

    definition: Definition
    operation_of: OperationOf
    #: steps that cannot be undone and were accepted with the definition, with the digest of what they did then
    agreed: Mapping[str, str] = field(default_factory=dict)
    #: (step, expression): what its schemas list and an answer may leave out
    listed: frozenset[tuple[str, str]] = frozenset()

    async def __call__(self, run: Run, given: Mapping[str, Json]) -> Json:
        schema = self.definition.input_schema
        # Of a start this was checked before; a webhook's event comes as it comes.
        if schema is not None and (faults := given_faults(schema, given)):
            message = "; ".join(fault.message.replace("arguments", INPUT, 1) for fault in faults[:3])
            raise PermanentFault(Failure("invalid_arguments", message, faults=tuple(fault.as_json() for fault in faults)))
        return await _Going(self, run, given).result()


@dataclass(slots=True)
class _Going:
    """One run on its way through the steps, in one process."""

    body: PlanBody
    run: Run
    given: Mapping[str, Json]
    results: dict[str, StepResult] = field(default_factory=dict)
    calls: int = 0
    stopped: StepFailed | None = None
    settled: dict[str, anyio.Event] = field(default_factory=dict)
    places: anyio.Semaphore = field(init=False)
    patience: TimeBudget = field(init=False)

    def __post_init__(self) -> None:
        self.places = anyio.Semaphore(self.body.definition.max_parallel)
        self.patience = TimeBudget(MAX_COMPUTE_S, (self.run.tenant_id, "workflow"))

    async def result(self) -> Json:
        steps = self.body.definition.plan.steps
        self.settled = {step.id: anyio.Event() for step in steps}
        async with anyio.create_task_group() as group:
            for step in steps:
                group.start_soon(self._settle, step)
        if self.stopped is not None:
            raise self.stopped
        returned = self.body.definition.plan.result
        if returned is None:
            return {step.id: self.results[step.id].output()["data"] for step in steps if self.results[step.id].outcomes}
        try:
            return await self._worked_out(returned.search, self._outputs(returned.roots))
        except ReferenceFault as fault:
            raise PermanentFault(Failure("invalid_reference", f"return: {fault}")) from fault

    async def _settle(self, step: Step) -> None:
        for other in sorted(step.waits_for & self.settled.keys()):
            await self.settled[other].wait()
        result = await self._not_to_run(step) or await self._run_step(step)
        self.results[step.id] = result
        if result.state == "failed" and step.on_error == "stop" and self.stopped is None:
            at = next(index for index, each in enumerate(result.outcomes) if each is not None and each.status != "ok")
            outcome = result.outcomes[at]
            assert outcome is not None
            self.stopped = StepFailed(_name(step, at), failure_of(outcome))
        self.settled[step.id].set()

    async def _not_to_run(self, step: Step) -> StepResult | None:
        if self.stopped is not None:
            return StepResult("waiting", reason=f"the plan stopped at '{self.stopped.step}'")
        if (passed := passed_over(step, self.body.definition.plan.step_by_id, self.results)) is not None:
            return passed
        if step.condition is None:
            return None
        try:
            holds = await self._worked_out(step.condition.search, self._outputs(step.waits_for))
        except ReferenceFault as fault:
            return StepResult("failed", (failed_outcome("invalid_reference", f"if: {fault}"),))
        return None if is_true(holds) else StepResult("skipped", reason=f"`if` is not true: {step.condition.text[:120]}")

    async def _run_step(self, step: Step) -> StepResult:
        outputs, elements = self._outputs(step.waits_for), step.elements
        listed = frozenset(text for step_id, text in self.body.listed if step_id == step.id)
        try:
            if step.for_each is not None:
                found = partial(look_up, may_be_absent=step.for_each.text in listed)
                elements = elements_of(await self._worked_out(found, step.for_each, outputs), step.for_each.text)
        except ReferenceFault as fault:
            return StepResult("failed", (failed_outcome("invalid_reference", f"for_each: {fault}"),))
        elements = [None] if elements is None else elements
        self.calls += len(elements)
        if self.calls > MAX_CALLS:
            message = f"{len(elements)} more calls would be above the limit of {MAX_CALLS} for one run; start one for each part"
            return StepResult("failed", (failed_outcome("call_budget", message),))
        outcomes: list[Outcome | None] = [None] * len(elements)

        async def one(index: int, element: Json) -> None:
            try:
                arguments = await self._worked_out(partial(step.args.filled, listed=listed), outputs, element)
            except ReferenceFault as fault:
                outcomes[index] = failed_outcome("invalid_reference", str(fault))
                return
            if not (step.is_mapped and step.on_error == "stop" and has_failed(outcomes)):
                outcomes[index] = await self._outcome(step, _name(step, index), arguments)

        async with anyio.create_task_group() as group:
            for index, element in enumerate(elements):
                group.start_soon(one, index, element)
        came_through = all(each is not None and each.status == "ok" for each in outcomes)
        return StepResult("ok" if came_through else "failed", tuple(outcomes), step.is_mapped, drops_failed=step.on_error == "skip")

    async def _outcome(self, step: Step, name: str, arguments: Json) -> Outcome:
        """Return what a durable step gave, of this process or another; its failure where it has none to give."""
        if not isinstance(arguments, dict):
            return failed_outcome("invalid_arguments", "args must be an object; the reference found something else")
        try:
            if step.api == SLEEP:
                await self.run.sleep(name, _seconds(arguments, "seconds"))
                return Outcome("ok")
            if step.api == WAIT:
                return Outcome("ok", data=await self.run.wait(name, str(arguments["signal"]), _seconds(arguments, "timeout_s")))
            operation = self.body.operation_of(self.run.tenant_id, step.api)
            if operation is not None:
                arguments = with_texts(operation, step.args.placeholders, arguments)
            confirm = agreed_to(self.body.agreed[step.id]) if step.id in self.body.agreed else None
            options = CallOptions(account=step.account, select=step.select, confirm=confirm)
            async with self.places:
                return Outcome("ok", data=await self.run.call(name, step.api, arguments, options=options))
        except StepFailed as failed:
            return Outcome("error", error=failed.failure)

    def _outputs(self, names: frozenset[str]) -> dict[str, Json]:
        """Return what expressions see: the input, and the steps that they name."""
        seen: dict[str, Json] = {name: result.output() for name, result in self.results.items() if name in names or "@" in names}
        return {**seen, STEPS: dict(seen), INPUT: self.given}

    async def _worked_out(self, do: Callable[..., Json], *given: Any) -> Json:
        """Return what `do` finds with a budget as its last argument. Raises ReferenceFault, also where it takes too long."""
        try:
            return await self.patience.work(do, *given)
        except BudgetExceeded:
            message = f"the expressions of the run take more than {MAX_COMPUTE_S:.0f} s to work out; let the steps select less"
            raise ReferenceFault(message) from None
        except ToolError as error:
            raise ReferenceFault(str(error)) from None


def _name(step: Step, index: int) -> str:
    """Return the name of a durable step: one for each element of a list."""
    return f"{step.id}[{index}]" if step.is_mapped else step.id


def _seconds(arguments: Mapping[str, Json], name: str) -> float:
    """Return seconds that a reference brought. Raises PermanentFault for what is no number of them."""
    found = arguments.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found < float("inf"):
        raise PermanentFault(Failure("invalid_arguments", f"{name}: {str(found)[:80]!r} is no number of seconds"))
    return float(found)
