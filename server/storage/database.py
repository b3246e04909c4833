"""The store and its transactions: SQLite (WAL) by default, PostgreSQL for more than one machine."""

import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import TypeVar

import anyio
from sqlalchemy import Connection, insert, text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from server.audited import unrecorded
from server.storage.audit.trail import append_audited
from server.storage.engines import ThreadedSnapshots, ThreadedTransactions, engine_for
from server.storage.notifications import NOTIFY
from server.storage.postgres_connection import PostgresLimits
from server.storage.read_limit import ReadTooLong, deadline, limit, limited, unlimit, was_ended
from server.storage.schema.platform_tables import changes
from tools.dispatch.uninterruptible import uninterruptible
from tools.errors import StoreAway

Result = TypeVar("Result")


def now_us() -> int:
    """Return the time as the schema keeps it: microseconds since the epoch, UTC."""
    return time.time_ns() // 1000


class StoreUnavailable(StoreAway):
    """The store cannot be reached, or could not do what it was asked; its own words are the cause.

    Where it fails at the commit, nobody knows whether the transaction took effect: who repeats it makes it harmless first.
    """


@contextmanager
def _reached() -> Iterator[None]:
    """Say in our words that the store failed. A broken rule of the schema stays what it is: the store that wrote knows what it means."""
    try:
        yield
    except IntegrityError:
        raise
    except SQLAlchemyError as error:
        if was_ended(error) and deadline() is not None:
            raise ReadTooLong("the store took longer than a read may") from error
        raise StoreUnavailable("the store does not answer") from error


