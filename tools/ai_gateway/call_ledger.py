"""The ledger of model calls: closed without waiting, written in batches, each row with the settlement of what was set aside for it."""

import logging
from collections import deque
from typing import Protocol

import anyio

from tools.ai_gateway.call_record import ModelCallRecord
from tools.ai_gateway.stores import ClosedCall, ModelCallStore
from tools.metering.alerts import tell
from tools.metering.spending import Amount, Reservation, settled

CAPACITY = 20_000
BATCH_ROWS = 500
INTERVAL_S = 0.1
RETRY_S = 1.0
FLUSH_TIMEOUT_S = 5.0

log = logging.getLogger("ascend")


class LedgerWatcher(Protocol):
    """Who counts what goes through the ledger."""

    def closed(self, record: ModelCallRecord) -> None: ...

    def dropped(self, rows: int) -> None: ...


class CallLedger:
    """A bounded queue in front of the store. Where the store does not keep up, rows are dropped and counted, but none that settles
    a reservation: what was spent is never forgotten. A row is on disk some 0.2 s after its call at most.
    """

    def __init__(self, store: ModelCallStore, watcher: LedgerWatcher, *, capacity: int = CAPACITY) -> None:
        self._store, self._watcher, self._capacity = store, watcher, capacity
        self._waiting: deque[ClosedCall] = deque()
        self._arrived = anyio.Event()
        self._turn = anyio.Lock()

    def close(self, record: ModelCallRecord, reservation: Reservation | None, spent: Amount) -> None:
        """Take what became of a call; it is written, and its reservation settled, soon."""
        self._watcher.closed(record)
        if reservation is None and len(self._waiting) >= self._capacity:
            self._watcher.dropped(1)
            return
        settlement = None if reservation is None else settled(reservation, spent, record.provider, record.model)
        self._waiting.append(ClosedCall(record, settlement))
        self._arrived.set()

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
                log.error("model_call_rows_lost", extra={"facts": {"rows": len(self._waiting), "reason": "shutdown"}})

    async def flush(self) -> int:
        """Write everything that waits now and return how many rows that was; what the store refuses stays for the next time."""
        written = 0
        async with self._turn:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(BATCH_ROWS, len(self._waiting)))]
                is_written = False
                try:
                    alerts = await self._store.append(batch)
                    is_written = True
                except Exception as error:
                    log.error("model_call_rows_not_written", exc_info=error, extra={"facts": {"rows": len(batch)}})
                    break
                finally:
                    # Written twice does no harm: a row that is there settles nothing.
                    if not is_written:
                        self._waiting.extendleft(reversed(batch))
                written += len(batch)
                tell(alerts)
        return written
