"""Children that work for whoever asks: what they may use, whom they work for, how they end."""

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from tests.waiting import until
from tools.child_processes.child import ChildEnded
from tools.child_processes.pool import ChildPool, OutOfTime
from tools.errors import Busy

ADA, EVE, MAL = ("acme", "ada"), ("acme", "eve"), ("flood", "mal")
MODULE = "tests.tools.child_processes.obedient_child"


@pytest.fixture
def pool() -> Iterator[ChildPool]:
    pool = ChildPool(2, "the children of a test", MODULE, 60, apart=True)
    yield pool
    pool.close()


async def ask(
    pool: ChildPool, *order: bytes, holder: tuple[str, str] = ADA, max_s: float = 30, deadline: float | None = None
) -> list[bytes]:
    return await pool.ask(lambda: order, holder, max_s=max_s, deadline=deadline)


async def pid_of(pool: ChildPool, holder: tuple[str, str]) -> int:
    return int((await ask(pool, b"pid", holder=holder))[0])


async def is_gone(pid: int) -> None:
    """Wait until the process is ended and reaped."""

    def gone() -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return False

    await until(gone)


async def test_what_is_asked_comes_back_whole_whatever_its_size(pool: ChildPool) -> None:
    parts = [b"", b"x" * 3_000_000, bytes(range(256))]
    assert await ask(pool, b"echo", *parts) == parts
    assert await ask(pool, b"echo") == []


async def test_a_child_works_for_one_person_only(pool: ChildPool) -> None:
    """A parser that a document has taken over would read the next person's."""
    first = await pid_of(pool, ADA)
    assert await pid_of(pool, ADA) == first
    assert len({first, await pid_of(pool, EVE), await pid_of(pool, MAL)}) == 3


async def test_children_that_wait_give_their_place_to_who_needs_it(pool: ChildPool) -> None:
    """Two places are two processes, whoever asks."""
    pids = [await pid_of(pool, holder) for holder in (ADA, EVE, MAL)]
    await is_gone(pids[0])
    assert await pid_of(pool, MAL) == pids[2]


async def test_children_that_are_not_kept_apart_work_for_everybody() -> None:
    pool = ChildPool(2, "the children of a test", MODULE, 60)
    assert await pid_of(pool, ADA) == await pid_of(pool, MAL)
    pool.close()


async def test_a_child_that_nobody_asks_for_ends_and_is_reaped() -> None:
    pool = ChildPool(2, "the children of a test", MODULE, 0.2)
    await is_gone(await pid_of(pool, ADA))
    pool.close()


async def test_a_child_that_takes_too_long_is_killed(pool: ChildPool) -> None:
    pid = await pid_of(pool, ADA)
    with pytest.raises(OutOfTime):
        await ask(pool, b"sleep", max_s=0.2)
    await is_gone(pid)
    assert await ask(pool, b"echo", b"again") == [b"again"]


async def test_a_child_whose_caller_goes_away_is_killed(pool: ChildPool) -> None:
    pid = await pid_of(pool, ADA)
    asking = asyncio.create_task(ask(pool, b"sleep"))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await is_gone(pid)


async def test_a_child_that_ends_fails_the_work_alone(pool: ChildPool) -> None:
    with pytest.raises(ChildEnded):
        await ask(pool, b"end")
    assert await ask(pool, b"echo", b"again") == [b"again"]


async def test_the_system_ends_a_child_that_computes_too_long(pool: ChildPool) -> None:
    """RLIMIT_CPU: no clock of ours is needed."""
    with pytest.raises(ChildEnded) as ended:
        await ask(pool, b"compute")
    assert ended.value.code == -signal.SIGXCPU


async def test_a_child_gets_no_more_memory_than_its_limit(pool: ChildPool) -> None:
    assert await ask(pool, b"grow", b"1000000") == [b"1000000"]
    assert await ask(pool, b"grow", b"300000000") == [b"no memory"]


@pytest.mark.parametrize("way", [b"connect", b"read", b"start"], ids=bytes.decode)
async def test_a_child_that_opens_nothing_finds_no_way_out(pool: ChildPool, way: bytes) -> None:
    assert await ask(pool, way) == [b"OSError"]


async def test_one_person_does_not_take_every_place(pool: ChildPool) -> None:
    """The second piece of work waits, and somebody else's is done meanwhile."""
    slow = asyncio.create_task(ask(pool, b"sleep"))
    await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    with pytest.raises(Busy):
        await ask(pool, b"echo", deadline=loop.time() + 0.05)
    assert await ask(pool, b"echo", b"mine", holder=MAL) == [b"mine"]
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
