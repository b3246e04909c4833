"""How much computing one request may ask for."""

import asyncio
import threading
import time

import jmespath
import pytest

from tools.fair_semaphore import Busy
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


MAL, ADA = ("flood", "mal"), ("quiet", "ada")


async def test_a_tenant_whose_expressions_fill_the_threads_does_not_keep_another_waiting() -> None:
    """The one of the other tenant is worked out while all those of the first still are."""
    stop = threading.Event()

    def long(budget: Budget) -> int:
        if threading.current_thread() is threading.main_thread():
            raise OverBudget
        assert stop.wait(30)
        return 1

    def short(budget: Budget) -> int:
        if threading.current_thread() is threading.main_thread():
            raise OverBudget
        return 2

    flood = [asyncio.create_task(Patience(holder=MAL).work(long)) for _ in range(24)]
    await asyncio.sleep(0)
    try:
        assert await asyncio.wait_for(Patience(holder=ADA).work(short), 20) == 2
        assert not any(task.done() for task in flood)
    finally:
        stop.set()
    assert await asyncio.gather(*flood) == [1] * 24


async def test_whoever_waits_in_vain_for_a_thread_is_told_so_in_time() -> None:
    stop = threading.Event()

    def long(budget: Budget) -> int:
        if threading.current_thread() is threading.main_thread():
            raise OverBudget
        assert stop.wait(30)
        return 1

    first = asyncio.create_task(Patience(holder=MAL).work(long))
    await asyncio.sleep(0)
    try:
        with pytest.raises(Busy, match="threads"):
            await Patience(holder=MAL, deadline=asyncio.get_running_loop().time() + 0.01).work(long)
    finally:
        stop.set()
    assert await first == 1


async def test_a_caller_that_gave_up_keeps_its_place_until_the_thread_is_free() -> None:
    """Otherwise a few that give up at once would fill the threads for everybody."""
    stop, began = threading.Event(), threading.Event()

    def long(budget: Budget) -> int:
        if threading.current_thread() is threading.main_thread():
            raise OverBudget
        began.set()
        assert stop.wait(30)
        return 1

    for _ in range(5):
        began.clear()
        task = asyncio.create_task(Patience(holder=MAL).work(long))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    try:
        assert await asyncio.wait_for(Patience(holder=ADA).work(lambda budget: 2), 20) == 2
    finally:
        stop.set()
