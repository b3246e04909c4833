"""Databases for the contracts of stores: empty, of either kind."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import delete

from server.storage.database import Database, sqlite_url
from server.storage.migrate import migrate
from server.storage.schema.metadata import metadata


def url_of(kind: str, request: pytest.FixtureRequest, folder: Path) -> str:
    """Return the engine URL of a store of this kind, SQLite in `folder`."""
    return sqlite_url(folder / "store.sqlite3") if kind == "sqlite" else str(request.getfixturevalue("postgres_url"))


@asynccontextmanager
async def empty_database(url: str) -> AsyncIterator[Database]:
    """Bring the database to the newest schema and empty what earlier tests left: one PostgreSQL serves all."""
    await migrate(url)
    database = Database(url)
    async with database.write() as connection:
        for table in metadata.sorted_tables:
            await connection.execute(delete(table))
    yield database
    await database.close()
