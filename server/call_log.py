"""The call log: rows are taken without waiting and written in batches."""

import logging
from collections import deque
from collections.abc import Sequence
from typing import Protocol

import anyio

from server.telemetry import Telemetry
from server.trace_context import Tracing
from tools.stores import CallRecord

logger = logging.getLogger(__name__)

CAPACITY = 20_000
BATCH_ROWS = 500
INTERVAL_S = 0.25
FLUSH_TIMEOUT_S = 5.0


class CallRecordStore(Protocol):
    async def append_calls(self, records: Sequence[CallRecord]) -> None:
        """Write all of `records` in one transaction, or none."""
        ...


class CallLog:
    """A `Recorder`: what a call leaves behind (row, log line, metrics, span). A full queue drops rows, counted, and slows nobody down.

    A row is on disk at most about `interval_s` after its call; a killed process loses no more than that.
    """

    def __init__(
        self,
        store: CallRecordStore,
        telemetry: Telemetry,
        tracing: Tracing | None = None,
        *,
        capacity: int = CAPACITY,
        interval_s: float = INTERVAL_S,
    ) -> None:
        self._store = store
        self._telemetry = telemetry
        self._tracing = tracing or Tracing()
        self._capacity = capacity
        self._interval_s = interval_s
        self._waiting: deque[CallRecord] = deque()
        self._dropped_since_report = 0

    def record(self, record: CallRecord) -> None:
        """Count and log the call now; its row is written soon."""
        self._telemetry.called(record)
        self._tracing.recorded(record)
        if len(self._waiting) >= self._capacity:
            self._dropped_since_report += 1
            self._telemetry.call_rows_dropped.inc()
            return
        self._waiting.append(record)

    async def run(self) -> None:
        """Write batches until cancelled, then write what is left."""
        try:
            while True:
                await anyio.sleep(self._interval_s)
                await self.flush()
        finally:
            with anyio.move_on_after(FLUSH_TIMEOUT_S, shield=True):
                await self.flush()
            if self._waiting:
                logger.error("call_rows_lost", extra={"facts": {"rows": len(self._waiting), "reason": "shutdown"}})

    async def flush(self) -> None:
        """Write everything that waits; rows that the store refuses stay for the next time."""
        self._report_dropped()
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(BATCH_ROWS, len(self._waiting)))]
            is_written = False
            try:
                await self._store.append_calls(batch)
                is_written = True
            except Exception as error:
                logger.exception("call_rows_not_written", extra={"facts": {"rows": len(batch), "kind": type(error).__name__}})
                break
            finally:
                if not is_written:
                    self._waiting.extendleft(reversed(batch))
        self._telemetry.call_rows_waiting.set(len(self._waiting))

    def _report_dropped(self) -> None:
        if self._dropped_since_report:
            logger.error("call_rows_dropped", extra={"facts": {"rows": self._dropped_since_report, "capacity": self._capacity}})
            self._dropped_since_report = 0
