"""SQLite behind the event loop (decision 0077): one change of threads a statement, and none that only undoes what has ended."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from server.config.store import sqlite_url
from server.storage.database import Database
from server.storage.engines import set_up_sqlite
from server.storage.sqlite_connection import ROWS_AHEAD, StatementConnection, connect


@pytest.fixture
async def numbers(tmp_path: Path) -> AsyncIterator[Database]:
    """A store with a table of more rows than come with their statement."""
    database = Database(sqlite_url(tmp_path / "numbers.sqlite3"))
    async with database.write() as sql:
        await sql.execute(text("CREATE TABLE numbers (number INTEGER PRIMARY KEY)"))
        await sql.execute(text("INSERT INTO numbers VALUES (:number)"), [{"number": number} for number in range(2 * ROWS_AHEAD + 50)])
    yield database
    await database.close()


@pytest.fixture
def changes_of_thread(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the threads of connections were asked to do, from now on."""
    asked: list[str] = []
    execute = StatementConnection._execute

    async def counted(connection: StatementConnection, work: Any, *arguments: Any) -> Any:
        asked.append(str(arguments[1]) if len(arguments) > 1 else work.__name__)
        return await execute(connection, work, *arguments)

    monkeypatch.setattr(StatementConnection, "_execute", counted)
    return asked


async def test_a_transaction_changes_threads_once_for_each_statement_and_once_to_end(
    numbers: Database, changes_of_thread: list[str]
) -> None:
    async with numbers.write() as sql:
        await sql.execute(text("DELETE FROM numbers WHERE number = 1"))
        assert (await sql.execute(text("SELECT count(*) FROM numbers"))).scalar() == 2 * ROWS_AHEAD + 49
    assert [asked.split()[0] for asked in changes_of_thread] == ["BEGIN", "DELETE", "SELECT", "commit"]


async def test_what_was_only_read_is_ended_so_that_the_next_reader_sees_what_came_since(numbers: Database) -> None:
    for there in (True, False):
        async with numbers.read() as sql:
            assert (await sql.execute(text("SELECT number FROM numbers WHERE number = 7"))).scalar() == (7 if there else None)
        async with numbers.write() as sql:
            await sql.execute(text("DELETE FROM numbers WHERE number = 7"))


@pytest.mark.parametrize("count", [0, 1, ROWS_AHEAD - 1, ROWS_AHEAD, ROWS_AHEAD + 1, 2 * ROWS_AHEAD, 2 * ROWS_AHEAD + 50])
async def test_all_rows_come_in_their_order_at_once_and_piece_by_piece(numbers: Database, count: int) -> None:
    asked = text("SELECT number FROM numbers ORDER BY number LIMIT :count").bindparams(count=count)
    async with numbers.read() as sql:
        assert list((await sql.execute(asked)).scalars()) == list(range(count))
        streamed = await sql.stream(asked, execution_options={"yield_per": 70})
        assert [row.number async for row in streamed] == list(range(count))
        assert (await sql.execute(asked)).first() == ((0,) if count else None)


async def test_a_reader_who_stops_half_way_leaves_nothing_behind(numbers: Database) -> None:
    """Who drops a table that is still being read is told that it is locked."""
    async with numbers.write() as sql:
        streamed = await sql.stream(text("SELECT number FROM numbers"), execution_options={"yield_per": 10})
        assert await streamed.fetchone() is not None
        await streamed.close()
        await sql.execute(text("DROP TABLE numbers"))


async def test_rows_that_a_statement_changed_are_counted_whether_or_not_it_returns_them(numbers: Database) -> None:
    async with numbers.write() as sql:
        assert (await sql.execute(text("DELETE FROM numbers WHERE number < 3"))).rowcount == 3
        returned = await sql.execute(text("DELETE FROM numbers WHERE number < 5 RETURNING number"))
        assert sorted(returned.scalars()) == [3, 4]


async def test_a_statement_that_fails_undoes_its_transaction_and_the_next_one_is_well(numbers: Database) -> None:
    async def put_again() -> None:
        async with numbers.write() as sql:
            await sql.execute(text("DELETE FROM numbers WHERE number = 9"))
            await sql.execute(text("INSERT INTO numbers VALUES (8)"))

    with pytest.raises(IntegrityError):
        await put_again()
    async with numbers.write() as sql:
        assert (await sql.execute(text("SELECT count(*) FROM numbers WHERE number IN (8, 9)"))).scalar() == 2


async def test_a_transaction_that_began_when_nobody_waited_any_more_is_undone(tmp_path: Path) -> None:
    """What is asked of the thread cannot be taken back: it may begin a transaction after its caller was cancelled."""
    may_go_on = threading.Event()
    connection = connect(set_up_sqlite, str(tmp_path / "store.sqlite3"))
    async with connection:
        before = asyncio.ensure_future(connection.in_thread(may_go_on.wait, 10))
        beginning = asyncio.ensure_future(connection.cursor().execute("BEGIN IMMEDIATE"))
        await asyncio.sleep(0)
        beginning.cancel()
        with pytest.raises(asyncio.CancelledError):
            await beginning
        undoing = asyncio.ensure_future(connection.rollback())
        await asyncio.sleep(0)
        may_go_on.set()
        assert await before
        await undoing
        assert not connection.in_transaction
        await connection.cursor().execute("BEGIN IMMEDIATE")
        assert connection.in_transaction


def test_a_file_that_cannot_be_opened_leaves_no_thread_behind(tmp_path: Path) -> None:
    """Or it would tell its end to a loop that is closed by then."""
    opened = connect(set_up_sqlite, str(tmp_path / "nowhere" / "store.sqlite3"))

    async def refused() -> bool:
        with pytest.raises(sqlite3.OperationalError):
            await opened
        return opened._stopped is not None and opened._stopped.done()

    assert asyncio.run(refused())
