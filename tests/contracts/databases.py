"""Databases for the contracts of stores: empty, of either kind."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from sqlalchemy import delete, make_url

from server.config.store import sqlite_url
from server.storage.database import Database
from server.storage.history.tables import history_metadata
from server.storage.migrate import HISTORY, migrate
from server.storage.schema.metadata import metadata
from tests.empty_store import put_empty_history, put_empty_store


def url_of(kind: str, request: pytest.FixtureRequest, folder: Path) -> str:
    """Return the engine URL of a store of this kind, SQLite in `folder`."""
    return sqlite_url(folder / "store.sqlite3") if kind == "sqlite" else str(request.getfixturevalue("postgres_url"))


async def bring_up(url: str) -> None:
    """Bring the database at `url` to the newest schema; a SQLite store that is not there yet is copied from an empty one."""
    path = anyio.Path(make_url(url).database or "")
    if url.startswith("sqlite") and not await path.exists():
        put_empty_store(Path(path))
    else:
        await migrate(url)


@asynccontextmanager
async def empty_database(url: str) -> AsyncIterator[Database]:
    """Bring the database to the newest schema and empty what earlier tests left: one PostgreSQL serves all."""
    await bring_up(url)
    database = Database(url)
    async with database.write() as connection:
        for table in metadata.sorted_tables:
            await connection.execute(delete(table))
    yield database
    await database.close()


@asynccontextmanager
async def empty_history(kind: str, request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[Database]:
    """Open a history of this kind without rows."""
    if kind == "sqlite":
        url = put_empty_history(folder / "history.sqlite3")
    else:
        url = url_of(kind, request, folder)
        await migrate(url)
        await migrate(url, HISTORY)
    database = Database(url)
    async with database.write() as connection:
        for table in history_metadata.sorted_tables:
            await connection.execute(delete(table))
    yield database
    await database.close()
