"""Work on JSON that is too heavy for this process (tools/heavy_json/weight.py), done by another one.

A child runs one function of ours at a time on what it decodes itself, and answers with JSON text. It begins when it is first needed,
ends by itself when nobody needs it for a while, and is killed where the work takes longer than its caller waits.
"""

import asyncio
import atexit
import os
import pickle
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

import orjson

from tools.errors import Busy, NotRead, TookTooLong, TooLarge, ToolError
from tools.expressions.budget import BudgetExceeded
from tools.expressions.over_steps import ReferenceFault
from tools.fair_semaphore import GATEWAY, FairSemaphore, Holder
from tools.heavy_json.weight import is_heavy
from tools.json_text import decode
from tools.operation import Failure, Json, LargeJson

PLACES = 2
#: for one piece of work, where nobody sets an earlier deadline
MAX_S = 20.0
#: for which a child waits for more work
IDLE_S = 60.0
_CHILD = "tools.heavy_json.worker_child"
#: lengths before what is sent and answered
COUNT, LENGTH = struct.Struct(">I"), struct.Struct(">Q")


class _Child:
    """One process and the pipes to it. Its methods block."""

    def __init__(self) -> None:
        self._used_at = time.monotonic()
        # None of our variables, which hold secrets; only where to find the code.
        environment = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "LANG": "C.UTF-8"}
        command = [sys.executable, "-P", "-m", _CHILD]
        self._process = subprocess.Popen(  # noqa: S603  # ourselves
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, start_new_session=True, bufsize=1 << 16
        )

    @property
    def is_alive(self) -> bool:
        """Whether it takes work. It ends by itself after IDLE_S; one that is about to is let go."""
        return self._process.poll() is None and time.monotonic() - self._used_at < IDLE_S - 5

    def used(self) -> None:
        """Note that it did some work just now."""
        self._used_at = time.monotonic()

    def ask(self, work: list[bytes | pickle.PickleBuffer]) -> tuple[str, bytes, bytes]:
        """Return how the work ended, the JSON of its facts, and the JSON text of its value. Raises OSError and EOFError."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        stdin, stdout = self._process.stdin, self._process.stdout
        stdin.write(COUNT.pack(len(work)))
        for part in work:
            raw = part if isinstance(part, bytes) else part.raw()
            stdin.write(LENGTH.pack(len(raw)))
            stdin.write(raw)
        stdin.flush()
        state, *parts = (self._read(stdout, 1), *(self._read(stdout, LENGTH.unpack(self._read(stdout, LENGTH.size))[0]) for _ in range(2)))
        return state.decode(), parts[0], parts[1]

    @staticmethod
    def _read(stdout: IO[bytes], length: int) -> bytes:
        body = stdout.read(length)
        if len(body) < length:
            raise EOFError
        return body

    def kill(self) -> None:
        """End the process, whatever it does; whoever waits for it gets EOFError. Somebody else is to `bury` it."""
        self._process.kill()

    def bury(self) -> None:
        """Wait until the process is gone: giving its memory back takes a moment."""
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(OSError):  # what was still to be written goes nowhere
                pipe.close()


class JsonWorkers:
    """At most PLACES children, shared fairly by tenants and persons."""

    def __init__(self) -> None:
        self._turns = FairSemaphore(PLACES, "the workers that read large answers")
        self._threads = ThreadPoolExecutor(PLACES, thread_name_prefix="json-worker")
        self._idle: list[_Child] = []

    async def work(self, do: Callable[..., Any], *given: Any, holder: Holder = GATEWAY, deadline: float | None = None) -> Any:
        """Return what `do(*given)` gives in a child: JSON, as LargeJson where it is heavy again.

        `do` is a function that a pickle can name; every LargeJson in `given` is what it holds there. `deadline`: loop time.
        What `do` returns as Told comes as Told.
        Raises ReferenceFault and BudgetExceeded as `do` does, a ToolError with the failure of one, NotRead, and TooLarge.
        """
        loop = asyncio.get_running_loop()
        ends_at = min(loop.time() + MAX_S, deadline if deadline is not None else float("inf"))
        try:
            await self._turns.wait(holder, ends_at)
        except Busy:
            raise NotRead from None
        try:
            while self._idle:
                child = self._idle.pop()
                if child.is_alive:
                    break
                _end(child)
            else:
                child = await self._begun()
            try:
                async with asyncio.timeout_at(ends_at):
                    state, facts, text = await loop.run_in_executor(self._threads, _asked, child, do, given)
            except TimeoutError:
                _end(child)
                raise TookTooLong from None
            except (OSError, EOFError):
                _end(child)
                raise TooLarge("whoever read it came to an end; it may take too much memory") from None
            except BaseException:
                _end(child)
                raise
            child.used()
            self._idle.append(child)
        finally:
            self._turns.release(holder)
        return _result(state, facts, text)

    async def _begun(self) -> _Child:
        """Return a new child; one whose caller gives up meanwhile waits for the next."""
        beginning = self._threads.submit(_Child)
        try:
            return await asyncio.wrap_future(beginning)
        except asyncio.CancelledError:
            beginning.add_done_callback(self._keep)
            raise

    def _keep(self, begun: Future[_Child]) -> None:
        if not begun.cancelled() and begun.exception() is None:
            self._idle.append(begun.result())

    def close(self) -> None:
        """End the children that wait for work."""
        while self._idle:
            child = self._idle.pop()
            child.kill()
            child.bury()


def _end(child: _Child) -> None:
    child.kill()
    threading.Thread(target=child.bury, name="json-worker-end", daemon=True).start()


#: of this process
WORKERS = JsonWorkers()
atexit.register(WORKERS.close)


def _asked(child: _Child, do: Callable[..., Any], given: tuple[Any, ...]) -> tuple[str, bytes, bytes]:
    buffers: list[bytes | pickle.PickleBuffer] = []
    message = _Parts()
    pickle.Pickler(message, protocol=5, buffer_callback=buffers.append).dump((do, _packed(given, {})))
    return child.ask([b"".join(message), *buffers])


class _Parts(list[bytes]):
    """Takes what is pickled piece by piece. In one go it would not let go of the interpreter until its end."""

    def write(self, part: bytes) -> None:
        self.append(bytes(part))


def _packed(value: Any, known: "dict[int, Packed]") -> Any:
    """Return `value` with every large text in a buffer of its own, which is not copied on its way and goes once."""
    if isinstance(value, LargeJson | bytes):
        text = value.text if isinstance(value, LargeJson) else value
        return known.setdefault(id(value), Packed(pickle.PickleBuffer(text), is_json=isinstance(value, LargeJson)))
    if isinstance(value, dict):
        return {name: _packed(member, known) for name, member in value.items()}
    if isinstance(value, list):
        return [_packed(member, known) for member in value]
    return tuple(_packed(member, known) for member in value) if type(value) is tuple else value


class Packed:
    """A large text on its way to a child."""

    def __init__(self, buffer: Any, *, is_json: bool) -> None:
        self.buffer, self.is_json = buffer, is_json
        self._value: Any = None

    def opened(self) -> Any:
        """Return the bytes, or the value of their JSON."""
        if self.buffer is not None:
            body, self.buffer = bytes(self.buffer), None
            self._value = decode(body) if self.is_json else body
        return self._value


def _result(state: str, facts: bytes, text: bytes) -> Any:
    if state == "v":
        return LargeJson(text) if is_heavy(text) else decode(text)
    if state == "t":
        return Told(orjson.loads(facts), LargeJson(text) if is_heavy(text) else decode(text))
    if state == "b":
        return Told(orjson.loads(facts), text)
    if state == "o":
        raise BudgetExceeded
    if state == "m":
        raise TooLarge("it takes too much memory")
    if state == "r":
        raise ReferenceFault(orjson.loads(facts))
    raise ToolError(Failure(**orjson.loads(facts)))


@dataclass(frozen=True, slots=True)
class Told:
    """What a function in a child answers beside its value: a few facts, which are never heavy. A value of bytes comes as those bytes."""

    facts: dict[str, Json]
    value: Json
