"""A statement that fails is logged by its text alone: what it was to write or find are people's words and secrets."""

import traceback
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import Connection, text

from server.storage.database import Database, StoreUnavailable

BROKEN = text("SELECT * FROM no_such_table WHERE word = :word")
WORD = {"word": "an event that somebody sent"}


async def write(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(BROKEN, WORD)


async def read(database: Database) -> None:
    async with database.read() as connection:
        await connection.execute(BROKEN, WORD)


async def transact(database: Database) -> None:
    await database.transact(_broken)


async def look(database: Database) -> None:
    await database.look(_broken)


def _broken(connection: Connection) -> None:
    connection.execute(BROKEN, WORD)


@pytest.mark.parametrize("use", [write, read, transact, look])
async def test_what_a_failed_statement_was_given_stands_in_no_log(
    sql_database: Database, use: Callable[[Database], Awaitable[None]]
) -> None:
    with pytest.raises(StoreUnavailable) as failed:
        await use(sql_database)
    told = "".join(traceback.format_exception(failed.value))
    assert "no_such_table" in told
    assert WORD["word"] not in told