class Database:
    """One store and the two ways to use it: `read()` sees a snapshot, `write()` is one transaction, whole or not at all.

    In SQLite a write takes the write lock at once (BEGIN IMMEDIATE), so a transaction that reads, decides and writes is
    atomic across processes; in PostgreSQL such code locks its row with `with_for_update()`, which SQLite ignores.
    """

    def __init__(self, url: str, limits: PostgresLimits = PostgresLimits(), *, has_audit_trail: bool = True) -> None:
        """`has_audit_trail` False: a store beside the one that has it; what changes there is put on record by its own means."""
        self.url = url
        self._has_audit_trail = has_audit_trail
        self.is_sqlite = url.startswith("sqlite")
        self.dialect = "sqlite" if self.is_sqlite else "postgresql"
        self._reader = engine_for(url, "BEGIN", 4 if self.is_sqlite else limits.pool_size, limits)
        self._writer = engine_for(url, "BEGIN IMMEDIATE", pool_size=1) if self.is_sqlite else self._reader
        self._durable = ThreadedTransactions(url, limits)
        self._hasty = ThreadedTransactions(url, limits, survives_power_cut=False)
        self._snapshots = ThreadedSnapshots(url, limits)
        # News of revocations must not queue behind the requests of a busy node.
        self._feed = self._reader if self.is_sqlite else engine_for(url, "BEGIN", 1, limits)
        # One writer at a time in this process: waiting here is cheaper and fairer than SQLite's busy loop.
        self._write_turn: anyio.Lock | None = anyio.Lock() if self.is_sqlite else None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection to read with; nothing written on it is kept. Cancellation waits until it is given back.

        Raises ReadTooLong within `reads_within` (server/storage/read_limit.py), as `look` does.
        """
        until = deadline()
        with uninterruptible(), _reached():
            async with self._reader.connect() as connection:
                if until is None:
                    yield connection
                    return
                await limit(connection, until)
                try:
                    yield connection
                finally:
                    await unlimit(connection)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Give a transaction: committed when the block ends, undone when it raises. Cancellation waits until it has ended."""
        with uninterruptible(), _reached():
            if self._write_turn is None:
                async with self._writer.begin() as connection:
                    yield connection
                    await self._put_on_record(connection)
                return
            async with self._write_turn, self._writer.begin() as connection:
                yield connection
                await self._put_on_record(connection)

    async def transact(self, work: Callable[[Connection], Result], *, survives_power_cut: bool = True) -> Result:
        """Run `work` as one transaction, like `write`, all of it in one thread: its statements cost one change of threads, not one each.

        What need outlast only the death of this process, not a power cut, does not wait for the disk.
        """
        transactions = self._durable if survives_power_cut else self._hasty
        recorded = partial(_recorded, work) if self._has_audit_trail and unrecorded() is not None else work
        with uninterruptible(), _reached():
            if self._write_turn is None:
                return await transactions.run(recorded)
            async with self._write_turn:
                return await transactions.run(recorded)

    async def look(self, work: Callable[[Connection], Result]) -> Result:
        """Run `work` on one snapshot, like `read`, all of it in one thread; nothing it writes is kept."""
        until = deadline()
        with uninterruptible(), _reached():
            return await self._snapshots.run(work if until is None else limited(work, until))

    async def overwrite(self, tables: Sequence[str]) -> bool:
        """Leave no copy of what was deleted from `tables` outside of them.

        SQLite overwrites rows as it deletes them; its write-ahead log, which still has them, is emptied, False where somebody reads an
        old snapshot for so long that it cannot be. PostgreSQL frees the rows for others to overwrite, and takes samples of what is left
        for its statistics, which had some of them; `rewrite` leaves none.
        """
        with uninterruptible(), _reached():
            if self._write_turn is None:
                return await self._durable.alone(f"VACUUM (ANALYZE) {', '.join(tables)}")
            async with self._write_turn:
                return await self._durable.alone("PRAGMA wal_checkpoint(TRUNCATE)")

    async def rewrite(self, tables: Sequence[str]) -> bool:
        """Do what `overwrite` does, and have PostgreSQL write `tables` anew: who uses one of them waits for as long as that takes.

        Its write-ahead log, which had the rows, is written over by and by (max_wal_size), and archives and replicas keep what they have.
        """
        if self.is_sqlite:
            return await self.overwrite(tables)
        with uninterruptible(), _reached():
            return await self._durable.alone(f"VACUUM (FULL, ANALYZE) {', '.join(tables)}")

    @asynccontextmanager
    async def feed(self) -> AsyncIterator[AsyncConnection]:
        """Give the connection that the change feed reads with; like `read`, and nobody else's."""
        with uninterruptible(), _reached():
            async with self._feed.connect() as connection:
                yield connection

    async def ping(self) -> str | None:
        """Say what is wrong with the store; None where it answers."""
        try:
            async with self.read() as connection:
                await connection.execute(text("SELECT 1"))
        except StoreUnavailable as error:
            return f"{error} ({type(getattr(error.__cause__, 'orig', error.__cause__)).__name__})"
        return None

    async def _put_on_record(self, connection: AsyncConnection) -> None:
        """Add whose doing the transaction is to the audit trail, where somebody said so (server/audited.py)."""
        if self._has_audit_trail and unrecorded() is not None:
            await connection.run_sync(append_audited, now_us())

    async def close(self) -> None:
        for engine in {self._reader, self._writer, self._feed}:
            await engine.dispose()
        self._durable.close()
        self._hasty.close()
        self._snapshots.close()


def _recorded(work: Callable[[Connection], Result], connection: Connection) -> Result:
    result = work(connection)
    append_audited(connection, now_us())
    return result


async def announce(connection: AsyncConnection, topic: str, tenant_id: str | None, item: str) -> None:
    """Put a change into the feed, in the transaction that makes it; other processes see both or neither."""
    await connection.run_sync(announce_in_thread, topic, tenant_id, item)


def announce_in_thread(connection: Connection, topic: str, tenant_id: str | None, item: str) -> None:
    """Do what `announce` does, in a transaction that runs whole in a thread."""
    added = insert(changes).values(topic=topic, tenant_id=tenant_id or "", item=item, changed_at=now_us())
    connection.execute(added if connection.dialect.name == "sqlite" else added.returning(NOTIFY))
