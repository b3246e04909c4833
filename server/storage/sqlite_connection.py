"""SQLite for the event loop: aiosqlite's thread a connection, with one change of threads a statement (decision 0077)."""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self, TypeVar

import aiosqlite

#: rows that come with their statement; a reader of more asks for them, so that whoever streams a table holds no more of it
ROWS_AHEAD = 200

Result = TypeVar("Result")


class StatementCursor:
    """A cursor as SQLAlchemy uses it: executed, read to its end, closed.

    Of aiosqlite's own cursor each of these, and the making, is a change of threads and back, which takes longer than most statements.
    """

    def __init__(self, connection: "StatementConnection") -> None:
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1
        self._connection = connection
        self._ahead: deque[Any] = deque()
        #: what has more rows than came with the statement
        self._open: sqlite3.Cursor | None = None

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Self:
        await self._connection.in_thread(self._run, sqlite3.Cursor.execute, statement, parameters)
        return self

    async def executemany(self, statement: str, parameters: Iterable[Sequence[Any]]) -> Self:
        await self._connection.in_thread(self._run, sqlite3.Cursor.executemany, statement, parameters)
        return self

    async def fetchone(self) -> Any:
        rows = await self.fetchmany(1)
        return rows[0] if rows else None

    async def fetchmany(self, size: int | None = None) -> Sequence[Any]:
        wanted = self.arraysize if size is None else size
        rows = [self._ahead.popleft() for _ in range(min(wanted, len(self._ahead)))]
        if self._open is not None and len(rows) < wanted:
            rows += await self._connection.in_thread(self._open.fetchmany, wanted - len(rows))
        return rows

    async def fetchall(self) -> Sequence[Any]:
        rows = list(self._ahead)
        self._ahead.clear()
        if self._open is not None:
            rows += await self._connection.in_thread(self._open.fetchall)
        return rows

    async def close(self) -> None:
        if self._open is not None:
            await self._connection.in_thread(self._open.close)
            self._open = None

    def _run(self, how: Callable[..., sqlite3.Cursor], statement: str, parameters: Any) -> None:
        cursor = how(self._connection.driver.cursor(), statement, parameters)
        self.description = cursor.description
        if cursor.description is not None:
            self._ahead.extend(cursor.fetchmany(ROWS_AHEAD))
        # Of a statement with RETURNING, SQLite counts the rows when they have been read.
        self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid
        if len(self._ahead) == ROWS_AHEAD:
            self._open = cursor
        else:
            cursor.close()


class StatementConnection(aiosqlite.Connection):
    """A connection whose statements each cost one change of threads, and whose transactions are not undone after their end."""

    #: False: somebody stopped waiting for what the thread still does
    _is_settled = True
    #: done when the thread has ended
    _stopped: asyncio.Future[Any] | None = None

    @property
    def driver(self) -> sqlite3.Connection:
        return self._conn

    def cursor(self) -> StatementCursor:  # type: ignore[override]  # aiosqlite makes its own in the thread
        return StatementCursor(self)

    async def in_thread(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Run `work` after what was asked before; who stops waiting for it does not stop it."""
        result: Result = await self._execute(work, *arguments)
        return result

    async def rollback(self) -> None:
        """Undo the transaction, where there may be one: SQLAlchemy asks for it whenever a connection is given back, committed or not."""
        if not self._is_settled or self.in_transaction:
            await super().rollback()
            self._is_settled = True

    def stop(self) -> asyncio.Future[Any] | None:
        self._stopped = super().stop()
        return self._stopped

    async def _connect(self) -> aiosqlite.Connection:
        try:
            return await super()._connect()
        except BaseException:
            # aiosqlite tells its thread to end and goes; where the loop ends next, as in a command, the thread would have nobody to tell.
            if self._stopped is not None:
                await asyncio.wait([self._stopped])
            raise

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            return await super()._execute(fn, *args, **kwargs)  # type: ignore[no-untyped-call]
        except Exception:
            raise
        except BaseException:
            # Cancelled: the thread may yet begin a transaction.
            self._is_settled = False
            raise


def connect(set_up: Callable[[sqlite3.Connection], None], database: str, **options: Any) -> StatementConnection:
    """Return a connection to await, as `aiosqlite.connect` does, set up in its thread, which ends with the process at the latest."""

    def opened() -> sqlite3.Connection:
        connection: sqlite3.Connection = sqlite3.connect(database, **options)
        try:
            set_up(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    connection = StatementConnection(opened, iter_chunk_size=ROWS_AHEAD)
    connection._thread.daemon = True
    return connection
