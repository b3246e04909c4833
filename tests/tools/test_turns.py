"""Long work gives the loop a turn."""

import asyncio
import time

import pytest

from tools.turns import TURN_S, in_turns


async def test_others_have_a_turn_between_the_parts_of_long_work() -> None:
    """As soon as the work took longer than a turn."""
    others: list[int] = []
    asyncio.get_running_loop().call_soon(others.append, 1)
    done: list[int] = []
    async for item in in_turns(range(3)):
        assert bool(others) is (item > 0)
        until = time.perf_counter() + 2 * TURN_S
        while time.perf_counter() < until:
            pass
        done.append(item)
    assert done == [0, 1, 2]


async def test_short_work_is_done_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn costs more than it is worth there."""
    monkeypatch.setattr("tools.turns.TURN_S", 60)  # this process may itself be left waiting for five milliseconds
    others: list[int] = []
    asyncio.get_running_loop().call_soon(others.append, 1)
    assert [item async for item in in_turns(range(3))] == [0, 1, 2]
    assert not others
