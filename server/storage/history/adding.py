"""Rows that are added to those of the same key: sums, maxima, and what came last."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, func, literal_column

from server.storage.insertion import upsert

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
    is_sqlite = connection.dialect.name == "sqlite"
    greatest = func.max if is_sqlite else func.greatest
    new: Any = upsert(connection.dialect.name, table)
    changes: dict[str, Any] = {name: table.c[name] + new.excluded[name] for name in added}
    changes |= {name: greatest(table.c[name], new.excluded[name]) for name in largest}
    changes |= {name: new.excluded[name] for name in newest}
    if reopens:
        # Constants: what is bound stands in the rows alone.
        changes["state"] = func.replace(table.c.state, literal_column("'resolved'"), literal_column("'open'"))
    statement = new.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=changes)
    if is_sqlite:
        names = list(rows[0])
        insert_many(connection, statement, names, [[row[name] for name in names] for row in rows])
    else:
        connection.execute(statement, list(rows))


def insert_many(connection: Connection, statement: Any, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Run SQLite's insert of the columns `names` with many rows to a statement.

    With a row to each, the driver takes and gives the interpreter's lock for each, beside a busy event loop; as one JSON text, rows
    cost twice as much to read as to bind (python -m benchmarks.history).
    """
    one = str(statement.compile(dialect=connection.dialect, column_keys=list(names)))
    done = 0
    while done < len(rows):
        # Powers of two: a handful of statements, which the driver keeps prepared.
        count = min(MOST_ROWS, 1 << ((len(rows) - done).bit_length() - 1))
        values = tuple(value for row in rows[done : done + count] for value in row)
        connection.exec_driver_sql(_with_rows(one, len(names), count), values)
        done += count


@cache
def _with_rows(statement: str, columns: int, rows: int) -> str:
    row = f"({', '.join('?' * columns)})"
    assert statement.count(f"VALUES {row}") == 1, statement
    return statement.replace(f"VALUES {row}", f"VALUES {', '.join([row] * rows)}")
