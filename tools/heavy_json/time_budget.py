"""How long computing may take for one request, and where: what is quickly worked out is worked out where it stands.

What is not goes to another process (tools/heavy_json/worker.py) and ends there when its time is over. A thread would share the interpreter
with everybody: their calls took up to six times as long beside it. The processes are shared fairly: whoever keeps one busy waits
for it, and nobody else does.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from tools.expressions.budget import Budget, BudgetExceeded
from tools.expressions.over_steps import ReferenceFault
from tools.fair_semaphore import GATEWAY, Holder
from tools.heavy_json.worker import WORKERS, Told
from tools.operation import Json

#: for how long nobody minds waiting
QUICK_S = 0.02
#: of computing, for all expressions of one piece of work together
MAX_S = 2.0
#: who has long expressions under way, and how many
_at_work: Counter[Holder] = Counter()


class TimeBudget:
    """What computing one request of `holder` may still ask for, until `deadline` (loop time) where there is one."""

    def __init__(self, total_s: float = MAX_S, holder: Holder = GATEWAY, deadline: float | None = None) -> None:
        self._left_s = total_s
        self._holder, self._deadline = holder, deadline
        #: one after the other, so that what one has used is known to the next
        self._turn = asyncio.Lock()

    async def work(self, do: Callable[..., Json], *given: Any, is_large: bool = False) -> Json:
        """Return what `do(*given, budget)` gives within a short budget; where that is not enough, ask it again with more, elsewhere.

        `do` is a function that a pickle can name. `is_large`: `given` holds a LargeJson, for which it is worked out elsewhere at
        once. What comes from there is a LargeJson where it is heavy; what `do` gives as Told comes as Told.
        Raises BudgetExceeded, NotRead where there was no room in time, what else JsonWorkers.work does, and what `do` raises.
        """
        # Whoever has long ones under way is not quick: many short tries on the loop would hold everybody up.
        if not is_large and self._holder not in _at_work:
            try:
                return self._here(do, given)
            except BudgetExceeded:
                pass
        _at_work[self._holder] += 1
        try:
            async with self._turn:
                return await self._elsewhere(do, given)
        finally:
            _at_work[self._holder] -= 1
            if not _at_work[self._holder]:
                del _at_work[self._holder]

    def _here(self, do: Callable[..., Json], given: tuple[Any, ...]) -> Json:
        began = time.thread_time()
        try:
            return do(*given, Budget(min(QUICK_S, self._left_s)))
        finally:
            self._left_s -= time.thread_time() - began

    async def _elsewhere(self, do: Callable[..., Json], given: tuple[Any, ...]) -> Json:
        # Looked at only now: whoever stood before this one in the line has taken some of it.
        limit_s = min(MAX_S, self._left_s)
        if limit_s <= 0:
            raise BudgetExceeded
        try:
            told = await WORKERS.work(worked_out, do, limit_s, *given, holder=self._holder, deadline=self._deadline)
        except BudgetExceeded:
            self._left_s -= limit_s
            raise
        self._left_s -= told.facts["took_s"]
        if told.facts["fault"] is not None:
            raise ReferenceFault(told.facts["fault"])
        return told.value if told.facts["facts"] is None else Told(told.facts["facts"], told.value)


def worked_out(do: Callable[..., Json], limit_s: float, *given: Any) -> Told:
    """Return what `do` gives in a child, how long it took and why it gave nothing. Raises BudgetExceeded, and what else `do` raises."""
    began = time.thread_time()
    value, fault, facts = None, None, None
    try:
        value = do(*given, Budget(limit_s))
    except ReferenceFault as error:
        fault = str(error)
    if isinstance(value, Told):
        value, facts = value.value, value.facts
    return Told({"took_s": time.thread_time() - began, "fault": fault, "facts": facts}, value)
