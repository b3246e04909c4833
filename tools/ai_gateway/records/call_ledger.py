"""The ledger of model calls: closed without waiting, written in batches, each row with the settlement of what was set aside for it."""

from dataclasses import replace
from typing import Protocol

from tools.ai_gateway.records.call_record import ModelCallRecord
from tools.ai_gateway.stores import ClosedCall, ModelCallStore
from tools.metering.ledger import CAPACITY, Ledger
from tools.metering.spending import Amount, Reservation, settled

#: waiting rows beyond which the words of calls are let go: they weigh a hundred times as much as a row
PAYLOAD_CAPACITY = 1_000


class LedgerWatcher(Protocol):
    """Who counts what goes through the ledger."""

    def closed(self, record: ModelCallRecord) -> None: ...

    def dropped(self, rows: int) -> None: ...


class CallLedger:
    """What `Ledger` promises, for model calls and those who watch them."""

    def __init__(self, store: ModelCallStore, watcher: LedgerWatcher, *, capacity: int = CAPACITY) -> None:
        self._watcher = watcher
        self._ledger = Ledger[ClosedCall](store.append, "model_call_rows", dropped=watcher.dropped, capacity=capacity)

    def close(self, record: ModelCallRecord, reservation: Reservation | None, spent: Amount) -> None:
        """Take what became of a call; it is written, and its reservation settled, soon."""
        self._watcher.closed(record)
        if record.payload is not None and self._ledger.waiting >= PAYLOAD_CAPACITY:
            record = replace(record, payload=None)
        settlement = None if reservation is None else settled(reservation, spent, record.provider, record.model)
        self._ledger.put(ClosedCall(record, settlement), is_settling=settlement is not None)

    async def run(self) -> None:
        """Write in batches until cancelled, then write what is left."""
        await self._ledger.run()

    async def flush(self) -> int:
        """Write everything that waits now and return how many rows that was; what the store refuses stays for the next time."""
        return await self._ledger.flush()
