"""Long work in small parts: the loop has a turn in between, so that nobody else waits for the whole of it."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

#: far below what anybody notices, far above what a turn costs
TURN_S = 0.005
T = TypeVar("T")


async def in_turns(items: Iterable[T]) -> AsyncIterator[T]:
    """Yield `items`; whoever works on each lets the loop go round whenever `TURN_S` have passed."""
    began = time.perf_counter()
    for item in items:
        yield item
        if time.perf_counter() - began > TURN_S:
            await asyncio.sleep(0)
            began = time.perf_counter()
