"""Nodes of a release and of this code on one store: what the release wrote is there, and what it writes and reads goes on."""

import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, MetaData, Table, create_engine, event, insert, select
from sqlalchemy.types import Boolean, LargeBinary, String

from server.config.store import sqlite_url
from server.storage.migrate import HISTORY, STATE, Migrations, StoreIsNewer, migrate, state_of
from tests.contracts.released import record
from tests.gateway import opened

MIGRATIONS = {"store": STATE, "history": HISTORY}


def released() -> Iterator[tuple[str, str]]:
    """Yield (store or history, revision) of the releases on record whose nodes may run beside this code's."""
    for path in sorted(record.FOLDER.glob("*.sql")):
        name, _, revision = path.stem.partition("_")
        if revision >= MIGRATIONS[name].still_works():
            yield name, revision


def put_released(name: str, revision: str, file: Path) -> str:
    with sqlite3.connect(file) as connection:
        connection.executescript((record.FOLDER / f"{name}_{revision}.sql").read_text(encoding="utf-8"))
    connection.close()
    return sqlite_url(file)


def row_of(table: Table, mark: str) -> dict[str, object]:
    """Return a row as the release writes it: every column that it knows, and no other."""
    values: dict[str, object] = {}
    for column in table.columns:
        kind = column.type
        values[column.name] = (
            True
            if isinstance(kind, Boolean)
            else mark.encode()
            if isinstance(kind, LargeBinary)
            else mark
            if isinstance(kind, String)
            else len(mark)
        )
    return values


def as_the_release_does(connection: Connection, tables: MetaData, mark: str) -> None:
    """Write a row into every table and read it, by the columns of the release alone."""
    for table in tables.sorted_tables:
        if table.name in ("alembic_version", "history_version"):
            continue
        connection.execute(insert(table).values(row_of(table, mark)))
        found = connection.execute(select(table)).mappings().all()
        assert any(set(row_of(table, mark).items()) <= set(row.items()) for row in found), table.name


@pytest.mark.parametrize(("name", "revision"), list(released()))
async def test_the_code_of_a_release_works_on_the_schema_of_this_code(tmp_path: Path, name: str, revision: str) -> None:
    """And what it wrote before is there after the migration."""
    file = tmp_path / "store.sqlite3"
    url = put_released(name, revision, file)
    engine = create_engine(f"sqlite:///{file}")
    # Rows of one table at a time: whom they belong to is not what this is about.
    event.listen(engine, "connect", lambda connection, _record: connection.execute("PRAGMA foreign_keys=OFF"))
    tables = MetaData()
    tables.reflect(engine)
    with engine.begin() as connection:
        as_the_release_does(connection, tables, "before")
    await migrate(url, MIGRATIONS[name])
    assert (await state_of(url, MIGRATIONS[name])).revision == MIGRATIONS[name].newest()
    with engine.begin() as connection:
        for table in tables.sorted_tables:
            if table.name not in ("alembic_version", "history_version"):
                assert connection.execute(select(table)).first() is not None, table.name
        as_the_release_does(connection, tables, "after")
    engine.dispose()


def test_a_release_is_on_record() -> None:
    """Else there is nothing to compare with: `python -m tests.contracts.released.record`."""
    assert {name for name, _revision in released()} == {"store", "history"}


@pytest.mark.parametrize("migrations", [STATE, HISTORY], ids=["store", "history"])
async def test_this_code_goes_on_where_a_newer_one_took_nothing_away(
    tmp_path: Path, migrations: Migrations, caplog: pytest.LogCaptureFixture
) -> None:
    """A node of the version before that is started again in the middle of an upgrade."""
    async with opened(tmp_path / "data"):
        pass
    file = tmp_path / "data" / "ascend.sqlite3"
    url = sqlite_url(file)
    if migrations is HISTORY:
        await migrate(url, HISTORY)
    ahead(file, migrations, migrations.newest())
    with caplog.at_level(logging.WARNING, "ascend"):
        await migrate(url, migrations)
    assert [record.message for record in caplog.records] == ["store_is_ahead"]
    state = await state_of(url, migrations)
    assert (state.is_ahead, state.is_newer, state.revision) == (True, False, "9999")


async def test_this_code_does_not_touch_what_a_newer_one_took_from_it(tmp_path: Path) -> None:
    async with opened(tmp_path / "data"):
        pass
    file = tmp_path / "data" / "ascend.sqlite3"
    ahead(file, STATE, "9998")
    with pytest.raises(StoreIsNewer, match="revision 9999"):
        await migrate(sqlite_url(file))


def ahead(file: Path, migrations: Migrations, works_with: str) -> None:
    """Have a newer version bring the store to its schema, which works with the code of `works_with` and later."""
    with sqlite3.connect(file) as connection:
        connection.execute(f"UPDATE {migrations.version_table} SET version_num = '9999'")
        connection.execute("DELETE FROM store_facts WHERE name = ?", (f"works_with:{migrations.version_table}",))
        connection.execute("INSERT INTO store_facts VALUES (?, ?)", (f"works_with:{migrations.version_table}", works_with))
    connection.close()
