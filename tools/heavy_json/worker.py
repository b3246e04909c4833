"""Work on JSON that is too heavy for this process (tools/heavy_json/weight.py), done by another one.

A child (tools/child_processes/) runs one function of ours at a time on what it decodes itself, and answers with JSON text.
"""

import asyncio
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from tools.child_processes.child import ChildEnded
from tools.child_processes.messages import Part
from tools.child_processes.pool import ChildPool, OutOfTime
from tools.errors import Busy, NotRead, TookTooLong, TooLarge, ToolError
from tools.expressions.budget import BudgetExceeded
from tools.expressions.over_steps import ReferenceFault
from tools.fair_semaphore import GATEWAY, Holder
from tools.heavy_json.weight import is_heavy
from tools.json_text import decode
from tools.large_json import LargeJson
from tools.operation import Failure, Json

PLACES = 2
#: for one piece of work, where nobody sets an earlier deadline
MAX_S = 20.0
#: for which a child waits for more work
IDLE_S = 60.0


class JsonWorkers:
    """At most PLACES children, shared fairly by tenants and persons."""

    def __init__(self) -> None:
        self._children = ChildPool(PLACES, "the workers that read large answers", "tools.heavy_json.worker_child", IDLE_S)

    async def work(self, do: Callable[..., Any], *given: Any, holder: Holder = GATEWAY, deadline: float | None = None) -> Any:
        """Return what `do(*given)` gives in a child: JSON, as LargeJson where it is heavy again.

        `do` is a function that a pickle can name; every LargeJson in `given` is what it holds there. `deadline`: loop time.
        What `do` returns as Told comes as Told.
        Raises ReferenceFault and BudgetExceeded as `do` does, a ToolError with the failure of one, NotRead, and TooLarge.
        """
        ends_at = asyncio.get_running_loop().time() + MAX_S
        try:
            answer = await self._children.ask(
                lambda: _message(do, given), holder, deadline=ends_at if deadline is None else min(ends_at, deadline)
            )
        except Busy:
            raise NotRead from None
        except OutOfTime:
            raise TookTooLong from None
        except ChildEnded:
            raise TooLarge("whoever read it came to an end; it may take too much memory") from None
        state, facts, text = answer
        return _result(state.decode(), facts, text)

    def close(self) -> None:
        """End the children that wait for work."""
        self._children.close()


#: of this process
WORKERS = JsonWorkers()


def _message(do: Callable[..., Any], given: tuple[Any, ...]) -> list[Part]:
    buffers: list[Part] = []
    message = _Parts()
    pickle.Pickler(message, protocol=5, buffer_callback=buffers.append).dump((do, _packed(given, {})))
    return [b"".join(message), *buffers]


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
