"""Old rows go in short steps, and whoever writes meanwhile does not wait for the last of them."""

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest
from sqlalchemy import func, insert, select

from server.storage.database import Database
from server.storage.row_removal import empty_rows, remove_rows
from server.storage.schema.ai_gateway_tables import model_call_payloads
from server.storage.schema.oauth_tables import used_assertions
from tests.contracts.databases import empty_database, url_of

ROWS = 5_000


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with empty_database(url_of(request.param, request, tmp_path)) as opened:
        yield opened


def _assertion(number: int) -> dict[str, object]:
    return {"issuer": "client", "assertion_id": str(number), "expires_at": number}


async def _left(database: Database) -> int:
    async with database.read() as connection:
        return (await connection.scalar(select(func.count()).select_from(used_assertions))) or 0


async def _fill(database: Database) -> None:
    rows = [_assertion(number) for number in range(ROWS)]
    async with database.write() as connection:
        await connection.execute(insert(used_assertions), rows)


async def test_what_is_old_goes_and_what_is_young_stays(database: Database) -> None:
    await _fill(database)
    assert await remove_rows(database, used_assertions, used_assertions.c.expires_at < ROWS - 10) == ROWS - 10
    assert await _left(database) == 10
    assert await remove_rows(database, used_assertions, used_assertions.c.expires_at < ROWS - 10) == 0


async def test_who_writes_meanwhile_has_written_before_all_is_gone(database: Database) -> None:
    await _fill(database)
    left_when_written: list[int] = []

    async def write() -> None:
        async with database.write() as connection:
            await connection.execute(insert(used_assertions).values(**_assertion(ROWS)))
        left_when_written.append(await _left(database))

    async with anyio.create_task_group() as group:
        group.start_soon(remove_rows, database, used_assertions, used_assertions.c.expires_at < ROWS)
        group.start_soon(write)
    assert left_when_written[0] > 1
    assert await _left(database) == 1


async def test_a_row_is_asked_again_before_it_goes(database: Database) -> None:
    await _fill(database)
    c = used_assertions.c
    assert await remove_rows(database, used_assertions, c.expires_at < 100, still=(c.expires_at < 40,)) == 40


async def test_old_rows_of_two_keys_are_emptied_and_stay(database: Database) -> None:
    c = model_call_payloads.c
    rows = [{"tenant_id": f"t{n % 2}", "call_id": str(n), "at": n, "request": "", "answer": "words"} for n in range(100)]
    async with database.write() as connection:
        await connection.execute(insert(model_call_payloads), rows)
    assert await empty_rows(database, model_call_payloads, {"answer": ""}, c.at < 70, c.answer != "") == 70
    assert await empty_rows(database, model_call_payloads, {"answer": ""}, c.at < 70, c.answer != "") == 0
    async with database.read() as connection:
        assert await connection.scalar(select(func.count()).where(c.answer == "")) == 70
