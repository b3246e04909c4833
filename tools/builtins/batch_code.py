"""The other body of batch_execute: Python in a sandbox, where each visible operation is an async function."""

import asyncio
import atexit
import hashlib
import importlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import Any

from tools.builtins.batch_gate import Confirm, Gate, failed
from tools.builtins.batch_names import CALL, BoundCode, bind_names
from tools.builtins.batch_plan import MAX_BYTES
from tools.builtins.batch_result import connection_to_wire, failure_of
from tools.builtins.batch_sandbox import MAX_COMPUTE_S, MAX_MEMORY_BYTES, MAX_PRINTED_BYTES, failure_of_code
from tools.confirmations import canonical
from tools.idempotency import Idempotency, in_flight, replayed_yes
from tools.json_text import encode
from tools.operation import Call, CallOptions, Failure, Json, Outcome
from tools.outcome_codec import encode_outcome
from tools.references import MAX_FILLED_BYTES
from tools.results import MAX_CHARS, RESULT_TTL_S, failure_to_wire, shorten
from tools.stores import KeyInFlight, ResultStore

MAX_CODE_CHARS = 50_000
MAX_CALLS = 100
#: Sandboxes of this process at one time; each is a process of its own.
MAX_SANDBOXES = 8
_SANDBOX = "pydantic_monty"
_AFTERGLOW_S = 0.2


_BEGUN = Failure(
    "unknown_outcome",
    "the code that this yes is for began, and did not come to its end",
    hint="gateway.calls.recent shows what it called; look what took effect before you ask the person anew",
)


@dataclass(slots=True)
class _Ran:
    """One call of the code."""

    api: str
    ms: float
    outcome: Outcome


@dataclass(slots=True)
class CodeRun:
    """One run of one piece of code: its calls go through the same door as any step."""

    call: Call
    bound: BoundCode
    confirm: Confirm
    max_parallel: int
    #: loop time
    deadline: float
    ran: list[_Ran] = field(default_factory=list)
    running: int = 0
    parallel: int = 0
    printed: str = ""
    #: of answers
    bytes_in: int = 0
    _started: int = 0
    _repeats: dict[str, int] = field(default_factory=dict)
    _slots: asyncio.Semaphore = field(init=False)
    _code_hash: bytes = b""

    async def run(self, module: Any) -> Json:
        """Return the value of the last line. Raises what the sandbox raises, and TimeoutError."""
        self._slots = asyncio.Semaphore(self.max_parallel)
        self._code_hash = hashlib.sha256(self.bound.text.encode(errors="replace")).digest()
        limits = {"max_memory": MAX_MEMORY_BYTES, "max_feed_duration_secs": MAX_COMPUTE_S, "max_suspensions": 4 * MAX_CALLS + 100}
        functions = {name: self._function(api) for name, api in self.bound.operation_by_function.items()}
        prints = module.CollectString(max_bytes=MAX_PRINTED_BYTES)
        try:
            async with asyncio.timeout_at(self.deadline):
                # A process for this run alone: nothing of one tenant is left for the next, and a crash is this run's.
                async with module.AsyncMonty(min_processes=1, max_processes=1) as pool, pool.checkout(limits=limits) as session:
                    value = await session.feed_run(self.bound.text, external_lookup={**functions, CALL: self._any}, print_callback=prints)
        finally:
            self.printed = prints.output
        return _plain(value)

    def _function(self, api: str) -> Any:
        async def operation(*positional: Json, **arguments: Json) -> Json:
            if positional and (len(positional) > 1 or arguments or not isinstance(positional[0], dict)):
                raise TypeError(f"{api} takes its arguments by name")
            return await self._run(api, positional[0] if positional else arguments, None, None)

        return operation

    async def _any(self, api: str, args: Json = None, *, account: str | None = None, select: Json = None) -> Json:
        if not isinstance(api, str) or not isinstance(args or {}, dict):
            raise TypeError("call takes an operation id and a dict of arguments")
        return await self._run(api, args or {}, account, select)

    async def _run(self, api: str, arguments: Mapping[str, Json], account: str | None, select: Json) -> Json:
        """Run one operation; what goes wrong is a RuntimeError that the code may catch."""
        self._started += 1
        if self._started > MAX_CALLS:
            raise RuntimeError(f"call_budget: one run may make {MAX_CALLS} calls")
        if self.bytes_in > MAX_BYTES:
            raise RuntimeError(f"byte_budget: the answers of one run may come to {MAX_BYTES >> 20} MB; use select")
        plain = _plain(dict(arguments))
        if (size := len(encode(plain))) > MAX_FILLED_BYTES:
            limit = f"{MAX_FILLED_BYTES >> 20} MB"
            raise RuntimeError(f"invalid_arguments: the arguments of one call may come to {limit}, and these are {size >> 20} MB")
        key = self._key(api, plain)
        options = CallOptions(account=account, select=select, idempotency_key=key, confirm=self.confirm(api, account, plain, key))
        async with self._slots:
            self.running += 1
            self.parallel = max(self.parallel, self.running)
            started = time.perf_counter()
            try:
                outcome = await self.call.again(api, plain, options)
            finally:
                self.running -= 1
        self.bytes_in += len(encode(outcome.data))
        self.ran.append(_Ran(api, (time.perf_counter() - started) * 1000, outcome))
        await self.call.progress(len(self.ran), None, f"{api}: {outcome.status}")
        if outcome.status != "ok":
            failure = failure_of(outcome)
            raise RuntimeError(f"{failure.code}: {failure.message}")
        return {**outcome.data, "handle": outcome.handle} if outcome.handle and isinstance(outcome.data, dict) else outcome.data

    def _key(self, api: str, arguments: Mapping[str, Json]) -> str:
        """Return the key of a write: its place among equal calls of this code, so that running it again writes nothing twice."""
        call_hash = hashlib.sha256(self._code_hash + f"{api}\0".encode(errors="replace") + canonical(arguments)).hexdigest()
        number = self._repeats[call_hash] = self._repeats.get(call_hash, -1) + 1
        return f"code:{call_hash[:40]}:{number}"


