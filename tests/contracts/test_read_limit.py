"""A read that takes too long is ended and says so; the connection is as good as before."""

import pytest
from sqlalchemy import Connection, text

from server.storage.database import Database
from server.storage.read_limit import ReadTooLong, reads_within

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


def answer(connection: Connection) -> int:
    return int(connection.scalar(text("SELECT 42")) or 0)


async def test_a_read_is_ended_when_its_time_is_over(sql_database: Database) -> None:
    with pytest.raises(ReadTooLong), reads_within(0.05):
        async with sql_database.read() as connection:
            await connection.execute(text(ENDLESS))
    with pytest.raises(ReadTooLong), reads_within(0.05):
        await sql_database.look(lambda connection: connection.scalar(text(ENDLESS)))


async def test_what_is_read_in_time_is_read_and_the_limit_is_no_ones_after(sql_database: Database) -> None:
    with reads_within(20):
        async with sql_database.read() as connection:
            assert await connection.scalar(text("SELECT 42")) == 42
        assert await sql_database.look(answer) == 42
    # Enough steps that a limit which was left behind would have ended it.
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) SELECT count(*) FROM n"
    for _each in range(5):
        async with sql_database.read() as connection:
            assert await connection.scalar(text(many)) == 50_000
        assert await sql_database.look(lambda connection: connection.scalar(text(many))) == 50_000
