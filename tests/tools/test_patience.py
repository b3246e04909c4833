"""How much computing one request may ask for."""

import time

import jmespath
import pytest

from tools.patience import Budget, OverBudget, Patience

FLAT = jmespath.compile("[]")


def busy(seconds: float) -> None:
    """Compute for `seconds` of this thread's own time."""
    ends_at = time.thread_time() + seconds
    while time.thread_time() < ends_at:
        pass


async def test_many_quick_expressions_share_one_budget() -> None:
    """Each is short enough to be worked out where it stands; together they would hold everybody up."""
    patience = Patience(0.05)

    def quick(budget: Budget) -> int:
        budget.search(FLAT, [[1]])
        busy(0.005)
        return 1

    outcomes: list[int] = []

    async def work_on() -> None:
        while True:
            outcomes.append(await patience.work(quick))

    with pytest.raises(OverBudget):
        await work_on()
    assert len(outcomes) <= 11
