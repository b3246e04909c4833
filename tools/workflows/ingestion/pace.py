"""How fast a source is asked: one call after the other, so many a second at the most."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio

#: above an interval: what a vendor's clock may differ by
_MARGIN = 1.02


def _wall_us() -> int:
    return time.time_ns() // 1000


@dataclass(frozen=True, slots=True)
class Time:
    """The time of day, and intervals as they are measured and waited for."""

    now_us: Callable[[], int] = _wall_us
    now_s: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep

    async def second_us(self) -> int:
        """Return the time of day, to the second: as windows are asked for."""
        return self.now_us() // 1_000_000 * 1_000_000


class Pace:
    """Lets calls through one at a time, each so long after the answer to the one before that no second ever sees more than `per_s` begin.

    The time that an answer takes counts as well, so that no delay on the way can bring two of them closer together.
    """

    def __init__(self, per_s: float, time: Time) -> None:
        self._interval_s, self._time = _MARGIN / per_s, time
        self._free = anyio.Lock()
        self._next_s = 0.0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for one's turn; it is over on leaving."""
        async with self._free:
            if (wait_s := self._next_s - self._time.now_s()) > 0:
                await self._time.sleep(wait_s)
            try:
                yield
            finally:
                self._next_s = self._time.now_s() + self._interval_s
