"""How often operations were used, from sums by the day; what days that are over came to is kept for a minute."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from server.storage.database import Database
from server.storage.history.rollups import DAY_US
from server.storage.history.tables import operation_days

#: a page of the console asks every 15 s; a batch may be written minutes after midnight, when a store was down
KEPT_S = 60.0
#: stretches of days that are kept at a time
MAX_KEPT = 4


@dataclass(frozen=True, slots=True)
class OperationUse:
    operation: str
    calls: int
    failures: int
    last_day_us: int

    def and_(self, other: "OperationUse") -> "OperationUse":
        """Return both together."""
        last_day_us = max(self.last_day_us, other.last_day_us)
        return OperationUse(self.operation, self.calls + other.calls, self.failures + other.failures, last_day_us)


#: of each operation, by its id
Uses = Mapping[str, OperationUse]


class OperationUses:
    """Table: operation_days. Of all tenants a month has as many rows as tenants, operations and days multiplied: sorting them costs."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database, self._clock = database, clock
        #: (first day, day after the last) of all tenants -> until when, and what
        self._kept: dict[tuple[int, int], tuple[float, Uses]] = {}

    async def of(self, since_us: int, until_us: int | None = None, tenant_id: str | None = None) -> Sequence[OperationUse]:
        """Return how often each operation was used on the days from `since_us` to `until_us`, the most used first."""
        first = since_us // DAY_US
        if until_us is None or tenant_id is not None:
            found = await self._sums(first, None if until_us is None else -(-until_us // DAY_US), tenant_id)
        else:
            # The last day goes on; what those before it came to is as it is.
            last = max(first, until_us // DAY_US)
            found = together(await self._over(first, last), await self._sums(last, max(last, -(-until_us // DAY_US))))
        return sorted(found.values(), key=lambda use: (-use.calls, use.operation))

    async def _over(self, first: int, after: int) -> Uses:
        now = self._clock()
        self._kept = {days: kept for days, kept in self._kept.items() if kept[0] > now}
        if (kept := self._kept.get((first, after))) is not None:
            return kept[1]
        found = await self._sums(first, after)
        while len(self._kept) >= MAX_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[first, after] = (now + KEPT_S, found)
        return found

    async def _sums(self, first: int, after: int | None, tenant_id: str | None = None) -> Uses:
        c = operation_days.c
        sums = (func.sum(c.calls).label("calls"), func.sum(c.failures).label("failures"), func.max(c.day).label("last_day"))
        query = select(c.operation, *sums).where(c.day >= first).group_by(c.operation)
        if after is not None:
            query = query.where(c.day < after)
        if tenant_id is not None:
            query = query.where(c.tenant == tenant_id)
        async with self._database.read() as connection:
            return {
                row.operation: OperationUse(
                    operation=row.operation, calls=int(row.calls), failures=int(row.failures), last_day_us=row.last_day * DAY_US
                )
                for row in await connection.execute(query)
            }


def together(some: Uses, others: Uses) -> Uses:
    """Return both, added up where an operation is in both."""
    found = dict(some)
    for name, use in others.items():
        found[name] = found[name].and_(use) if name in found else use
    return found
