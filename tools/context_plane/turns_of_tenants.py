"""Work beside the calls, tenant after tenant: one with much to do lets the others go before."""

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable

import anyio

log = logging.getLogger("ascend.context")

LOOK_AGAIN_S = 60.0


class TurnsOfTenants:
    """Gives each tenant that wants it its turn, until cancelled. `tenant_ids`: those that there are now.

    `turn` does a little, and says whether there is more. What fails is logged as `failure`, and tried again a minute later.
    """

    def __init__(
        self,
        turn: Callable[[str], Awaitable[bool]],
        is_wanted: Callable[[str], bool],
        tenant_ids: Callable[[], Iterable[str]],
        failure: str,
    ) -> None:
        self._turn, self._is_wanted, self._tenant_ids, self._failure = turn, is_wanted, tenant_ids, failure
        self._woken = anyio.Event()
        self._turns: OrderedDict[str, None] = OrderedDict()

    def wake(self, tenant_id: str) -> None:
        """Give a tenant a turn now."""
        if self._is_wanted(tenant_id):
            self._turns.setdefault(tenant_id)
            self._woken.set()

    async def run(self) -> None:
        while True:
            for tenant_id in self._tenant_ids():
                if self._is_wanted(tenant_id):
                    self._turns.setdefault(tenant_id)
            try:
                await self._all()
            except Exception as error:  # the store may be away; what waits is there when it is back
                log.error(self._failure, exc_info=error)
            with anyio.move_on_after(LOOK_AGAIN_S):
                await self._woken.wait()
            self._woken = anyio.Event()

    async def _all(self) -> None:
        while self._turns:
            tenant_id, _ = self._turns.popitem(last=False)
            if self._is_wanted(tenant_id) and await self._turn(tenant_id):
                self._turns[tenant_id] = None
