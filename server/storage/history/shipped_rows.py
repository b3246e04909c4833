"""Rows of a stream as they leave the gateway: in the order of their numbers, each once committed, none passed over."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
from sqlalchemy import Connection, Row, Select, Table, func, select, text

from server.storage.audit.chain import START
from server.storage.database import Database
from server.storage.history.event_lines import LINES_LOCK
from server.storage.history.sink_tables import event_lines
from server.storage.history.tables import call_records
from server.storage.schema.audit_tables import audit_ends, kv_audit

Stream = Literal["calls", "audit", "lines"]
ShippedRow = Mapping[str, Any]
_TABLES: Mapping[str, Table] = {"calls": call_records, "lines": event_lines, "audit": kv_audit}
#: so long a look waits for who writes right now
_LOCK_TIMEOUT = text("SET LOCAL lock_timeout = '2s'")


@dataclass(frozen=True, slots=True)
class Span:
    """Numbers of the first and the last row that may be read; first > last: there is none."""

    first: int
    last: int


class SqlShippedRows:
    """Reads `call_records` and `event_lines` of the history, `kv_audit` of the store."""

    def __init__(self, store: Database, history: Database) -> None:
        self._store, self._history = store, history

    async def span(self, stream: Stream) -> Span:
        """Return which rows may be read: no row with a smaller number than the last one can still appear."""
        if stream == "audit":
            return await self._store.look(_audit_span)
        if self._history.is_sqlite:
            # One writer at a time: a number is given and committed before the next one is.
            return await self._history.look(lambda connection: _span(connection, _TABLES[stream]))
        return await self._history.transact(lambda connection: _settled_span(connection, _TABLES[stream]), survives_power_cut=False)

    async def rows(self, stream: Stream, after: int, until: int, limit: int) -> Sequence[ShippedRow]:
        """Return at most `limit` rows with numbers above `after` up to `until`; `seq` and `time_us` are in each."""
        table = _TABLES[stream]
        query = select(table).where(table.c.seq > after, table.c.seq <= until).order_by(table.c.seq).limit(limit)
        if stream == "audit":
            return await self._store.look(lambda connection: _audit_rows(connection, query, after))
        told: Callable[[Row[Any]], ShippedRow] = _call if stream == "calls" else _line
        return await self._history.look(lambda connection: [told(row) for row in connection.execute(query)])


def _span(connection: Connection, table: Table) -> Span:
    first, last = (connection.execute(select(end(table.c.seq))).scalar() for end in (func.min, func.max))
    return Span(first or 1, last or 0)


def _settled_span(connection: Connection, table: Table) -> Span:
    """Return the span, of which every row is committed; its last number is the highest that was given, also to a row that is gone.

    PostgreSQL gives numbers out when rows are written, and shows rows when they are committed: a number may be there before a smaller
    one. So a look waits for who writes right now; once it was let in, whoever had a number has ended.
    """
    connection.execute(_LOCK_TIMEOUT)
    if table is call_records:
        # Writers hold ROW EXCLUSIVE on the whole until they end. ONLY: partitions are vacuumed, which SHARE would break off.
        connection.execute(text("LOCK TABLE ONLY call_records IN SHARE MODE"))
        numbers = "call_records_numbers"
    else:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LINES_LOCK})
        numbers = "event_lines_seq_seq"
    # Not what the newest row has: a table that is emptied would look like one that begins anew.
    given = text(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {numbers}")  # noqa: S608  two names of ours
    span, last = _span(connection, table), int(connection.execute(given).scalar_one())
    return Span(span.first if span.last else last + 1, max(span.last, last))


def _audit_span(connection: Connection) -> Span:
    # Whoever appends to the trail waits for who appended before: its numbers are in the order of their commits.
    ends = connection.execute(select(audit_ends)).first()
    return Span(1, 0) if ends is None else Span(ends.swept_seq + 1, ends.last_seq)


def _audit_rows(connection: Connection, query: Select[Any], after: int) -> list[ShippedRow]:
    """Return rows with the hash that stood before each, so that whoever has them can follow the chain (decision 0054)."""
    before = connection.execute(select(kv_audit.c.hash).where(kv_audit.c.seq == after)).scalar()
    if before is None:
        ends = connection.execute(select(audit_ends)).first()
        before = ends.swept_hash if ends is not None else START
    rows: list[ShippedRow] = []
    for row in connection.execute(query):
        values = _values(row)
        at_us, sealed = values.pop("at"), values.pop("hash")
        rows.append({"time": _iso(at_us), "time_us": at_us, **values, "hash": sealed, "before": before})
        before = sealed
    return rows


def _call(row: Row[Any]) -> ShippedRow:
    values = _values(row)
    time_us = values.pop("time")
    return {"time": _iso(time_us), "time_us": time_us, **values}


def _line(row: Row[Any]) -> ShippedRow:
    values = _values(row)
    time_us, facts = values.pop("time"), values.pop("facts")
    return {"time": _iso(time_us), "time_us": time_us, **values, "facts": orjson.loads(facts)}


def _values(row: Row[Any]) -> dict[str, Any]:
    # Names of columns are a kind of text that writers of JSON do not take.
    return {str(name): value for name, value in row._mapping.items()}


def _iso(time_us: int) -> str:
    moment = datetime.fromtimestamp(time_us // 1_000_000, UTC).replace(microsecond=time_us % 1_000_000)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
