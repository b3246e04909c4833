"""How far one process has read the `changes` table: every committed row once, in whatever order transactions end."""

from typing import Protocol

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.database import Database
from server.storage.schema.platform_tables import changes

#: topic, tenant_id, item
NewRow = tuple[str, str, str]


class Position(Protocol):
    async def begin(self, connection: AsyncConnection) -> None:
        """Take what is committed by now as read."""
        ...

    async def advance(self, connection: AsyncConnection) -> list[NewRow]:
        """Return what was committed since, by `seq`, and take it as read."""
        ...


def position_in(database: Database) -> Position:
    return SequencePosition() if database.is_sqlite else SnapshotPosition()


class SequencePosition:
    """SQLite has one writer at a time, so a number is given and committed before the next one is given."""

    def __init__(self) -> None:
        self._seen = 0

    async def begin(self, connection: AsyncConnection) -> None:
        self._seen = (await connection.execute(select(func.coalesce(func.max(changes.c.seq), 0)))).scalar_one()

    async def advance(self, connection: AsyncConnection) -> list[NewRow]:
        query = select(changes.c.topic, changes.c.tenant_id, changes.c.item, changes.c.seq).where(changes.c.seq > self._seen)
        rows = list((await connection.execute(query.order_by(changes.c.seq))).all())
        if rows:
            self._seen = rows[-1].seq
        return [(row.topic, row.tenant_id, row.item) for row in rows]


_SNAPSHOT = text("SELECT CAST(pg_current_snapshot() AS text)")

# One statement sees by one snapshot, and says which. The join gives that snapshot back where nothing is new, too.
_NEWS = text("""
SELECT CAST(present.snapshot AS text) AS snapshot, changes.seq, changes.topic, changes.tenant_id, changes.item
FROM (SELECT pg_current_snapshot() AS snapshot) AS present
LEFT JOIN changes
  ON changes.transaction_id >= :oldest_unfinished
  AND changes.transaction_id < CAST(CAST(pg_snapshot_xmax(present.snapshot) AS text) AS bigint)
  AND NOT pg_visible_in_snapshot(CAST(CAST(changes.transaction_id AS text) AS xid8), CAST(:seen AS pg_snapshot))
ORDER BY changes.seq
""")


class SnapshotPosition:
    """PostgreSQL gives a number when a row is written, not when it is committed: a slow transaction's rows appear behind later ones.

    So what counts as read is what the last snapshot saw: a row is new when its transaction had not ended then and has ended now.
    Nothing waits for a slow transaction, and its rows are new whenever it ends. Rows "from the future", which only a dump that
    was put into another server can hold, are old.
    """

    def __init__(self) -> None:
        self._snapshot = ""

    async def begin(self, connection: AsyncConnection) -> None:
        self._snapshot = (await connection.execute(_SNAPSHOT)).scalar_one()

    async def advance(self, connection: AsyncConnection) -> list[NewRow]:
        # A snapshot reads `oldest unfinished:first not given out:unfinished,unfinished,...`.
        oldest_unfinished = int(self._snapshot.partition(":")[0])
        found = await connection.execute(_NEWS, {"oldest_unfinished": oldest_unfinished, "seen": self._snapshot})
        rows = list(found.all())
        self._snapshot = rows[0].snapshot
        return [(row.topic, row.tenant_id, row.item) for row in rows if row.seq is not None]
