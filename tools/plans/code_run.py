"""One run of a piece of code in its sandbox: its calls go through the same door as any step of a plan."""

import asyncio
import atexit
import hashlib
import importlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tools.always_on import SANDBOX
from tools.json_text import canonical, encode
from tools.large_json import LargeJson
from tools.operation import Call, CallOptions, Failure, Json, Outcome
from tools.plans.code_names import CALL, BoundCode
from tools.plans.plan import MAX_BYTES
from tools.plans.preconditions import Confirm
from tools.plans.references import MAX_FILLED_BYTES
from tools.plans.step_result import failure_of

MAX_CALLS = 100
_AFTERGLOW_S = 0.2


@dataclass(slots=True)
class RanCall:
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
    ran: list[RanCall] = field(default_factory=list)
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
        self.ran.append(RanCall(api, (time.perf_counter() - started) * 1000, outcome))
        await self.call.progress(len(self.ran), None, f"{api}: {outcome.status}")
        if outcome.status != "ok":
            failure = failure_of(outcome)
            raise RuntimeError(f"{failure.code}: {failure.message}")
        if isinstance(outcome.data, LargeJson):
            size = len(outcome.data.text) >> 10
            raise RuntimeError(f"answer_too_large: {api} answered {size} KB; call('{api}', args, select='…') takes what is needed")
        return {**outcome.data, "handle": outcome.handle} if outcome.handle and isinstance(outcome.data, dict) else outcome.data

    def _key(self, api: str, arguments: Mapping[str, Json]) -> str:
        """Return the key of a write: its place among equal calls of this code, so that running it again writes nothing twice."""
        call_hash = hashlib.sha256(self._code_hash + f"{api}\0".encode(errors="replace") + canonical(arguments)).hexdigest()
        number = self._repeats[call_hash] = self._repeats.get(call_hash, -1) + 1
        return f"code:{call_hash[:40]}:{number}"


async def sandboxed(run: CodeRun) -> tuple[Json, Failure | None]:
    """Run, and say in our words what kept it from finishing."""
    module = importlib.import_module(SANDBOX)
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


def _plain(value: Any) -> Json:
    """Return a value of the sandbox as JSON has it: sets and tuples as lists, what it has no word for as text."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, dict):
        return {key if isinstance(key, str) else str(key): _plain(member) for key, member in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(member) for member in value]
    return str(value)


MAX_MEMORY_BYTES = 64 * 1024 * 1024


#: of computing; waiting for operations does not count
MAX_COMPUTE_S = 5.0


MAX_PRINTED_BYTES = 16_000


#: words of the sandbox about a limit that no line of the code is to blame for -> ours
_LIMITS = {
    "feed time limit": f"the code computed for more than {MAX_COMPUTE_S:.0f} s",
    f"> {MAX_PRINTED_BYTES} bytes": f"the code printed more than {MAX_PRINTED_BYTES} bytes",
    f"> {MAX_MEMORY_BYTES} bytes": f"the code needed more than {MAX_MEMORY_BYTES >> 20} MB of memory",
}


def failure_of_code(error: Any) -> Failure:
    """Return what ended the code: the line that is to blame and its exception, or the limit."""
    frames = error.traceback()
    said = error.display("type-msg")
    if not frames and (own := next((own for theirs, own in _LIMITS.items() if theirs in said), None)):
        return Failure("code_failed", own, hint="do less in one run; writes that got through are not sent twice")
    where = f"line {frames[-1].line}: " if frames else ""
    return Failure("code_failed", f"{where}{said[:1000]}", hint="operations raise RuntimeError, which the code may catch")
