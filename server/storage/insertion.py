"""Inserts that know their columns, and inserts that meet a row of the same key, in both databases."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table, insert
from sqlalchemy.ext.asyncio import AsyncConnection

if TYPE_CHECKING:
    from sqlalchemy.dialects.sqlite import Insert


async def insert_rows(connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the columns of the first. Raises KeyError for a name that the table does not have.

    SQLAlchemy checks the values of a statement, and leaves out unnoticed what it does not know among parameters.
    """
    await connection.run_sync(insert_in_thread, table, rows)


def insert_in_thread(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Do what `insert_rows` does, in a transaction that runs whole in a thread; no rows are no statement."""
    if not rows:
        return
    if unknown := rows[0].keys() - table.c.keys():
        raise KeyError(f"{table.name} has no column {', '.join(sorted(unknown))}")
    connection.execute(insert(table), rows)


async def insert_once(connection: AsyncConnection, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert the row, or leave the one that is there; True where it is new. Of concurrent calls one is told True."""
    return await connection.run_sync(insert_once_in_thread, table, values)


def insert_once_in_thread(connection: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """Do what `insert_once` does, in a transaction that runs whole in a thread."""
    keys = list(table.primary_key.columns)
    statement = upsert(connection.dialect.name, table).values(**values).on_conflict_do_nothing(index_elements=keys).returning(*keys)
    # What came back counts: the row count of an insert is not known in PostgreSQL.
    return connection.execute(statement).first() is not None


def insert_unless_there_in_thread(connection: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert the row, unless any unique key of it is taken; True where it is new. In a transaction that runs whole in a thread."""
    statement = upsert(connection.dialect.name, table).values(**values).on_conflict_do_nothing()
    return connection.execute(statement.returning(*table.primary_key.columns)).first() is not None


async def insert_or_replace(connection: AsyncConnection, table: Table, values: Mapping[str, Any]) -> None:
    """Insert the row, or give the one of the same primary key these values."""
    await connection.run_sync(insert_or_replace_in_thread, table, values)


def insert_or_replace_in_thread(connection: Connection, table: Table, values: Mapping[str, Any]) -> None:
    """Do what `insert_or_replace` does, in a transaction that runs whole in a thread."""
    keys = list(table.primary_key.columns)
    changed = {name: value for name, value in values.items() if name not in {key.name for key in keys}}
    statement = upsert(connection.dialect.name, table).values(**values)
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed))


def upsert(dialect: str, table: Table) -> "Insert":
    """Return an INSERT that may say what happens ON CONFLICT; `dialect`: the name of the connection's.

    SQLite and PostgreSQL write it alike, SQLAlchemy does not. The module is the one that the connection has loaded already: to name
    both would load both, 2 MB that most gateways never use.
    """
    made: Insert = import_module(f"sqlalchemy.dialects.{dialect}").insert(table)
    return made
