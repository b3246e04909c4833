"""The gateway's own log lines, kept where an operator wants them for more than the terminal. Table: event_lines."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, func, select, text

from server.storage.database import Database
from server.storage.history.shipped_removal import remove_shipped
from server.storage.history.sink_tables import event_lines
from server.storage.insertion import insert_in_thread

#: so many old rows go at a time
SWEPT_ROWS = 2_000
#: PostgreSQL: shared by who writes, alone for a moment by who looks how far rows are settled (shipped_rows.py)
LINES_LOCK = 0x6C696E6573
#: about 600 MB; who writes more has another log
MAX_LINES = 2_000_000


@dataclass(frozen=True, slots=True)
class EventLine:
    """`at_us`: microseconds since the epoch. `facts`: JSON, without secrets."""

    at_us: int
    level: str
    event: str
    logger: str
    trace_id: str
    facts: str
    node: str = ""


class SqlEventLines:
    def __init__(self, database: Database, node: str = "", max_lines: int = MAX_LINES) -> None:
        self._database, self._node, self._max_lines = database, node or socket.gethostname(), max_lines

    async def append(self, lines: Sequence[EventLine]) -> None:
        """Write all of `lines` in one transaction, or none."""
        if lines:
            await self._database.transact(partial(append, lines=lines, node=self._node), survives_power_cut=False)

    async def of_trace(self, trace_id: str, limit: int = 200) -> Sequence[EventLine]:
        """Return the lines of one trace in the order in which they were written."""
        query = select(event_lines).where(event_lines.c.trace_id == trace_id, event_lines.c.trace_id != "").order_by(event_lines.c.seq)
        async with self._database.read() as connection:
            return [
                EventLine(
                    at_us=row.time,
                    level=row.level,
                    event=row.event,
                    logger=row.logger,
                    trace_id=row.trace_id,
                    facts=row.facts,
                    node=row.node,
                )
                for row in await connection.execute(query.limit(limit))
            ]

    async def sweep(self, before_us: int) -> int:
        """Delete lines that are older, and the oldest of too many, in steps; return how many went."""
        removed = 0
        while step := await self._database.transact(partial(_swept, before_us=before_us, most=self._max_lines), survives_power_cut=False):
            removed += step
        return removed


def append(connection: Connection, lines: Sequence[EventLine], node: str) -> None:
    """Write a batch of lines."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock_shared(:lock)"), {"lock": LINES_LOCK})
    rows = [
        {
            "time": line.at_us,
            "level": line.level,
            "event": line.event,
            "logger": line.logger,
            "trace_id": line.trace_id,
            "node": line.node or node,
            "facts": line.facts,
        }
        for line in lines
    ]
    insert_in_thread(connection, event_lines, rows)


def _swept(connection: Connection, before_us: int, most: int) -> int:
    c = event_lines.c
    last = connection.execute(select(func.max(c.seq))).scalar() or 0
    oldest = connection.execute(select(c.seq, c.time).order_by(c.seq).limit(SWEPT_ROWS))
    old = [row.seq for row in oldest if row.time < before_us or row.seq <= last - most]
    if old:
        remove_shipped(connection, "lines", event_lines, c.seq.in_(old))
    return len(old)
