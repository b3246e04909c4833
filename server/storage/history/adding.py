"""Rows that are added to those of the same key: sums, maxima, and what came last."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, Table, bindparam, func, select

from server.storage.insertion import upsert


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
        changes["state"] = func.replace(table.c.state, "resolved", "open")
    given: Any = list(rows)
    if is_sqlite:
        new, given = from_json(new, list(rows[0])), {"rows": orjson.dumps([list(row.values()) for row in rows]).decode()}
    connection.execute(new.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=changes), given)


def from_json(statement: Any, names: Sequence[str]) -> Any:
    """Return an insert of SQLite's that takes all rows as one JSON text: to bind each value by itself costs a tenth of a call."""
    rows = func.json_each(bindparam("rows")).table_valued("value")
    values = [func.json_extract(rows.c.value, f"$[{place}]") for place in range(len(names))]
    # A condition, so that what follows is no part of a join (sqlite.org/lang_upsert.html, "Parsing Ambiguity").
    return statement.from_select(names, select(*values).where(rows.c.value.is_not(None)))
