"""Requests that take long to write: in a thread, where whoever waits gets the interpreter every few milliseconds."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tools.fair_semaphore import FairSemaphore
from tools.operation import Call
from tools.sources.http.request_plan import BuiltRequest

PLACES = 2


class LargeRequests:
    """Has requests written where that holds nobody up; the threads are shared fairly by tenants and persons."""

    def __init__(self) -> None:
        self._turns = FairSemaphore(PLACES, "the threads that write large requests")
        self._threads = ThreadPoolExecutor(PLACES, thread_name_prefix="request")

    async def write(self, build: Callable[[], BuiltRequest], call: Call) -> BuiltRequest:
        """Return what `build` does, and raise what it raises; Busy where `call` has no time left to wait for its turn."""
        holder = call.principal.person
        await self._turns.wait(holder, call.deadline)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, build)
        finally:
            self._turns.release(holder)
