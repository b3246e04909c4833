"""A semaphore that no tenant and no person can take whole: for every resource of which a process has only so many.

Who may take a place is decided by dynamic thresholds, known from shared switch buffers (Choudhury and Hahne, 1998): what a tenant and
a person hold already must be less than what is free. So something always stays free for who comes next, whoever floods, and nobody
has to be told a share beforehand. Who may not waits; freed places go round the tenants that wait, within a tenant round its
persons, and within a person in order of arrival (docs/decisions/0021).
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tools.errors import Busy

#: (tenant, subject); work of the gateway itself has no tenant
Holder = tuple[str, str]

GATEWAY: Holder = ("", "")
#: in the lines of one person; more than any client waits for
MAX_WAITING = 1_000


class FairSemaphore:
    """`places` of `what`, shared by tenants and persons. For one event loop; whoever takes a place releases it.

    Of P places one person alone takes up to a third (at least one); while one does so, another tenant gets a place at once.
    """

    def __init__(self, places: int, what: str) -> None:
        self.places, self.what = places, what
        self._free = places
        #: places of each tenant, and of each person
        self._held: dict[str | Holder, int] = {}
        #: tenant -> person -> who waits; the tenant, and in it the person, that was served last stands last. Nobody here may take a place.
        self._waiting: dict[str, dict[str, deque[asyncio.Future[None]]]] = {}

    @property
    def in_use(self) -> int:
        """How many places are taken."""
        return self.places - self._free

    def is_used_by(self, holder: Holder) -> bool:
        """Say whether `holder` has a place or waits for one."""
        return holder in self._held or (bool(self._waiting) and holder[1] in self._waiting.get(holder[0], {}))

    def take(self, holder: Holder) -> bool:
        """Take a place where `holder` may have one now; otherwise say so and take none."""
        held, tenant = self._held, holder[0]
        in_tenant, own = held.get(tenant, 0), held.get(holder, 0)
        if in_tenant + own >= self._free:
            return False
        self._free -= 1
        held[tenant], held[holder] = in_tenant + 1, own + 1
        return True

    async def wait(self, holder: Holder, deadline: float | None = None) -> None:
        """Take a place, waiting for it until `deadline` (loop time). Raises Busy."""
        if self.take(holder):
            return
        tenant, person = holder
        line = self._waiting.setdefault(tenant, {}).setdefault(person, deque())
        if len(line) >= MAX_WAITING:
            raise Busy(self.what)
        turn = asyncio.get_running_loop().create_future()
        line.append(turn)
        try:
            async with asyncio.timeout_at(deadline):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self.release(holder)  # The place came in the same moment: it goes to the next.
            else:
                self._leave(holder, turn)
            if isinstance(error, TimeoutError):
                raise Busy(self.what) from error
            raise

    def release(self, holder: Holder) -> None:
        """Give back one place that `holder` took."""
        self._put_back(holder)
        while self._waiting and (found := self._next()) is not None:
            turn, waiter = found
            if turn.done():
                self._put_back(waiter)  # Cancelled in this turn of the loop; its task could not leave the line yet.
            else:
                turn.set_result(None)

    @asynccontextmanager
    async def hold(self, holder: Holder, deadline: float | None = None) -> AsyncIterator[None]:
        """Hold a place within the block, waiting for it until `deadline` (loop time). Raises Busy."""
        if not self.take(holder):
            await self.wait(holder, deadline)
        try:
            yield
        finally:
            self.release(holder)

    def _put_back(self, holder: Holder) -> None:
        self._free += 1
        for each in (holder[0], holder):
            if self._held[each] > 1:
                self._held[each] -= 1
            else:
                del self._held[each]

    def _next(self) -> tuple[asyncio.Future[None], Holder] | None:
        """Take a place for whoever's turn it is, or return None where nobody who waits may have one.

        Passes only over those who hold something: no more than there are places.
        """
        for tenant, persons in self._waiting.items():
            if self._held.get(tenant, 0) >= self._free:
                continue
            for person, line in persons.items():
                if not self.take((tenant, person)):
                    continue
                turn = line.popleft()
                del self._waiting[tenant], persons[person]
                if line:
                    persons[person] = line
                if persons:
                    self._waiting[tenant] = persons
                return turn, (tenant, person)
        return None

    def _leave(self, holder: Holder, turn: asyncio.Future[None]) -> None:
        tenant, person = holder
        persons = self._waiting.get(tenant, {})
        if turn not in persons.get(person, ()):
            return
        persons[person].remove(turn)
        if not persons[person]:
            del persons[person]
        if not persons:
            del self._waiting[tenant]
