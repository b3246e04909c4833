"""How many questions to documents one person asks in an hour; in memory, each process for itself."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from tools.context_plane.errors import ContextRefused
from tools.context_plane.stores import Scope
from tools.metering.sliding_window import SlidingWindow

QUESTIONS_PER_HOUR = 50
_HOUR_S = 3_600.0
#: whoever has not asked for longest is forgotten first
_MAX_PEOPLE = 20_000


class QuestionLimit:
    """Counts the `rag_query` of each person of each tenant."""

    def __init__(self, questions: int = QUESTIONS_PER_HOUR, clock: Callable[[], float] = time.monotonic) -> None:
        self._questions, self._clock = questions, clock
        self._windows: OrderedDict[Scope, SlidingWindow] = OrderedDict()

    def take(self, scope: Scope) -> None:
        """Count one question. Raises ContextRefused (rate_limited), which says when the next one may be asked; then none was counted."""
        now = self._clock()
        window = self._windows.setdefault(scope, SlidingWindow(_HOUR_S))
        self._windows.move_to_end(scope)
        if len(self._windows) > _MAX_PEOPLE:
            self._windows.popitem(last=False)
        window.move_to(now)
        if window.requests >= self._questions:
            wait_s = window.wait_s(now, 1, 0)
            message = f"{self._questions} questions an hour are answered with quotes; the next one in {math.ceil(wait_s / 60)} min"
            raise ContextRefused("rate_limited", message, hint="rag_search has no such limit", retry_after_s=wait_s)
        window.take(now, 0)
