"""The other body of batch_execute: Python in a sandbox, where each visible operation is an async function."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec

from tools.always_on import MAX_CHARS, SANDBOX
from tools.dispatch.idempotency import Idempotency, in_flight, replayed_yes
from tools.dispatch.outcome_codec import encode_outcome
from tools.dispatch.wire import failure_to_wire, fits, shorten
from tools.errors import Busy, QuotaExceeded
from tools.fair_semaphore import FairSemaphore
from tools.json_text import encode
from tools.operation import Call, Failure, Json, Outcome
from tools.plans.code_names import bind_names
from tools.plans.code_run import MAX_CALLS, CodeRun, RanCall, sandboxed
from tools.plans.preconditions import Confirm, Preconditions, failed
from tools.plans.step_result import connection_to_wire, failure_of
from tools.quotas import not_kept
from tools.stores import RESULT_TTL_S, KeyInFlight, ResultStore

MAX_CODE_CHARS = 50_000
#: Sandboxes of this process at one time; each is a process of its own.
MAX_SANDBOXES = 8

_BEGUN = Failure(
    "unknown_outcome",
    "the code that this yes is for began, and did not come to its end",
    hint="gateway.calls.recent shows what it called; look what took effect before you ask the person anew",
)


def new_sandboxes() -> FairSemaphore:
    """Return the places of the sandboxes of one process."""
    return FairSemaphore(MAX_SANDBOXES, "the sandboxes that run code")


@dataclass(frozen=True, slots=True)
class CodeBody:
    """Checks what can be known of a piece of code, runs it, answers."""

    gate: Preconditions
    results: ResultStore
    idempotency: Idempotency
    clock: Callable[[], float] = time.time
    sandboxes: FairSemaphore = field(default_factory=new_sandboxes)

    async def run(self, call: Call, *, deadline: float, max_parallel: int) -> Outcome:
        """Answer one batch_execute with `code`."""
        if (refusal := _refusal(call.arguments)) is not None:
            return refusal
        code: str = call.arguments["code"]
        view = self.gate.check.visible(call.principal)
        bound = bind_names(code, view.operations_by_id, view.providers)
        if len(bound.named) > MAX_CALLS:
            message = f"the code names {len(bound.named)} operations; one run may make {MAX_CALLS} calls"
            return failed(Failure("invalid_plan", message))
        checked = self.gate.check.check_names(call.principal, bound.named)
        if (refusal := self.gate.refusal(call.principal, checked)) is not None:
            return refusal
        if call.arguments.get("dry_run"):
            wire = {"status": "completed", "dry_run": True, "operations": list(bound.named), "destructive": list(checked.confirmed_steps)}
            return Outcome("ok", data={**wire, "steps": {}, "returned": None, "trace_id": call.trace_id}, bare=True)
        agreed = {"code": code, "accounts": self.gate.connection_ids(call.principal, checked)}
        question = await self.gate.connection(call, checked) or self.gate.confirmation(call, checked, agreed)
        if question is not None:
            return question
        run = CodeRun(call, bound, self._confirm(call, frozenset(checked.confirmed_steps)), max_parallel, deadline)
        try:
            # The place comes first: whoever waits for it in vain has used no yes.
            async with self.sandboxes.hold(call.principal.person, deadline):
                if not checked.confirmed_steps:
                    return await self._run(run)
                return await self._run_once(run, call.arguments["confirm"])
        except Busy as busy:
            return failed(busy.failure)

    async def _run(self, run: CodeRun) -> Outcome:
        value, failure = await sandboxed(run)
        return await self._answer(run, value, failure)

    async def _run_once(self, run: CodeRun, token: str) -> Outcome:
        """Run, unless the yes was taken before: code that runs again might do more than it did when the person agreed to it."""
        principal = run.call.principal

        async def begun() -> bytes:
            return encode_outcome(failed(_BEGUN), self.clock())

        try:
            recorded = await self.idempotency.take(principal, token, begun)
        except KeyInFlight:
            return in_flight()
        if recorded is not None:
            outcome = replayed_yes(recorded, self.clock())
            return replace(outcome, data={**(outcome.data or {}), "note": outcome.note}, bare=True)
        outcome = await self._run(run)
        await self.idempotency.note(principal, token, encode_outcome(outcome, self.clock()))
        return outcome

    def _confirm(self, call: Call, agreed: frozenset[str]) -> Confirm:
        """Return tokens for what the person was shown, and for nothing that the code puts together on its way."""
        token = self.gate.tokens(call.principal)

        def confirm(api: str, account: str | None, arguments: Mapping[str, Json], key: str | None) -> str | None:
            return token(api, account, arguments, key) if api in agreed else None

        return confirm

    async def _answer(self, run: CodeRun, value: Json, failure: Failure | None) -> Outcome:
        call, body = run.call, encode(value)
        wire: dict[str, Json] = {
            "status": "completed" if failure is None else "failed",
            "steps": {f"call_{number}": _step(ran) for number, ran in enumerate(run.ran, start=1)},
            "returned": value,
        }
        if not fits(body, MAX_CHARS):
            try:
                wire["handle"] = await self.results.put(call.principal, body, "application/json", RESULT_TTL_S)
                wire["returned"] = shorten(value, len(body), MAX_CHARS, wire["handle"])
            except QuotaExceeded as error:
                wire["returned"] = failure_to_wire(not_kept(error, error.failure.hint or ""))
        if run.printed:
            wire["printed"] = run.printed
        asked = next((ran.outcome.connection for ran in run.ran if ran.outcome.connection is not None), None)
        if failure is not None:
            wire["error"] = failure_to_wire(failure)
            if asked is not None:
                wire |= {"status": "needs_connection", "connections": [connection_to_wire(asked)]}
        wire["stats"] = {
            "calls": len(run.ran),
            "parallel": run.parallel,
            "bytes_in": run.bytes_in,
            "chars_out": len(encode(wire["returned"]).decode()),
        }
        wire["trace_id"] = call.trace_id
        if wire["status"] == "needs_connection":
            return Outcome("needs_connection", data=wire, bare=True, connection=asked)
        return Outcome("ok" if failure is None else "error", data=wire, bare=True, error=failure)


def _refusal(arguments: Mapping[str, Json]) -> Outcome | None:
    code = arguments["code"]
    if arguments.get("steps") or arguments.get("resume") or arguments.get("return"):
        message = "code stands alone; steps, return and resume belong to a plan, the value of the code's last line comes back"
        return failed(Failure("invalid_plan", message))
    if len(code) > MAX_CODE_CHARS:
        return failed(Failure("invalid_plan", f"the code has {len(code)} characters; {MAX_CODE_CHARS} are the limit"))
    if find_spec(SANDBOX) is None:
        message = "this gateway runs no code: its sandbox is not installed"
        return failed(Failure("not_available", message, hint="send steps, or let the operator install ascend-gateway[sandbox]"))
    return None


def _step(ran: RanCall) -> dict[str, Json]:
    wire: dict[str, Json] = {"api": ran.api[:200], "ok": ran.outcome.status == "ok", "ms": round(ran.ms, 1)}
    if ran.outcome.status != "ok":
        wire["error"] = failure_to_wire(failure_of(ran.outcome))
    return wire
