"""One run -> the answer: how each step went, what `return` takes, and how to go on."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from oauth.principal import Principal
from tools.always_on import MAX_CHARS
from tools.dispatch.large_answers import shortened
from tools.dispatch.wire import failure_to_wire, fits
from tools.errors import QuotaExceeded, ToolError
from tools.expressions.budget import Budget, BudgetExceeded
from tools.expressions.over_steps import Expression, ReferenceFault
from tools.expressions.reads import Miss, misses
from tools.heavy_json.time_budget import TimeBudget
from tools.heavy_json.weight import is_heavy
from tools.heavy_json.worker import Told
from tools.json_text import decode, encode
from tools.large_json import LargeJson
from tools.operation import Failure, Json, Outcome
from tools.plans.run import PlanRun
from tools.plans.step_result import StepResult, connection_to_wire, step_to_wire
from tools.quotas import not_kept
from tools.stores import RESULT_TTL_S, ResultStore

PlanStatus = Literal["completed", "partial", "failed", "needs_connection"]


def status_of(results: Mapping[str, StepResult]) -> PlanStatus:
    """Return how the whole went. A step that its own `if` skipped is as good as done."""
    if any(result.connection is not None for result in results.values()):
        return "needs_connection"
    if all(result.state in ("ok", "skipped") for result in results.values()):
        return "completed"
    return "partial" if any(result.is_ok or _has_some(result) for result in results.values()) else "failed"


def _has_some(result: StepResult) -> bool:
    return result.is_mapped and any(each is not None and each.status == "ok" for each in result.outcomes)


@dataclass(frozen=True, slots=True)
class BatchResponse:
    """Makes answers; what is too large for one is kept under a handle."""

    results: ResultStore

    async def answer(self, run: PlanRun, resume: str | None) -> Outcome:
        """Return the outcome of `run`. `resume`: the handle that runs what is left."""
        status = status_of(run.results)
        by_step = run.checked.plan.step_by_id
        wire: dict[str, Json] = {
            "status": status,
            "steps": {step_id: step_to_wire(run.results[step_id], by_step[step_id].account) for step_id in by_step},
        }
        returned, fault, missed = await _returned(run)
        shown, handle = await self._sized(run.call.principal, returned)
        wire["returned"] = shown
        if handle is not None:
            wire["handle"] = handle
        if fault is not None:
            wire["return_error"] = fault
        if missed:
            wire["notes"] = [f"return: {miss.told('the plan')}" for miss in missed]
        wire["stats"] = {
            "calls": run.stats.calls,
            "parallel": run.stats.parallel,
            "bytes_in": run.stats.bytes_in,
            "chars_out": len(encode(shown).decode()),
        }
        connections = {each.connection.provider: each.connection for each in run.results.values() if each.connection is not None}
        if connections:
            wire["connections"] = [connection_to_wire(each) for each in connections.values()]
        if resume is not None:
            wire["resume"] = resume
        wire["trace_id"] = run.call.trace_id
        if status == "needs_connection":
            return Outcome("needs_connection", data=wire, bare=True, connection=next(iter(connections.values())))
        if status != "failed":
            return Outcome("ok", data=wire, bare=True)
        first = next((each.failure for each in run.results.values() if each.failure is not None), None)
        return Outcome("error", data=wire, bare=True, error=first or Failure("plan_failed", "no step of the plan came through"))

    async def _sized(self, principal: Principal, returned: Json) -> tuple[Json, str | None]:
        body = encode(returned)
        if fits(body, MAX_CHARS):
            return returned, None
        try:
            handle = await self.results.put(principal, body, "application/json", RESULT_TTL_S)
        except QuotaExceeded as error:
            return failure_to_wire(not_kept(error, error.failure.hint or "")), None
        # Answers that are bearable one by one may be too heavy together.
        whole = LargeJson(body) if is_heavy(body) else returned
        return await shortened(whole, len(body), MAX_CHARS, handle, principal.person), handle


async def _returned(run: PlanRun) -> tuple[Json, str | None, Sequence[Miss]]:
    """Return what the client asked to see (without `return`: the data of every step that has some), why it could not be had, and what
    it looked for in vain.
    """
    expression = run.checked.plan.result
    if expression is None:
        outputs = run.outputs()
        data = {}
        for step_id, result in run.results.items():
            if result.outcomes:
                data[step_id] = LargeJson(encode(outputs[step_id]["data"]))
                await asyncio.sleep(0)  # each alone is bearable
        whole = encode(data)
        return LargeJson(whole) if is_heavy(whole) else decode(whole), None, ()
    try:
        large = run.large_steps
        is_large = not large.isdisjoint(expression.roots) or bool(large and "@" in expression.roots)
        patience = TimeBudget(holder=run.call.principal.person, deadline=run.call.deadline)
        told = await patience.work(_searched, expression, run.outputs(), is_large=is_large)
        missed = [Miss.of_json(each) for each in told.facts["misses"]]
        return told.value, None, [miss for miss in missed if not run.lists(miss.read)]
    except (ReferenceFault, ToolError) as fault:
        return None, str(fault), ()
    except BudgetExceeded:
        return None, f"'{expression.text[:120]}' takes too long to work out; let the steps select less, or return less", ()


def _searched(expression: Expression, outputs: Mapping[str, Json], budget: Budget) -> Told:
    found = expression.search(outputs, budget)
    missed = [] if expression.compiled is None else misses(expression.compiled.parsed, outputs, found, budget)
    return Told({"misses": [miss.as_json() for miss in missed]}, found)
