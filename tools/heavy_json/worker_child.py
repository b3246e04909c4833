"""The process at the other end of tools/heavy_json/worker.py: reads work from its input, answers on its output, holds no secret."""

import gc
import os
import pickle
import resource
import select
import sys
from collections.abc import Callable
from io import FileIO
from typing import Any

import orjson

from tools.errors import ToolError
from tools.expressions.budget import BudgetExceeded
from tools.expressions.over_steps import ReferenceFault
from tools.expressions.selection import SelectFault
from tools.heavy_json.worker import COUNT, IDLE_S, LENGTH, Packed, Told
from tools.json_text import encode

#: 32 MB of `[],[],` are some 12 million lists
MAX_MEMORY_BYTES = 3 << 30
#: of what comes back: text that is all escapes is six times as long as JSON
MAX_VALUE_BYTES = 64 << 20
#: what takes long anyway lets everybody's calls go first
NICENESS = 5


def main() -> None:
    """Work until the input ends, or nobody asks for a minute."""
    gc.disable()  # what one piece of work makes goes with it
    os.nice(NICENESS)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = MAX_MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(hard, MAX_MEMORY_BYTES)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    given, answers = FileIO(0, "rb"), FileIO(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not write among the answers
    while select.select([given], [], [], IDLE_S)[0]:
        work = _received(given)
        if work is None:
            return
        state, facts, text = _done(work)
        del work
        if len(text) > MAX_VALUE_BYTES:
            state, facts, text = "m", b"", b""
        _send(answers, state.encode() + LENGTH.pack(len(facts)) + facts + LENGTH.pack(len(text)))
        _send(answers, text)


def _done(work: list[bytearray]) -> tuple[str, bytes, bytes]:
    try:
        do: Callable[..., Any]
        do, packed = pickle.loads(work[0], buffers=work[1:])  # noqa: S301  # from our own parent, over a pipe
        found = do(*_opened(packed))
        if isinstance(found, Told):
            value = found.value
            return ("b", orjson.dumps(found.facts), value) if isinstance(value, bytes) else ("t", orjson.dumps(found.facts), encode(value))
        return "v", b"", encode(found)
    except ReferenceFault as fault:
        return "r", orjson.dumps(str(fault)), b""
    except BudgetExceeded:
        return "o", b"", b""
    except (MemoryError, RecursionError, SystemError):  # orjson's word for no memory is the last one
        return "m", b"", b""
    except (ToolError, SelectFault) as error:
        failure = error.failure
        return "e", orjson.dumps({"code": failure.code, "message": failure.message, "hint": failure.hint}), b""


def _opened(value: Any) -> Any:
    if isinstance(value, Packed):
        return value.opened()
    if isinstance(value, dict):
        return {name: _opened(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_opened(member) for member in value]
    return tuple(map(_opened, value)) if type(value) is tuple else value


def _received(given: FileIO) -> list[bytearray] | None:
    head = _read(given, COUNT.size)
    if head is None:
        return None
    parts = []
    for _ in range(COUNT.unpack(head)[0]):
        length = _read(given, LENGTH.size)
        part = _read(given, LENGTH.unpack(length)[0]) if length is not None else None
        if part is None:
            return None
        parts.append(part)
    return parts


def _read(given: FileIO, length: int) -> bytearray | None:
    body = bytearray(length)
    left = memoryview(body)
    while left:
        count = given.readinto(left)
        if not count:
            return None
        left = left[count:]
    return body


def _send(answers: FileIO, text: bytes) -> None:
    left = memoryview(text)
    while left:
        left = left[answers.write(left) :]


if __name__ == "__main__":
    try:
        main()
    except (BrokenPipeError, KeyboardInterrupt):
        sys.exit(0)
