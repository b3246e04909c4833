"""Children that work for whoever asks: at most so many, shared fairly, begun when needed, ended with the time for their work."""

import asyncio
import atexit
import math
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from tools.child_processes.child import Child
from tools.child_processes.messages import Part
from tools.fair_semaphore import FairSemaphore, Holder


class OutOfTime(Exception):
    """The time for the work was over before the child answered; it is gone."""


class ChildPool:
    """At most `places` processes that run `module`, which are `what` in words, shared fairly by tenants and persons.

    `apart`: a child works for one person only, so that a parser which a document has taken over sees no other person's. Children
    that wait for work are then ended where somebody else needs their place.
    """

    def __init__(self, places: int, what: str, module: str, idle_s: float, *, apart: bool = False) -> None:
        self._turns = FairSemaphore(places, what)
        self._threads = ThreadPoolExecutor(places, thread_name_prefix=module.rpartition(".")[2])
        self._module, self._idle_s, self._apart = module, idle_s, apart
        #: who each worked for, in order of use; all the same where they are not kept apart
        self._idle: list[tuple[Holder | None, Child]] = []
        atexit.register(self.close)

    async def ask(
        self, message: Callable[[], Sequence[Part]], holder: Holder, *, max_s: float = math.inf, deadline: float | None = None
    ) -> list[bytes]:
        """Return a child's answer to `message()`, which is made in a thread; a child that does not answer is killed.

        It has `max_s` from when a place is free, and ends at `deadline` (loop time) in any case. A caller that is cancelled ends it as
        well. Raises Busy where no place was free in time, OutOfTime and ChildEnded.
        """
        await self._turns.wait(holder, deadline)
        try:
            return await self._asked(message, holder, min(asyncio.get_running_loop().time() + max_s, deadline or math.inf))
        finally:
            self._turns.release(holder)

    async def _asked(self, message: Callable[[], Sequence[Part]], holder: Holder, ends_at: float) -> list[bytes]:
        whose = holder if self._apart else None
        child = self._waiting(whose) or await self._begun(whose)
        try:
            async with asyncio.timeout_at(ends_at):
                answer = await asyncio.get_running_loop().run_in_executor(self._threads, lambda: child.ask(message()))
        except TimeoutError:
            _end(child)
            raise OutOfTime from None
        except BaseException:
            _end(child)
            raise
        child.used()
        self._idle.append((whose, child))
        asyncio.get_running_loop().call_later(self._idle_s, self._reap)
        return answer

    def _reap(self) -> None:
        """Take leave of the children that nobody asked for so long that they ended by themselves."""
        for waiting in [waiting for waiting in self._idle if not waiting[1].is_alive]:
            self._idle.remove(waiting)
            _end(waiting[1])

    def _waiting(self, whose: Holder | None) -> Child | None:
        """Return a child that waits for work of `whose`, the last one used first, or None."""
        for at in reversed(range(len(self._idle))):
            if self._idle[at][0] != whose:
                continue
            _, child = self._idle.pop(at)
            if child.is_alive:
                return child
            _end(child)
        return None

    async def _begun(self, whose: Holder | None) -> Child:
        """Return a new child; one whose caller gives up meanwhile waits for the next."""
        while self._idle and len(self._idle) + self._turns.in_use > self._turns.places:
            _end(self._idle.pop(0)[1])
        beginning = self._threads.submit(Child, self._module, self._idle_s)
        try:
            return await asyncio.wrap_future(beginning)
        except asyncio.CancelledError:
            beginning.add_done_callback(lambda begun: self._keep(whose, begun))
            raise

    def _keep(self, whose: Holder | None, begun: Future[Child]) -> None:
        if not begun.cancelled() and begun.exception() is None:
            self._idle.append((whose, begun.result()))

    def close(self) -> None:
        """End the children that wait for work."""
        while self._idle:
            _, child = self._idle.pop()
            child.kill()
            child.bury()


def _end(child: Child) -> None:
    child.kill()
    threading.Thread(target=child.bury, name="child-end", daemon=True).start()
