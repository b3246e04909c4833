"""Rows that are added to those of the same key: sums, maxima, and what came last."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table, func, literal_column

from server.storage.insertion import upsert

if TYPE_CHECKING:
    from sqlalchemy.dialects.sqlite import Insert

#: rows of one statement of SQLite's; with 30 columns still far from its 32,766 parameters
MOST_ROWS = 256


def add_rows(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    added: Sequence[str],
    largest: Sequence[str] = (),
    newest: Sequence[str] = (),
    reopens: bool = False,
) -> None:
    """Insert rows, or add to those that are there: `added` by sum, `largest` by maximum, `newest` taken over."""
    if not rows:
        return
    statement = _adding(connection.dialect.name, table, tuple(added), tuple(largest), tuple(newest), reopens)
    if connection.dialect.name == "sqlite":
        names = tuple(rows[0])
        insert_many(connection, statement, names, [[row[name] for name in names] for row in rows])
    else:
        connection.execute(statement, list(rows))


def insert_many(connection: Connection, statement: Any, names: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> None:
    """Run SQLite's insert of the columns `names` with many rows to a statement, which is made once and given each time.

    With a row to each, the driver takes and gives the interpreter's lock for each, beside a busy event loop; as one JSON text, rows
    cost twice as much to read as to bind (python -m benchmarks.history).
    """
    done = 0
    while done < len(rows):
        # Powers of two: a handful of statements, which the driver keeps prepared.
        count = min(MOST_ROWS, 1 << ((len(rows) - done).bit_length() - 1))
        values = tuple(value for row in rows[done : done + count] for value in row)
        connection.exec_driver_sql(_with_rows(statement, names, count), values)
        done += count


# Both are kept: to build and compile the statements of a batch costs forty times what writing one call does.
@cache
def _adding(
    dialect: str, table: Table, added: tuple[str, ...], largest: tuple[str, ...], newest: tuple[str, ...], reopens: bool
) -> "Insert":
    greatest = func.max if dialect == "sqlite" else func.greatest
    new = upsert(dialect, table)
    changes: dict[str, Any] = {name: table.c[name] + new.excluded[name] for name in added}
    changes |= {name: greatest(table.c[name], new.excluded[name]) for name in largest}
    changes |= {name: new.excluded[name] for name in newest}
    if reopens:
        # Constants: what is bound stands in the rows alone.
        changes["state"] = func.replace(table.c.state, literal_column("'resolved'"), literal_column("'open'"))
    return new.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=changes)


@cache
def _with_rows(statement: Any, names: tuple[str, ...], rows: int) -> str:
    one = str(statement.compile(dialect=import_module("sqlalchemy.dialects.sqlite").dialect(), column_keys=names))
    row = f"({', '.join('?' * len(names))})"
    assert one.count(f"VALUES {row}") == 1, one
    return one.replace(f"VALUES {row}", f"VALUES {', '.join([row] * rows)}")
