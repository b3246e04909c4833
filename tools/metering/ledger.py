"""A ledger: entries are taken without waiting and written in batches, each with the settlement of what was set aside for it."""

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import anyio

from tools.metering.alerts import tell
from tools.metering.spending import BudgetAlert

CAPACITY = 20_000
BATCH_ROWS = 500
INTERVAL_S = 0.1
RETRY_S = 1.0
FLUSH_TIMEOUT_S = 5.0

log = logging.getLogger("ascend")

Entry = TypeVar("Entry")


class Ledger(Generic[Entry]):
    """A bounded queue in front of a store. Where the store does not keep up, entries are dropped and counted, but none that settles
    a reservation: what was spent is never forgotten. An entry is on disk some 0.2 s after it came at most.

    `append` writes a batch in one transaction, and changes nothing for entries that are there. `name`: of the rows, in the log.
    """

    def __init__(
        self,
        append: Callable[[Sequence[Entry]], Awaitable[Sequence[BudgetAlert]]],
        name: str,
        *,
        dropped: Callable[[int], None] = lambda _rows: None,
        capacity: int = CAPACITY,
    ) -> None:
        self._append, self._name, self._dropped, self._capacity = append, name, dropped, capacity
        self._waiting: deque[Entry] = deque()
        self._arrived = anyio.Event()
        self._turn = anyio.Lock()

    def put(self, entry: Entry, *, is_settling: bool) -> None:
        """Take an entry; it is written, and what it settles is settled, soon."""
        if not is_settling and len(self._waiting) >= self._capacity:
            self._dropped(1)
            return
        self._waiting.append(entry)
        self._arrived.set()

    @property
    def waiting(self) -> int:
        """How many entries are not on disk yet."""
        return len(self._waiting)

    async def run(self) -> None:
        """Write in batches until cancelled, then write what is left."""
        try:
            while True:
                await self._arrived.wait()
                await anyio.sleep(INTERVAL_S)
                self._arrived = anyio.Event()
                await self.flush()
                if self._waiting:
                    self._arrived.set()
                    await anyio.sleep(RETRY_S)
        finally:
            with anyio.move_on_after(FLUSH_TIMEOUT_S, shield=True):
                await self.flush()
            if self._waiting:
                log.error(f"{self._name}_lost", extra={"facts": {"rows": len(self._waiting), "reason": "shutdown"}})

    async def flush(self) -> int:
        """Write everything that waits now and return how many rows that was; what the store refuses stays for the next time."""
        written = 0
        async with self._turn:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(BATCH_ROWS, len(self._waiting)))]
                is_written = False
                try:
                    alerts = await self._append(batch)
                    is_written = True
                except Exception as error:
                    log.error(f"{self._name}_not_written", exc_info=error, extra={"facts": {"rows": len(batch)}})
                    break
                finally:
                    # Written twice does no harm: a row that is there settles nothing.
                    if not is_written:
                        self._waiting.extendleft(reversed(batch))
                written += len(batch)
                tell(alerts)
        return written
