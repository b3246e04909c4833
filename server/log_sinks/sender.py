"""One stream of one sink: the next rows are put on record as being sent, sent, and put on record as arrived.

Who dies between two of these leaves to the next process which rows to send again: the same ones, under the same name.
"""

import logging
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import anyio

from server.config_versions.sections.sinks import LogSink
from server.log_sinks.batch import Batch
from server.log_sinks.destinations.destination import Destination, SinkFailed
from server.log_sinks.destinations.opened import Destinations
from server.storage.database import StoreUnavailable, now_us
from server.storage.history.shipped_rows import ShippedRow, Span, Stream
from server.storage.history.sink_cursors import LeaseLost, SinkCursor, SqlSinkCursors

#: a sender that has not said so for as long is taken for dead; one that only was slow changes nothing any more
LEASE_S = 60.0
RELEASE_TIMEOUT_S = 2.0
#: between two looks for rows
SHORTEST_LOOK_S, LONGEST_LOOK_S = 1.0, 15.0
#: after a failure, twice as long each time
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 300.0
STORE_AWAY_WAIT_S = 5.0
#: after a fault of ours
FAULT_WAIT_S = 30.0
#: of a batch that is sent again as it was
MAX_ROWS = 50_000
log = logging.getLogger("ascend")


class ReadsRows(Protocol):
    async def span(self, stream: Stream) -> Span:
        """Return which rows may be read."""
        ...

    async def rows(self, stream: Stream, after: int, until: int, limit: int) -> Sequence[ShippedRow]:
        """Return rows in the order of their numbers."""
        ...


