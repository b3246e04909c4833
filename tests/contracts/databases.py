"""Databases for the contracts of stores: empty, of either kind."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from sqlalchemy import MetaData, delete, make_url

from server.config.store import sqlite_url
from server.storage.database import Database
from server.storage.history.tables import history_metadata
from server.storage.migrate import HISTORY, STATE, Migrations, migrate
from server.storage.schema.metadata import metadata
from tests.empty_store import put_empty_history, put_empty_store


def url_of(kind: str, request: pytest.FixtureRequest, folder: Path) -> str:
    """Return the engine URL of a store of this kind, SQLite in `folder`."""
    return sqlite_url(folder / "store.sqlite3") if kind == "sqlite" else str(request.getfixturevalue("postgres_url"))


#: that this process brought to the newest schema: nobody takes it back
_MIGRATED: set[tuple[str, Migrations]] = set()


async def bring_up(url: str) -> bool:
    """Bring the database at `url` to the newest schema, and say whether it is new: then it is a copy of an empty SQLite store."""
    path = anyio.Path(make_url(url).database or "")
    if url.startswith("sqlite") and not await path.exists():
        put_empty_store(Path(path))
        return True
    await _migrated(url, STATE)
    return False


@asynccontextmanager
async def empty_database(url: str) -> AsyncIterator[Database]:
    """Bring the database to the newest schema and empty what earlier tests left: one PostgreSQL serves all."""
    is_new = await bring_up(url)
    database = Database(url)
    if not is_new:
        await _empty(database, metadata)
    yield database
    await database.close()


@asynccontextmanager
async def empty_history(kind: str, request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[Database]:
    """Open a history of this kind without rows."""
    if kind == "sqlite":
        url = put_empty_history(folder / "history.sqlite3")
    else:
        url = url_of(kind, request, folder)
        await bring_up(url)
        await _migrated(url, HISTORY)
    database = Database(url)
    if kind != "sqlite":
        await _empty(database, history_metadata)
    yield database
    await database.close()


async def _migrated(url: str, migrations: Migrations) -> None:
    if (url, migrations) not in _MIGRATED:
        await migrate(url, migrations)
        _MIGRATED.add((url, migrations))


async def _empty(database: Database, tables: MetaData) -> None:
    statements = [str(delete(table)) for table in tables.sorted_tables]
    async with database.write() as connection:
        # PostgreSQL takes them in one message; each by itself, it would take longer than most tests.
        for statement in statements if database.is_sqlite else ["; ".join(statements)]:
            await connection.exec_driver_sql(statement)