@dataclass(frozen=True, slots=True)
class CodeBody:
    """Checks what can be known of a piece of code, runs it, answers."""

    gate: Gate
    results: ResultStore
    idempotency: Idempotency
    clock: Callable[[], float] = time.time
    sandboxes: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_SANDBOXES))

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
        agreed = {"code": code}
        question = await self.gate.connection(call, checked) or self.gate.confirmation(call, checked, agreed)
        if question is not None:
            return question
        run = CodeRun(call, bound, self._confirm(call, frozenset(checked.confirmed_steps)), max_parallel, deadline)
        if not checked.confirmed_steps:
            return await self._run(run)
        return await self._run_once(run, call.arguments["confirm"])

    async def _run(self, run: CodeRun) -> Outcome:
        async with self.sandboxes:
            value, failure = await _sandboxed(run)
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
        if len(body) > MAX_CHARS:
            wire["handle"] = await self.results.put(call.principal, body, "application/json", RESULT_TTL_S)
            wire["returned"] = shorten(value, len(body), MAX_CHARS, wire["handle"])
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


async def _sandboxed(run: CodeRun) -> tuple[Json, Failure | None]:
    """Run, and say in our words what kept it from finishing."""
    module = importlib.import_module(_SANDBOX)
    # Its threads need a moment after their last answer: an interpreter that ends before they have gone aborts.
    atexit.unregister(_let_threads_go)
    atexit.register(_let_threads_go)
    try:
        return await run.run(module), None
    except TimeoutError:
        return None, Failure("timeout", "the code's time was over", hint="do less in one run; writes that got through are not sent twice")
    except module.MontySyntaxError as error:
        return None, Failure("invalid_code", f"the code is not Python that the sandbox reads: {error.display('msg')[:400]}")
    except module.MontyCrashedError:
        return None, Failure("code_failed", "the code exhausted its sandbox", hint=f"it has {MAX_MEMORY_BYTES >> 20} MB of memory")
    except RecursionError:
        return None, Failure("code_failed", "the value of the last line nests too deeply to be answered", hint="answer a flatter one")
    except module.MontyRuntimeError as error:
        return None, failure_of_code(error)
    except module.MontyError as error:
        return None, Failure("code_failed", f"a value could not leave the sandbox: {str(error)[:400]}")


def _let_threads_go() -> None:
    time.sleep(_AFTERGLOW_S)


def _refusal(arguments: Mapping[str, Json]) -> Outcome | None:
    code = arguments["code"]
    if arguments.get("steps") or arguments.get("resume") or arguments.get("return"):
        message = "code stands alone; steps, return and resume belong to a plan, the value of the code's last line comes back"
        return failed(Failure("invalid_plan", message))
    if len(code) > MAX_CODE_CHARS:
        return failed(Failure("invalid_plan", f"the code has {len(code)} characters; {MAX_CODE_CHARS} are the limit"))
    if find_spec(_SANDBOX) is None:
        message = "this gateway runs no code: its sandbox is not installed"
        return failed(Failure("not_available", message, hint="send steps, or let the operator install ascend-gateway[sandbox]"))
    return None


def _step(ran: _Ran) -> dict[str, Json]:
    wire: dict[str, Json] = {"api": ran.api[:200], "ok": ran.outcome.status == "ok", "ms": round(ran.ms, 1)}
    if ran.outcome.status != "ok":
        wire["error"] = failure_to_wire(failure_of(ran.outcome))
    return wire


def _plain(value: Any) -> Json:
    """Return a value of the sandbox as JSON has it: sets and tuples as lists, what it has no word for as text."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, dict):
        return {key if isinstance(key, str) else str(key): _plain(member) for key, member in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(member) for member in value]
    return str(value)
