"""The call log: rows are taken without waiting and written in batches."""

import logging
from collections import deque
from collections.abc import Sequence
from typing import Protocol

import anyio

from server.observability.telemetry import Telemetry
from server.observability.trace_context import Tracing
from tools.stores import CallRecord

logger = logging.getLogger(__name__)

CAPACITY = 20_000
BATCH_ROWS = 2_000
INTERVAL_S = 0.25
#: log lines are worth more when they are fresh, and short batches do not hold up requests
ACCOUNTINGS_PER_FLUSH = 5
FLUSH_TIMEOUT_S = 2.0


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
        unavailable: tuple[type[Exception], ...] = (OSError,),
    ) -> None:
        """`unavailable`: what the store raises where it is away; rows wait then. Whatever else it raises is about a row."""
        self._store = store
        self._telemetry = telemetry
        self._tracing = tracing or Tracing()
        self._capacity = capacity
        self._interval_s, self._unavailable = interval_s, unavailable
        #: calls not yet counted and logged, and rows not yet written
        self._fresh: list[CallRecord] = []
        self._waiting: deque[CallRecord] = deque()

    def record(self, record: CallRecord) -> None:
        """Take the record; its log line and its row are written soon."""
        if self._tracing.is_collected:
            self._tracing.recorded(record)
        self._fresh.append(record)

    async def run(self) -> None:
        """Account and write in turns until cancelled, then write what is left. A store that hangs does not hold up the log."""
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._account_regularly)
                while True:
                    await anyio.sleep(self._interval_s)
                    await self.flush()
        finally:
            with anyio.move_on_after(FLUSH_TIMEOUT_S, shield=True):
                await self.flush()
            if self._waiting:
                logger.error("call_rows_lost", extra={"facts": {"rows": len(self._waiting), "reason": "shutdown"}})

    async def _account_regularly(self) -> None:
        while True:
            await anyio.sleep(self._interval_s / ACCOUNTINGS_PER_FLUSH)
            self.account()

    def account(self) -> None:
        """Count and log what was recorded since the last time, and queue its rows."""
        fresh, self._fresh = self._fresh, []
        if not fresh:
            return
        self._telemetry.called(fresh)
        room = max(0, self._capacity - len(self._waiting))
        self._waiting.extend(fresh[:room])
        if dropped := len(fresh) - room if len(fresh) > room else 0:
            self._telemetry.call_rows_dropped.inc(dropped)
            logger.error("call_rows_dropped", extra={"facts": {"rows": dropped, "capacity": self._capacity}})

    async def _write_apart(self, batch: Sequence[CallRecord]) -> bool:
        """Write rows one by one, without those that the store does not take; False: it went away, and who waits may come twice."""
        for record in batch:
            try:
                await self._store.append_calls([record])
            except self._unavailable:
                return False
            except Exception as error:
                self._telemetry.call_rows_dropped.inc()
                facts = {"trace_id": record.trace_id, "kind": type(error).__name__}
                logger.error("call_row_dropped", extra={"facts": facts})
        return True

    async def flush(self) -> None:
        """Account for and write everything; rows that the store refuses stay for the next time."""
        self.account()
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(BATCH_ROWS, len(self._waiting)))]
            is_written = False
            try:
                await self._store.append_calls(batch)
                is_written = True
            except self._unavailable as error:
                logger.exception("call_rows_not_written", extra={"facts": {"rows": len(batch), "kind": type(error).__name__}})
                break
            except Exception as error:
                # The store answers and does not take them: one row must not hold up all that come after it.
                logger.exception("call_rows_refused", extra={"facts": {"rows": len(batch), "kind": type(error).__name__}})
                is_written = await self._write_apart(batch)
                if not is_written:
                    break
            finally:
                if not is_written:
                    self._waiting.extendleft(reversed(batch))
        self._telemetry.call_rows_waiting.set(len(self._waiting))
