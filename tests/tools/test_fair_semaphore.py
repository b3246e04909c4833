"""A line that no tenant and no person can hold up for the others."""

import asyncio
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.examples import examples
from tools.errors import Busy
from tools.fair_semaphore import MAX_WAITING, FairSemaphore, Holder

MAL: Holder = ("flood", "mal")
EVE: Holder = ("flood", "eve")
ADA: Holder = ("quiet", "ada")


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def waiting(semaphore: FairSemaphore, holder: Holder, served: list[str], name: str) -> None:
    await semaphore.wait(holder)
    served.append(name)


@pytest.mark.parametrize("places", [2, 8, 100])
async def test_one_who_floods_leaves_places_to_other_tenants(places: int) -> None:
    """Whoever comes first takes what is there, but never all of it."""
    semaphore = FairSemaphore(places, "the sandboxes")
    taken = sum(semaphore.take(MAL) for _ in range(10 * places))
    assert 1 <= taken <= places // 3 + 1
    assert semaphore.take(ADA)


async def test_another_person_of_a_tenant_that_floods_gets_a_place() -> None:
    semaphore = FairSemaphore(8, "the sandboxes")
    while semaphore.take(MAL):
        pass
    assert semaphore.take(EVE)


async def test_one_person_alone_gets_a_place_even_where_there_is_only_one() -> None:
    semaphore = FairSemaphore(1, "the press")
    assert semaphore.take(MAL)
    assert not semaphore.take(ADA)


async def test_freed_places_go_round_tenants_then_persons() -> None:
    """A hundred that wait for one tenant do not keep the one of another waiting for more than one turn."""
    semaphore = FairSemaphore(1, "the press")
    assert semaphore.take(MAL)
    served: list[str] = []
    names = [(MAL, f"mal{number}") for number in range(3)] + [(EVE, "eve")] + [(ADA, "ada0"), (ADA, "ada1")]
    tasks = [asyncio.create_task(waiting(semaphore, holder, served, name)) for holder, name in names]
    await settle()
    holder_of = {name: holder for holder, name in names}
    semaphore.release(MAL)
    await settle()
    while len(served) < len(names):
        semaphore.release(holder_of[served[-1]])
        await settle()
    assert served == ["mal0", "ada0", "eve", "ada1", "mal1", "mal2"]
    await asyncio.gather(*tasks)


async def test_a_wait_ends_with_the_time_of_the_call_and_says_what_was_busy() -> None:
    semaphore = FairSemaphore(1, "the press")
    assert semaphore.take(MAL)
    with pytest.raises(Busy) as caught:
        await semaphore.wait(ADA, asyncio.get_running_loop().time() + 0.01)
    failure = caught.value.failure
    assert (failure.code, failure.retryable) == ("busy", True)
    assert "the press" in failure.message
    assert failure.hint
    semaphore.release(MAL)
    assert semaphore.take(MAL)


async def test_a_place_that_came_with_the_cancellation_goes_to_the_next() -> None:
    """Whoever is woken and cancelled in the same moment must not take the place along."""
    semaphore = FairSemaphore(1, "the press")
    assert semaphore.take(MAL)
    served: list[str] = []
    gone = asyncio.create_task(waiting(semaphore, ADA, served, "gone"))
    stays = asyncio.create_task(waiting(semaphore, ADA, served, "stays"))
    await settle()
    semaphore.release(MAL)
    gone.cancel()
    await asyncio.wait([gone, stays], timeout=5)
    assert served == ["stays"]


async def test_a_block_that_breaks_gives_its_place_back() -> None:
    semaphore = FairSemaphore(1, "the press")
    with pytest.raises(ZeroDivisionError):
        async with semaphore.hold(ADA):
            raise ZeroDivisionError
    assert semaphore.in_use == 0


async def test_one_persons_line_has_an_end() -> None:
    """Waiting costs memory."""
    semaphore = FairSemaphore(1, "the press")
    assert semaphore.take(MAL)
    tasks = [asyncio.create_task(semaphore.wait(MAL)) for _ in range(MAX_WAITING)]
    await settle()
    with pytest.raises(Busy):
        await semaphore.wait(MAL)
    other = asyncio.create_task(semaphore.wait(ADA))
    await settle()
    assert not other.done()
    for task in [*tasks, other]:
        task.cancel()
    await asyncio.gather(*tasks, other, return_exceptions=True)
    semaphore.release(MAL)
    assert semaphore.take(ADA)


HOLDERS = st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from(["1", "2"]))


class Crowd(RuleBasedStateMachine):
    """Any order of coming, leaving, giving up, and both at once: no place is lost, nobody is forgotten, the line is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.semaphore = FairSemaphore(4, "the press")
        self.held: Counter[Holder] = Counter()
        self.waits: list[tuple[int, Holder, asyncio.Task[None]]] = []
        self.order: dict[Holder, list[int]] = {}
        self.number = 0

    def teardown(self) -> None:
        try:
            self._serve_all()
        finally:
            self.loop.close()

    def _serve_all(self) -> None:
        for _ in range(1_000):
            self._run()
            holder = next(iter(self.held.elements()), None)
            if holder is None:
                break
            self.held[holder] -= 1
            self.semaphore.release(holder)
        self._run()
        assert not self.waits, "somebody was never served"
        assert self.semaphore.in_use == 0
        for served in self.order.values():
            assert all(earlier < later for earlier, later in pairwise(served))

    def _run(self) -> None:
        self.loop.run_until_complete(settle())
        for entry in list(self.waits):
            _number, _holder, task = entry
            if not task.done():
                continue
            self.waits.remove(entry)
            if not task.cancelled():
                task.result()

    async def _wait(self, number: int, holder: Holder) -> None:
        await self.semaphore.wait(holder)
        self.held[holder] += 1
        self.order.setdefault(holder, []).append(number)

    @rule(holder=HOLDERS)
    def take(self, holder: Holder) -> None:
        if self.semaphore.take(holder):
            self.held[holder] += 1

    @rule(holder=HOLDERS)
    def wait(self, holder: Holder) -> None:
        self.number += 1
        self.waits.append((self.number, holder, self.loop.create_task(self._wait(self.number, holder))))
        self._run()

    @rule(data=st.data(), cancels=st.sampled_from(["nobody", "before", "after"]))
    def release(self, data: st.DataObject, cancels: str) -> None:
        """Give a place back; perhaps somebody who waits gives up in the same turn of the loop, just before or just after."""
        if not +self.held:
            return
        holder = data.draw(st.sampled_from(sorted(+self.held)))
        leaver = data.draw(st.sampled_from(self.waits))[2] if self.waits else None
        if leaver is not None and cancels == "before":
            leaver.cancel()
        self.held[holder] -= 1
        self.semaphore.release(holder)
        if leaver is not None and cancels == "after":
            leaver.cancel()
        self._run()

    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        if self.waits:
            data.draw(st.sampled_from(self.waits))[2].cancel()
            self._run()

    @invariant()
    def every_place_is_counted(self) -> None:
        self._run()
        assert self.semaphore.in_use == self.held.total() <= 4

    @invariant()
    def nobody_waits_for_what_they_may_have(self) -> None:
        for _number, (tenant, person), _task in self.waits:
            in_tenant = sum(count for (other, _), count in self.held.items() if other == tenant)
            assert in_tenant + self.held[tenant, person] >= 4 - self.held.total()


Crowd.TestCase.settings = examples(100, stateful_step_count=40)
TestCrowd = Crowd.TestCase
