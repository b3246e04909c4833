"""How much computing one request may ask for, and who waits for it."""

import asyncio
import os
import time
from collections.abc import Iterator

import jmespath
import pytest

from tools.errors import NotRead
from tools.expressions.budget import Budget, BudgetExceeded
from tools.expressions.over_steps import ReferenceFault
from tools.heavy_json.time_budget import TimeBudget
from tools.heavy_json.worker import WORKERS
from tools.operation import Json

FLAT = jmespath.compile("[]")
MAL, ADA = ("flood", "mal"), ("quiet", "ada")
HERE = os.getpid()


@pytest.fixture(autouse=True)
def no_child_left() -> Iterator[None]:
    yield
    WORKERS.close()


def busy(seconds: float) -> None:
    """Compute for `seconds` of this thread's own time."""
    ends_at = time.thread_time() + seconds
    while time.thread_time() < ends_at:
        pass


def quick(budget: Budget) -> Json:
    budget.search(FLAT, [[1]])
    busy(0.005)
    return 1


def process_of_long(_name: Json, parent: int, _budget: Budget) -> Json:
    """Be too long for where everybody's calls are."""
    if os.getpid() == parent:
        raise BudgetExceeded
    return os.getpid()


def endless(parent: int, budget: Budget) -> Json:
    while os.getpid() != parent:
        budget.search(FLAT, [[1]])
    raise BudgetExceeded


def faulty(parent: int, _budget: Budget) -> Json:
    if os.getpid() == parent:
        raise BudgetExceeded
    busy(0.05)
    raise ReferenceFault("found nothing")


async def test_many_quick_expressions_share_one_budget() -> None:
    """Each is short enough to be worked out where it stands; together they would hold everybody up."""
    patience = TimeBudget(0.05)
    outcomes: list[Json] = []

    async def work_on() -> None:
        while True:
            outcomes.append(await patience.work(quick))

    with pytest.raises(BudgetExceeded):
        await work_on()
    assert len(outcomes) <= 11


async def test_what_takes_long_is_worked_out_in_another_process() -> None:
    """A thread would share the interpreter with everybody's calls."""
    assert await TimeBudget().work(process_of_long, {"a": [1, "ä"]}, HERE) != HERE


async def test_a_tenant_whose_expressions_take_long_does_not_keep_another_waiting() -> None:
    """The one of the other tenant is worked out while all those of the first still are."""
    flood = [asyncio.create_task(TimeBudget(holder=MAL).work(endless, HERE)) for _ in range(24)]
    await asyncio.sleep(0)
    assert await asyncio.wait_for(TimeBudget(holder=ADA).work(process_of_long, 1, HERE), 30) != HERE
    assert sum(task.done() for task in flood) < len(flood)
    for task in flood:
        task.cancel()
    await asyncio.gather(*flood, return_exceptions=True)


async def test_whoever_waits_in_vain_is_told_so_in_time() -> None:
    first = asyncio.create_task(TimeBudget(holder=MAL).work(endless, HERE))
    await asyncio.sleep(0)
    with pytest.raises(NotRead, match="stayed busy"):
        await TimeBudget(holder=MAL, deadline=asyncio.get_running_loop().time() + 0.01).work(endless, HERE)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)


async def test_a_caller_that_gave_up_leaves_no_process_busy() -> None:
    """Otherwise a few that give up at once would fill them for everybody."""
    for _ in range(3):
        task = asyncio.create_task(TimeBudget(holder=MAL).work(endless, HERE))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert await asyncio.wait_for(TimeBudget(holder=MAL).work(process_of_long, 1, HERE), 30) != HERE


async def test_what_found_nothing_elsewhere_is_counted_too() -> None:
    patience = TimeBudget(0.12)

    async def work_on() -> None:
        while True:
            with pytest.raises(ReferenceFault, match="found nothing"):
                await patience.work(faulty, HERE)

    with pytest.raises(BudgetExceeded):
        await asyncio.wait_for(work_on(), 30)