@dataclass(slots=True)
class StreamSender:
    """Sends while it has the lease; any number of processes may have one for the same sink."""

    sink: LogSink
    stream: Stream
    owner: str
    reading: ReadsRows
    cursors: SqlSinkCursors
    destinations: Destinations
    clock_us: Callable[[], int] = now_us
    lease_s: float = LEASE_S
    fault_wait_s: float = FAULT_WAIT_S
    #: as it was when it was last taken; None: another process sends
    seen: SinkCursor | None = None
    failures: int = 0
    #: as it is now; None: it is read anew
    _cursor: SinkCursor | None = None
    _destination: Destination | None = None
    _most_rows: int = MAX_ROWS

    async def run(self) -> None:
        """Send until cancelled; whatever goes wrong is on record, and tried again."""
        try:
            while True:
                try:
                    wait_s = await self.step()
                except LeaseLost:
                    self._cursor, wait_s = None, 0.0
                except (StoreUnavailable, OSError):
                    self._cursor, wait_s = None, STORE_AWAY_WAIT_S
                except Exception as error:  # of ours: the gateway has more to do, and the other sinks, too
                    self._fault(error)
                    self._cursor, wait_s = None, self.fault_wait_s
                await anyio.sleep(wait_s)
        finally:
            with anyio.move_on_after(RELEASE_TIMEOUT_S, shield=True), suppress(Exception):  # The lease ends by itself.
                await self.cursors.release(self.sink.name, self.stream, self.owner)

    async def step(self) -> float:
        """Look for rows and send a batch, where it is time; return for how many seconds nothing is to be done.

        Raises LeaseLost, StoreUnavailable.
        """
        cursor = await self._leased()
        if cursor is None:
            return self.lease_s / 2
        if (left_s := (cursor.next_try_at_us - self.clock_us()) / 1e6) > 0:
            return min(left_s, self.lease_s / 3)
        span = await self.reading.span(self.stream)
        if span.first > span.last:
            # What arrived has arrived: the next row has a higher number than all that were there, and says what was lost.
            return await self._nothing(cursor)
        if span.last < cursor.position or span.first > cursor.position + 1:
            return await self._skip(cursor, span)
        is_again = cursor.pending > cursor.position
        until = min(cursor.pending, span.last) if is_again else span.last
        if until == cursor.position:
            return await self._nothing(cursor)
        most = MAX_ROWS if is_again else min(self.sink.rows, self._most_rows)
        if not is_again and until - cursor.position < most and (wait_s := await self._wait_s(cursor, until)) > 0:
            return wait_s
        rows = await self.reading.rows(self.stream, cursor.position, until, most)
        if not rows:  # numbers that nobody used
            await self.cursors.skipped(cursor, until, 0)
            self._cursor = None
            return 0.0
        await self._send(cursor, Batch(self.stream, rows), span)
        return 0.0

    async def _leased(self) -> SinkCursor | None:
        known = self._cursor
        if known is not None and known.leased_until_us - self.clock_us() > self.lease_s * 1e6 / 2:
            return known
        self._cursor = await self.cursors.take(self.sink.name, self.stream, self.owner, int(self.lease_s * 1e6))
        if self._cursor is None:
            span = await self.reading.span(self.stream)
            await self.cursors.begin(self.sink.name, self.stream, span.first - 1 if self.sink.begins_with_kept else span.last)
            self._cursor = await self.cursors.take(self.sink.name, self.stream, self.owner, int(self.lease_s * 1e6))
        self.seen = self._cursor
        return self._cursor

    async def _skip(self, cursor: SinkCursor, span: Span) -> float:
        """Go on where rows are: some were removed before they arrived, or the store begins anew."""
        lost = max(0, span.first - 1 - cursor.position) if span.last >= cursor.position else 0
        await self.cursors.skipped(cursor, span.first - 1, lost)
        facts = {"sink": self.sink.name, "stream": self.stream, "rows": lost, "next": span.first}
        log.warning("log_sink_rows_lost" if lost else "log_sink_begins_anew", extra={"facts": facts})
        self._cursor = None
        return 0.0

    async def _nothing(self, cursor: SinkCursor) -> float:
        if cursor.behind_since_us:
            await self.cursors.stands(cursor, 0)
            self._cursor = None
        return self._look_s()

    async def _wait_s(self, cursor: SinkCursor, until: int) -> float:
        """Return for how long the few rows that there are may wait for more."""
        oldest = await self.reading.rows(self.stream, cursor.position, until, 1)
        if not oldest:
            return 0.0
        came_us = int(oldest[0]["time_us"])
        if not cursor.behind_since_us:
            await self.cursors.stands(cursor, came_us)
            self._cursor = None
        left_s = self.sink.wait_s - (self.clock_us() - came_us) / 1e6
        return min(left_s, self._look_s()) if left_s > 0 else 0.0

    async def _send(self, cursor: SinkCursor, batch: Batch, span: Span) -> None:
        last = int(batch.rows[-1]["seq"])
        if cursor.pending != last:
            await self.cursors.sending(cursor, last)
        self._cursor = None
        try:
            refused = await self._sent(batch)
        except SinkFailed as error:
            # Its secret may be another one by then.
            self._destination = None
            await self._failed(cursor, len(batch.rows), error)
            return
        behind_us = int(batch.rows[-1]["time_us"]) if last < span.last else 0
        await self.cursors.arrived(cursor, last, len(batch.rows), refused, behind_us)
        self._most_rows = min(2 * self._most_rows, MAX_ROWS)
        if refused:
            facts = {"sink": self.sink.name, "stream": self.stream, "rows": refused}
            log.warning("log_sink_refused_rows", extra={"facts": facts})
        if cursor.failures:
            log.info("log_sink_works_again", extra={"facts": {"sink": self.sink.name, "stream": self.stream}})

    async def _sent(self, batch: Batch) -> int:
        """Send, and return how many rows were refused for good. Raises SinkFailed, StoreUnavailable."""
        try:
            if self._destination is None:
                self._destination = await self.destinations.open(self.sink)
            return await self._destination.send(batch)
        except (SinkFailed, StoreUnavailable):
            raise
        except Exception as error:  # of a library, or ours: on record like any other failure, and left alone for longer each time
            self._fault(error)
            raise SinkFailed(f"a fault on our side ({type(error).__name__}); the log says more") from error

    def _fault(self, error: Exception) -> None:
        facts = {"sink": self.sink.name, "stream": self.stream, "kind": type(error).__name__}
        log.error("log_sink_fault", exc_info=error, extra={"facts": facts})

    async def _failed(self, cursor: SinkCursor, rows: int, error: SinkFailed) -> None:
        self.failures += 1
        wait_s = min(FIRST_WAIT_S * 2 ** min(cursor.failures, 20), LONGEST_WAIT_S)
        # Many gateways that were turned away at once should not all come back at once.
        wait_s = max(wait_s * random.uniform(0.75, 1.25), error.retry_after_s or 0.0)  # noqa: S311  # no secret hangs on it
        is_smaller = error.is_too_large and rows > 1
        if is_smaller:
            self._most_rows, wait_s = max(1, rows // 2), 0.0
        await self.cursors.failed(cursor, str(error), self.clock_us() + int(wait_s * 1e6), keeps_range=not is_smaller)
        # Once: a line for each attempt would be one more row to send.
        if not cursor.failures:
            facts = {"sink": self.sink.name, "stream": self.stream, "reason": str(error)}
            log.warning("log_sink_failed", extra={"facts": facts})

    def _look_s(self) -> float:
        return min(max(self.sink.wait_s / 10, min(SHORTEST_LOOK_S, self.sink.wait_s)), LONGEST_LOOK_S)
