"""JMESPath within a bound on computing: an expression of a few hundred characters could keep a processor busy for minutes."""

import time
from typing import Any

from jmespath.parser import ParsedResult
from jmespath.visitor import TreeInterpreter

from tools.operation import Json

#: what goes over a whole list in one visit; all else visits each element
_BULK = frozenset({"flatten", "function_expression", "index_expression", "slice", "comparator"})
_VISITS_BETWEEN_LOOKS = 128


class BudgetExceeded(Exception):
    """The time for computing is over."""


class Budget(TreeInterpreter):
    """Works expressions out within `limit_s` of this thread's own time, counted from now."""

    def __init__(self, limit_s: float) -> None:
        super().__init__()
        self._ends_at = time.thread_time() + limit_s
        self._visits = 0

    @property
    def left_s(self) -> float:
        """What is left of it."""
        return self._ends_at - time.thread_time()

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        self._visits += 1
        if (node["type"] in _BULK or not self._visits % _VISITS_BETWEEN_LOOKS) and time.thread_time() > self._ends_at:
            raise BudgetExceeded
        return super().visit(node, *args, **kwargs)

    def search(self, parsed: ParsedResult, value: Json) -> Json:
        """Return what `parsed` finds in `value`. Raises BudgetExceeded, and what JMESPath raises."""
        return self.visit(parsed.parsed, value)
