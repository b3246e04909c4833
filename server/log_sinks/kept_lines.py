"""Log lines that are kept: taken without waiting, written in batches, and fewer rather than a process that waits for its log."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

import anyio
import anyio.to_thread
import orjson

from server.observability.log_lines import EventFormatter
from server.storage.history.event_lines import EventLine

CAPACITY = 5_000
#: at most so many a second are kept: a loop of errors fills no disk
LINES_PER_TURN = 500
INTERVAL_S = 1.0
MAX_LINE_CHARS = 4_000
MAX_EVENT_CHARS = 200
_KNOWN = frozenset({"time", "level", "event", "logger", "trace_id"})


class LineStore(Protocol):
    async def append(self, lines: Sequence[EventLine]) -> None:
        """Write all of `lines` in one transaction, or none."""
        ...


class KeptLines(logging.Handler):
    """Takes every log record but those of calls, which never are records (log_lines.py), and has them written once a second.

    It is on the path of whoever logs with one append; formatting and writing happen beside, in a thread.
    """

    def __init__(self, store: LineStore, is_wanted: Callable[[], bool], unavailable: tuple[type[Exception], ...] = (OSError,)) -> None:
        super().__init__(logging.INFO)
        self._store, self._is_wanted, self._unavailable = store, is_wanted, unavailable
        self._formatter = EventFormatter(as_json=True)
        self._waiting: deque[logging.LogRecord] = deque(maxlen=CAPACITY)
        #: that came faster than they may be kept
        self.dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.dropped += len(self._waiting) == CAPACITY
        self._waiting.append(record)

    async def run(self) -> None:
        """Keep what is logged, for as long as somebody wants it; nothing is taken before."""
        root = logging.getLogger()
        try:
            while True:
                if self._is_wanted() and self not in root.handlers:
                    root.addHandler(self)
                elif not self._is_wanted() and self in root.handlers:
                    root.removeHandler(self)
                await anyio.sleep(INTERVAL_S)
                await self.keep()
        finally:
            root.removeHandler(self)
            with anyio.move_on_after(2.0, shield=True):
                await self.keep()

    async def keep(self) -> None:
        """Write what waits, at most what may be kept of one turn; a store that is away loses lines, and no more."""
        if not self._waiting:
            return
        records = [self._waiting.popleft() for _ in range(min(LINES_PER_TURN, len(self._waiting)))]
        self.dropped += len(self._waiting)
        self._waiting.clear()
        lines = await anyio.to_thread.run_sync(lambda: [self._line(record) for record in records])
        try:
            await self._store.append(lines)
        except self._unavailable:
            self.dropped += len(lines)

    def _line(self, record: logging.LogRecord) -> EventLine:
        said = orjson.loads(self._formatter.format(record))
        facts = {name: value for name, value in said.items() if name not in _KNOWN}
        text = orjson.dumps(facts)
        if len(text) > MAX_LINE_CHARS:
            text = orjson.dumps({"cut": text.decode(errors="replace")[:MAX_LINE_CHARS]})
        trace_id = said.get("trace_id", "")
        return EventLine(
            at_us=int(record.created * 1e6),
            level=str(said["level"]),
            event=str(said["event"])[:MAX_EVENT_CHARS],
            logger=record.name[:MAX_EVENT_CHARS],
            trace_id=trace_id[:64] if isinstance(trace_id, str) else "",
            facts=text.decode(),
        )
