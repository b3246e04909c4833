"""How far each log sink has come, on record: what a process that dies was sending is sent again, the same rows, by whoever comes next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, or_, select, update

from server.storage.database import Database, now_us
from server.storage.history.sink_tables import sink_cursors
from server.storage.insertion import upsert

#: of an error; words of others are cut
MAX_ERROR_CHARS = 300


class LeaseLost(Exception):
    """Another process sends for this sink now; what this one was sending comes from there, too."""


@dataclass(frozen=True, slots=True)
class SinkCursor:
    """One stream of one sink. `position`: number of the last row that arrived. `pending`: of the last row that was being sent.

    Times in microseconds since the epoch, 0: never. `behind_since_us`: since when the oldest row waits, 0: none does.
    """

    sink: str
    stream: str
    position: int
    pending: int
    owner: str
    leased_until_us: int
    sent_rows: int
    lost_rows: int
    sent_at_us: int
    behind_since_us: int
    failures: int
    failed_at_us: int
    error: str
    next_try_at_us: int

    @property
    def lag_s(self) -> float:
        """Return for how long the oldest row has waited."""
        return max(0.0, (now_us() - self.behind_since_us) / 1e6) if self.behind_since_us else 0.0


class SqlSinkCursors:
    """Table: sink_cursors. A write of who has lost its lease changes nothing and raises LeaseLost."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> Sequence[SinkCursor]:
        """Return how every sink stands, by name and stream: for the console and the command line."""
        async with self._database.read() as connection:
            found = await connection.execute(select(sink_cursors).order_by(sink_cursors.c.sink, sink_cursors.c.stream))
            return [_cursor(row) for row in found]

    async def begin(self, sink: str, stream: str, position: int) -> None:
        """See that there is a cursor; a new one begins behind `position`."""
        row = {column.name: "" if column.name in ("owner", "error") else 0 for column in sink_cursors.columns}
        row |= {"sink": sink, "stream": stream, "position": position, "pending": position}
        added = upsert(self._database.dialect, sink_cursors).values(row).on_conflict_do_nothing()
        await self._database.transact(lambda connection: connection.execute(added) and None)

    async def take(self, sink: str, stream: str, owner: str, lease_us: int) -> SinkCursor | None:
        """Take or renew the lease; None: another process has it, or there is no cursor."""

        def take(connection: Connection) -> SinkCursor | None:
            c, now = sink_cursors.c, now_us()
            is_free = or_(c.owner == owner, c.leased_until < now)
            taken = connection.execute(
                update(sink_cursors).where(_is(sink, stream), is_free).values(owner=owner, leased_until=now + lease_us)
            )
            if not taken.rowcount:
                return None
            return _cursor(connection.execute(select(sink_cursors).where(_is(sink, stream))).one())

        return await self._database.transact(take, survives_power_cut=False)

    async def release(self, sink: str, stream: str, owner: str) -> None:
        """Give the lease back, so that whoever comes next need not wait for its end."""
        given_back = update(sink_cursors).where(_is(sink, stream), sink_cursors.c.owner == owner).values(leased_until=now_us())
        await self._database.transact(lambda connection: connection.execute(given_back) and None, survives_power_cut=False)

    async def sending(self, cursor: SinkCursor, last: int) -> None:
        """Put on record that the rows up to `last` are being sent: they, and no more, are what comes again. Raises LeaseLost."""
        await self._set(cursor, pending=last)

    async def arrived(self, cursor: SinkCursor, last: int, rows: int, refused_rows: int, behind_since_us: int) -> None:
        """Put on record that the rows up to `last` arrived. Raises LeaseLost."""
        c = sink_cursors.c
        await self._set(
            cursor,
            position=last,
            pending=last,
            sent_rows=c.sent_rows + rows - refused_rows,
            lost_rows=c.lost_rows + refused_rows,
            sent_at=now_us(),
            behind_since=behind_since_us,
            failures=0,
            next_try_at=0,
        )

    async def stands(self, cursor: SinkCursor, behind_since_us: int) -> None:
        """Put on record since when rows wait that are not sent yet. Raises LeaseLost."""
        await self._set(cursor, behind_since=behind_since_us)

    async def skipped(self, cursor: SinkCursor, position: int, lost_rows: int) -> None:
        """Go on behind `position`: what stood before is not there any more. Raises LeaseLost."""
        await self._set(cursor, position=position, pending=position, lost_rows=sink_cursors.c.lost_rows + lost_rows)

    async def failed(self, cursor: SinkCursor, error: str, next_try_at_us: int, *, keeps_range: bool = True) -> None:
        """Put on record why nothing arrived, and when it is tried again. Raises LeaseLost.

        keeps_range False: what comes again may be fewer rows.
        """
        more: dict[str, Any] = {} if keeps_range else {"pending": cursor.position}
        await self._set(
            cursor,
            failures=sink_cursors.c.failures + 1,
            failed_at=now_us(),
            error=error[:MAX_ERROR_CHARS],
            next_try_at=next_try_at_us,
            **more,
        )

    async def forget_before(self, time_us: int) -> None:
        """Forget cursors that nobody has had since then: a sink that is named again before goes on where it was."""
        unused = delete(sink_cursors).where(sink_cursors.c.leased_until < time_us)
        await self._database.transact(lambda connection: connection.execute(unused) and None)

    async def _set(self, cursor: SinkCursor, **values: Any) -> None:
        # The lease alone is not enough: a process that slept through it may wake up before another took it.
        is_ours = and_(_is(cursor.sink, cursor.stream), sink_cursors.c.owner == cursor.owner, sink_cursors.c.position == cursor.position)
        change = update(sink_cursors).where(is_ours).values(**values)
        changed = await self._database.transact(lambda connection: connection.execute(change).rowcount, survives_power_cut=False)
        if not changed:
            raise LeaseLost


def _is(sink: str, stream: str) -> ColumnElement[bool]:
    return and_(sink_cursors.c.sink == sink, sink_cursors.c.stream == stream)


def _cursor(row: Row[Any]) -> SinkCursor:
    values = row._mapping
    return SinkCursor(
        sink=values["sink"],
        stream=values["stream"],
        position=values["position"],
        pending=values["pending"],
        owner=values["owner"],
        leased_until_us=values["leased_until"],
        sent_rows=values["sent_rows"],
        lost_rows=values["lost_rows"],
        sent_at_us=values["sent_at"],
        behind_since_us=values["behind_since"],
        failures=values["failures"],
        failed_at_us=values["failed_at"],
        error=values["error"],
        next_try_at_us=values["next_try_at"],
    )
