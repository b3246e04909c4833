"""The process at the other end of tools/heavy_json/worker.py: reads work from its input, answers on its output, holds no secret."""

import pickle
from collections.abc import Callable
from typing import Any

import orjson

from tools.child_processes.limits import ProcessLimits
from tools.child_processes.serving import serve
from tools.errors import ToolError
from tools.expressions.budget import BudgetExceeded
from tools.expressions.over_steps import ReferenceFault
from tools.expressions.selection import SelectFault
from tools.heavy_json.worker import IDLE_S, Packed, Told
from tools.json_text import encode

#: 32 MB of `[],[],` are some 12 million lists
MAX_MEMORY_BYTES = 3 << 30
#: of what comes back: text that is all escapes is six times as long as JSON
MAX_VALUE_BYTES = 64 << 20


def _answer(work: list[bytes]) -> list[bytes]:
    state, facts, text = _done(work)
    return [b"m", b"", b""] if len(text) > MAX_VALUE_BYTES else [state.encode(), facts, text]


def _done(work: list[bytes]) -> tuple[str, bytes, bytes]:
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


if __name__ == "__main__":
    serve(_answer, ProcessLimits(MAX_MEMORY_BYTES, IDLE_S))
