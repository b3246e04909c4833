"""batch_execute: check a whole plan, ask once, run it side by side, answer with what was asked for."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import anyio

from oauth.connections.credentials import ConnectionNeeded, Credentials, UnknownAccount
from oauth.principal import Principal
from tools.builtins.batch_answer import Answering, status_of
from tools.builtins.batch_check import CheckedPlan, PlanCheck
from tools.builtins.batch_plan import Plan, PlanFault, parse_plan
from tools.builtins.batch_preview import preview_plan
from tools.builtins.batch_record import PlanRecord, Recorded, load_record
from tools.builtins.batch_result import StepResult, connection_to_wire
from tools.builtins.batch_run import Confirm, PlanRun
from tools.builtins.definitions import BATCH_EXECUTE
from tools.confirmations import Confirmations
from tools.operation import Call, ConnectionRequest, Failure, Json, Outcome
from tools.providers.builtin import BuiltinFunction
from tools.results import failure_to_wire
from tools.stores import PlanStore, ResultStore

MAX_TIMEOUT_S = 120.0
DEFAULT_PARALLEL = 8
#: What stays for putting the answer together, out of the time that the client gave.
_SPARE_S = 1.0


@dataclass(frozen=True, slots=True)
class BatchExecute:
    """The tool. Everything a step does goes through `call.again`; the rest is read from memory."""

    check: PlanCheck
    confirmations: Confirmations
    credentials: Credentials
    plans: PlanStore
    results: ResultStore
    clock: Callable[[], float] = field(default=time.time)

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
        recorded: Recorded | None = None
        if handle := call.arguments.get("resume"):
            recorded = await load_record(self.plans, call.principal, handle)
            if recorded is None:
                message = "no plan is recorded under this resume handle; it lasts 24 hours, for whoever started the plan"
                return _failed(Failure("unknown_handle", message, hint="send the steps again; writes that got through are not sent twice"))
        source = _source(call.arguments, recorded)
        plan, form_faults = parse_plan(source)
        if recorded is not None and call.arguments.get("steps") not in (None, recorded.source.get("steps")):
            form_faults.append(PlanFault(None, "resume", "steps differ from the recorded plan; leave them out to resume it", path="steps"))
        checked = self.check.check(call.principal, plan, form_faults)
        if (refusal := self._refusal(call.principal, checked)) is not None:
            return refusal
        if call.arguments.get("dry_run"):
            return await preview_plan(call, checked)
        record = PlanRecord(self.plans, call.principal, source, self.clock)
        if recorded is not None:
            record.handle, record.is_confirmed = recorded.handle, recorded.is_confirmed
        question = await self._connection(call, checked, recorded, record) or await self._confirmation(call, checked, record)
        if question is not None:
            return question
        return await self._execute(call, checked, record, recorded, started)

    def _refusal(self, principal: Principal, checked: CheckedPlan) -> Outcome | None:
        """Return everything that is wrong with the plan, or None. Scopes alone are a step-up that names those of the whole plan."""
        scope_faults = self.check.scope_faults(principal, checked)
        faults = [*checked.faults, *scope_faults]
        if not faults:
            return None
        shown = tuple(fault.as_json() for fault in faults)
        if not checked.faults:
            named = " ".join(sorted(checked.missing_scopes))
            message = f"the plan needs the scopes '{named}', which this token lacks"
            hint = "sign in again and allow them; nothing has run"
            return _failed(Failure("insufficient_scope", message, faults=shown, hint=hint, missing_scopes=checked.missing_scopes))
        first = checked.faults[0]
        where = f"step '{first.step}': " if first.step else ""
        more = f" (and {len(faults) - 1} more, see faults)" if len(faults) > 1 else ""
        hint = "nothing has run; correct every fault and send the plan again"
        return _failed(Failure("invalid_plan", f"{where}{first.message}{more}", faults=shown, hint=hint))

    async def _connection(self, call: Call, checked: CheckedPlan, recorded: Recorded | None, record: PlanRecord) -> Outcome | None:
        """Return the link for the first account that is missing, or None; steps that are finished need none."""
        finished = recorded.result_by_step if recorded is not None else {}
        needed: dict[str, ConnectionRequest] = {}
        for step, readiness in checked.unready:
            if (step.id in finished and finished[step.id].is_ok) or readiness.provider in needed:
                continue
            operation = checked.operation_by_step[step.id]
            try:
                await self.credentials.for_call(call.principal, readiness.provider, operation.connection_scopes, step.account)
            except ConnectionNeeded as asked:
                needed[readiness.provider] = ConnectionRequest(readiness.provider, asked.readiness.status, asked.url, asked.message)
            except UnknownAccount:
                continue  # The step itself says so, with the accounts that there are.
        if not needed:
            return None
        wire: dict[str, Json] = {
            "status": "needs_connection",
            "steps": {},
            "connections": [connection_to_wire(each) for each in needed.values()],
            "resume": await record.open(),
            "note": "nothing has run; once the person has connected, send the same plan again or only its resume handle",
        }
        return Outcome("needs_connection", data=wire, bare=True, connection=next(iter(needed.values())))

    async def _confirmation(self, call: Call, checked: CheckedPlan, record: PlanRecord) -> Outcome | None:
        """Return the one question for all destructive steps, or None where the call carries the answer to exactly this plan."""
        if not checked.confirmed_steps or record.is_confirmed:
            return None
        bound = {"steps": checked.plan.source.get("steps")}
        token = call.arguments.get("confirm")
        if token and self.confirmations.accepts(token, call.principal, BATCH_EXECUTE.name, None, bound):
            record.is_confirmed = True
            # The record made with the question does not know of the answer yet.
            record.handle = None
            return None
        listed = ", ".join(f"{step_id} ({checked.operation_by_step[step_id].id})" for step_id in checked.confirmed_steps)
        message = f"this plan has steps that cannot be undone: {listed}; run exactly this plan?"
        asked = self.confirmations.issue(call.principal, BATCH_EXECUTE.name, None, bound, message=message)
        wire: dict[str, Json] = {
            "status": "needs_confirmation",
            "steps": {},
            "destructive": list(checked.confirmed_steps),
            "confirmation": {"confirm": asked.token, "message": asked.message, "expires_in_s": asked.expires_in_s},
            "resume": await record.open(),
            "note": "nothing has run; after a yes send the same plan, or only resume, with confirm",
        }
        if token:
            wire["note"] = "the confirm token is expired or belongs to another plan; this is a new one"
        return Outcome("needs_confirmation", data=wire, bare=True, confirmation=asked)

    async def _execute(self, call: Call, checked: CheckedPlan, record: PlanRecord, recorded: Recorded | None, started: float) -> Outcome:
        options = {**(recorded.source if recorded else {}), **call.arguments}
        timeout_s = min(MAX_TIMEOUT_S, float(options.get("timeout_s", MAX_TIMEOUT_S)))
        earlier = recorded.result_by_step if recorded is not None else {}
        run = PlanRun(
            call=call,
            checked=checked,
            confirm=self._confirm(call.principal) if record.is_confirmed else _ask,
            record=record,
            max_parallel=int(options.get("max_parallel", DEFAULT_PARALLEL)),
            deadline=min(call.deadline, started + timeout_s) - min(_SPARE_S, timeout_s / 10),
            results=_finished(checked.plan, earlier),
            earlier=earlier,
        )
        writes = any(operation.access != "read" for operation in checked.operation_by_step.values())
        if writes:
            await self.announce(call, await record.open(), len(checked.plan.steps))
        is_complete = False
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(_keep_up, record, writes)
                await run.run()
                group.cancel_scope.cancel()
            is_complete = status_of(run.results) == "completed"
        finally:
            resume = None if is_complete and record.handle is None else await record.close()
        return await Answering(self.results).answer(run, None if is_complete else resume)

    @staticmethod
    async def announce(call: Call, handle: str, steps: int) -> None:
        """Tell whoever listens how to go on should this process end before it answers."""
        await call.progress(0, steps, f"started; resume: {handle}")

    def _confirm(self, principal: Principal) -> Confirm:
        """Return the maker of the tokens that the door asks of each destructive call of a plan that was agreed to."""

        def token(operation_id: str, account: str | None, arguments: Mapping[str, Json], key: str | None) -> str:
            return self.confirmations.issue(principal, operation_id, account, arguments, idempotency_key=key).token

        return token


async def _keep_up(record: PlanRecord, at_once: bool) -> None:
    await record.keep_up(at_once=at_once)


def _ask(operation_id: str, account: str | None, arguments: Mapping[str, Json], key: str | None) -> None:
    return None


def _source(arguments: Mapping[str, Json], recorded: Recorded | None) -> dict[str, Json]:
    """Return what is run and recorded: the plan with its limits, never the answer to a question."""
    kept: Sequence[str] = ("steps", "return", "max_parallel", "timeout_s")
    given = {name: arguments[name] for name in kept if name in arguments}
    return {**recorded.source, **given} if recorded is not None else given


def _finished(plan: Plan, earlier: Mapping[str, StepResult]) -> dict[str, StepResult]:
    return {step.id: earlier[step.id] for step in plan.steps if step.id in earlier and earlier[step.id].is_ok}


def _failed(failure: Failure) -> Outcome:
    wire: dict[str, Json] = {"status": "failed", "steps": {}, "error": failure_to_wire(failure)}
    return Outcome("error", data=wire, bare=True, error=failure)
