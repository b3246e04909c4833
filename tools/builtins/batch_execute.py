"""batch_execute: check a whole plan, ask once, run it side by side, answer with what was asked for."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import anyio

from oauth.connections.credentials import Credentials
from oauth.principal import Principal
from tools.always_on import BATCH_EXECUTE
from tools.dispatch.confirmations import Confirmations
from tools.dispatch.idempotency import Idempotency, in_flight
from tools.fair_semaphore import FairSemaphore
from tools.long_work import Resumable
from tools.operation import Call, Failure, Json, Outcome
from tools.plans.answer import BatchResponse, status_of
from tools.plans.check import CheckedPlan, PlanCheck
from tools.plans.code import CodeBody, new_sandboxes
from tools.plans.plan import Plan, PlanFault, parse_plan
from tools.plans.preconditions import Preconditions, ask, failed
from tools.plans.preview import preview_plan
from tools.plans.record import PlanRecord, Recorded, load_record
from tools.plans.run import PlanRun
from tools.plans.step_result import StepResult
from tools.sources.builtin import BuiltinFunction
from tools.stores import KeyInFlight, PlanStore, ResultStore

MAX_TIMEOUT_S = 120.0
DEFAULT_PARALLEL = 8
#: What stays for putting the answer together, out of the time that the client gave.
_SPARE_S = 1.0


_USED = Failure(
    "confirmation_used",
    "this confirm token was used, and its run is not on record any more",
    hint="send the plan without confirm to ask again",
)


@dataclass(frozen=True, slots=True)
class BatchExecute:
    """The tool. Everything a step does goes through `call.again`; the rest is read from memory."""

    check: PlanCheck
    confirmations: Confirmations
    credentials: Credentials
    plans: PlanStore
    results: ResultStore
    idempotency: Idempotency
    clock: Callable[[], float] = field(default=time.time)
    sandboxes: FairSemaphore = field(default_factory=new_sandboxes)

    @property
    def gate(self) -> Preconditions:
        """What is asked before anything runs."""
        return Preconditions(self.check, self.confirmations, self.credentials)

    def function(self) -> BuiltinFunction:
        """Return the built-in as the catalogue takes it."""
        return BuiltinFunction(
            slug=BATCH_EXECUTE.name,
            run=self.run,
            input_schema=BATCH_EXECUTE.input_schema,
            idempotent=False,
            scope="mcp",
            reenters=True,
            described=True,
            timeout_s=MAX_TIMEOUT_S,
            example={
                "steps": [
                    {"id": "ada", "api": "crm.contacts.search", "args": {"query": "Ada"}},
                    {"id": "deals", "api": "crm.deals.list", "args": {"contact_id": {"$ref": "ada.data.results[0].id"}}},
                ],
                "return": "deals.data.results[].name",
            },
        )

    async def run(self, call: Call) -> Outcome:
        """Answer one `batch_execute`."""
        started = asyncio.get_running_loop().time()
        if call.arguments.get("code") is not None:
            body = CodeBody(self.gate, self.results, self.idempotency, self.clock, self.sandboxes)
            return await body.run(call, deadline=_deadline(call, call.arguments, started), max_parallel=_parallel(call.arguments))
        recorded: Recorded | None = None
        if handle := call.arguments.get("resume"):
            recorded = await load_record(self.plans, call.principal, handle)
            if recorded is None:
                message = "no plan is recorded under this resume handle; it lasts 24 hours, for whoever started the plan"
                return failed(Failure("unknown_handle", message, hint="send the steps again; writes that got through are not sent twice"))
        source = _source(call.arguments, recorded)
        plan, form_faults = parse_plan(source)
        # Arguments of megabytes take long to look at, and each look is one piece.
        await asyncio.sleep(0)
        if recorded is not None and call.arguments.get("steps") not in (None, recorded.source.get("steps")):
            form_faults.append(PlanFault(None, "resume", "steps differ from the recorded plan; leave them out to resume it", path="steps"))
        checked = await self.check.check(call.principal, plan, form_faults)
        await asyncio.sleep(0)
        if (refusal := self.gate.refusal(call.principal, checked)) is not None:
            return refusal
        if call.arguments.get("dry_run"):
            return await preview_plan(call, checked)
        accounts = self.gate.connection_ids(call.principal, checked)
        record = self._record(call.principal, source, recorded, accounts)
        finished = frozenset(_finished(plan, recorded.result_by_step)) if recorded is not None else frozenset()
        question = await self.gate.connection(call, checked, finished)
        if question is None and not record.is_confirmed:
            question = self.gate.confirmation(call, checked, {"steps": source.get("steps"), "accounts": accounts})
            if question is None and checked.confirmed_steps:
                record.confirm()
                used = await self._taken(call, record)
                if isinstance(used, Outcome):
                    return used
                if used is not None:
                    recorded, record = used, self._record(call.principal, source, used, accounts)
        if question is not None:
            question.data["resume"] = await record.open()
            return question
        return await self._execute(call, checked, record, recorded, started)

    def _record(
        self, principal: Principal, source: Mapping[str, Json], recorded: Recorded | None, accounts: Mapping[str, str]
    ) -> PlanRecord:
        record = PlanRecord(self.plans, principal, source, accounts, self.clock)
        if recorded is not None:
            # The person agreed to what it would do in those accounts, whatever others are called by their names now.
            record.handle, record.is_confirmed = recorded.handle, recorded.is_confirmed and recorded.accounts in (None, accounts)
        return record

    async def _taken(self, call: Call, record: PlanRecord) -> Recorded | Outcome | None:
        """Take the yes for the run that `record` is of: None. A yes that was taken before leads to the record of its run."""

        async def opened() -> bytes:
            return (await record.open()).encode()

        try:
            handle = await self.idempotency.take(call.principal, call.arguments["confirm"], opened)
        except KeyInFlight:
            return in_flight()
        if handle is None:
            return None
        recorded = await load_record(self.plans, call.principal, handle.decode())
        return failed(_USED) if recorded is None else recorded

    async def _execute(self, call: Call, checked: CheckedPlan, record: PlanRecord, recorded: Recorded | None, started: float) -> Outcome:
        options = {**(recorded.source if recorded else {}), **call.arguments}
        earlier = recorded.result_by_step if recorded is not None else {}
        run = PlanRun(
            call=call,
            checked=checked,
            confirm=self.gate.tokens(call.principal) if record.is_confirmed else ask,
            record=record,
            max_parallel=_parallel(options),
            deadline=_deadline(call, options, started),
            results=_finished(checked.plan, earlier),
            earlier=earlier,
        )
        writes = any(operation.access != "read" for operation in checked.operation_by_step.values())
        if writes:
            # Whoever listens knows how to go on, should this process end before it answers.
            await call.progress(0, len(checked.plan.steps), Resumable(await record.open()))
        is_complete = False
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(partial(record.keep_up, at_once=writes))
                await run.run()
                group.cancel_scope.cancel()
            is_complete = status_of(run.results) == "completed"
        finally:
            resume = None if is_complete and record.handle is None else await record.close()
        return await BatchResponse(self.results).answer(run, None if is_complete else resume)


def _parallel(options: Mapping[str, Json]) -> int:
    return int(options.get("max_parallel", DEFAULT_PARALLEL))


def _deadline(call: Call, options: Mapping[str, Json], started: float) -> float:
    """Return the loop time at which running ends, so that the answer is there in time."""
    timeout_s = min(MAX_TIMEOUT_S, float(options.get("timeout_s", MAX_TIMEOUT_S)))
    return min(call.deadline, started + timeout_s) - min(_SPARE_S, timeout_s / 10)


def _source(arguments: Mapping[str, Json], recorded: Recorded | None) -> dict[str, Json]:
    """Return what is run and recorded: the plan with its limits, never the answer to a question."""
    kept: Sequence[str] = ("steps", "return", "max_parallel", "timeout_s")
    given = {name: arguments[name] for name in kept if name in arguments}
    return {**recorded.source, **given} if recorded is not None else given


def _finished(plan: Plan, earlier: Mapping[str, StepResult]) -> dict[str, StepResult]:
    return {step.id: earlier[step.id] for step in plan.steps if step.id in earlier and earlier[step.id].is_ok}
