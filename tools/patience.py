"""JMESPath within a bound on computing: an expression of a few hundred characters could keep a processor busy for minutes.

What is quickly worked out is worked out where it stands. What is not goes to a thread, so that everybody else goes on, and ends there
when its time is over. The threads are shared fairly: whoever keeps one busy waits for it, and nobody else does.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from jmespath.parser import ParsedResult
from jmespath.visitor import TreeInterpreter

from tools.fair_semaphore import GATEWAY, FairSemaphore, Holder
from tools.operation import Json

#: for how long nobody minds waiting
QUICK_S = 0.02
#: of computing, for all expressions of one piece of work together
MAX_S = 2.0
#: What computes for long shares one interpreter with everybody else: more threads would only slow them down.
_PLACES = 2
_THREADS = ThreadPoolExecutor(_PLACES, thread_name_prefix="jmespath")
_turns = FairSemaphore(_PLACES, "the threads that work out long expressions")
#: what goes over a whole list in one visit; all else visits each element
_BULK = frozenset({"flatten", "function_expression", "index_expression", "slice", "comparator"})
_VISITS_BETWEEN_LOOKS = 128

T = TypeVar("T")


class OverBudget(Exception):
    """The time for computing is over."""


class Budget(TreeInterpreter):
    """Works expressions out within `limit_s` of this thread's own time, counted from now."""

    def __init__(self, limit_s: float) -> None:
        super().__init__()
        self._ends_at = time.thread_time() + limit_s
        self._visits = 0

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        self._visits += 1
        if (node["type"] in _BULK or not self._visits % _VISITS_BETWEEN_LOOKS) and time.thread_time() > self._ends_at:
            raise OverBudget
        return super().visit(node, *args, **kwargs)

    def search(self, parsed: ParsedResult, value: Json) -> Json:
        """Return what `parsed` finds in `value`. Raises OverBudget, and what JMESPath raises."""
        return self.visit(parsed.parsed, value)


class Patience:
    """What computing one request of `holder` may still ask for, until `deadline` (loop time) where there is one."""

    def __init__(self, total_s: float = MAX_S, holder: Holder = GATEWAY, deadline: float | None = None) -> None:
        self._left_s = total_s
        self._holder, self._deadline = holder, deadline

    async def work(self, do: Callable[[Budget], T]) -> T:
        """Return what `do` gives within a short budget; where that is not enough, ask it again with more, in a thread.

        Raises OverBudget, Busy where no thread became free in time, and what `do` raises.
        """
        # Whoever has the threads busy is not quick: many short tries on the loop would hold everybody up.
        if not _turns.is_used_by(self._holder):
            try:
                return self._charged(do, QUICK_S)
            except OverBudget:
                pass
        if not _turns.take(self._holder):
            await _turns.wait(self._holder, self._deadline)
        return await self._in_thread(do)

    async def _in_thread(self, do: Callable[[Budget], T]) -> T:
        """Work in a thread. The place is free again when the thread is, which may be after its caller gave up."""
        loop = asyncio.get_running_loop()

        def ended(_done: Future[T]) -> None:
            release = partial(_turns.release, self._holder)
            try:
                loop.call_soon_threadsafe(release)
            except RuntimeError:  # The loop has closed, and with it everybody who waited.
                release()

        running = _THREADS.submit(self._again, do)
        running.add_done_callback(ended)
        return await asyncio.wrap_future(running)

    def _again(self, do: Callable[[Budget], T]) -> T:
        # Looked at only now: whoever stood before this one in the line has taken some of it.
        if self._left_s <= 0:
            raise OverBudget
        return self._charged(do, MAX_S)

    def _charged(self, do: Callable[[Budget], T], limit_s: float) -> T:
        began = time.thread_time()
        try:
            return do(Budget(min(limit_s, self._left_s)))
        finally:
            self._left_s -= time.thread_time() - began
