"""Log lines that are kept: taken without waiting, written in batches, and fewer rather than a process that waits for its log."""

import json
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

import anyio
import anyio.to_thread

from server.observability.log_lines import EventFormatter
from server.storage.history.event_lines import EventLine
from tools import json_text
from tools.plain_text import written_out

CAPACITY = 5_000
#: at most so many a second are kept: a loop of errors fills no disk
LINES_PER_TURN = 500
INTERVAL_S = 1.0
MAX_LINE_CHARS = 4_000
MAX_EVENT_CHARS = 200
log = logging.getLogger("ascend")
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
        lines = await anyio.to_thread.run_sync(self._lines, records)
        self.dropped += len(records) - len(lines)
        try:
            await self._store.append(lines)
        except Exception as error:  # a line must not end who keeps lines, and he the gateway
            self.dropped += len(lines)
            if not isinstance(error, self._unavailable):
                log.error("lines_not_kept", exc_info=error, extra={"facts": {"lines": len(lines), "kind": type(error).__name__}})

    def _lines(self, records: Sequence[logging.LogRecord]) -> list[EventLine]:
        """Return lines without those that cannot be told: whoever logs may give a format what does not fit it."""
        lines: list[EventLine] = []
        for record in records:
            with suppress(Exception):
                lines.append(self._line(record))
        return lines

    def _line(self, record: logging.LogRecord) -> EventLine:
        said = json_text.decode(self._formatter.format(record).encode())
        facts = {name: value for name, value in said.items() if name not in _KNOWN}
        text = _text(facts)
        if len(text) > MAX_LINE_CHARS:
            text = _text({"cut": text[:MAX_LINE_CHARS]})
        trace_id = said.get("trace_id", "")
        return EventLine(
            at_us=int(record.created * 1e6),
            level=str(said["level"]),
            event=written_out(str(said["event"]))[:MAX_EVENT_CHARS],
            logger=written_out(record.name)[:MAX_EVENT_CHARS],
            trace_id=written_out(trace_id)[:64] if isinstance(trace_id, str) else "",
            facts=text,
        )


def _text(facts: Mapping[str, Any]) -> str:
    """Return JSON that stores and readers take: half a surrogate pair, which no text has, is a question mark."""
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode(errors="replace").decode()
