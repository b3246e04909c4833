"""Notices that a caller has left, and ends what is done for them."""

import asyncio
from typing import Final

from starlette.types import Receive

#: most calls of a test and hits of a cache are over before; watching costs a task
WATCH_AFTER_S: Final = 0.05


class LeavingWatch:
    """Cancels the task that answers once its caller's connection ends. `has_left` tells such a cancellation from any other."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._watching: asyncio.Task[None] | None = None
        self._timer = self._loop.call_later(WATCH_AFTER_S, self._begin)
        self.has_left = False

    def stop(self) -> None:
        """Watch no longer."""
        self._timer.cancel()
        if self._watching is not None:
            self._watching.cancel()

    def _begin(self) -> None:
        self._watching = self._loop.create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.has_left = True
        if self._task is not None:
            self._task.cancel()
