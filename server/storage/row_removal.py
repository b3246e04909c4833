"""Remove rows that nobody needs any more, however many there are, so that nobody who writes meanwhile waits for long."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, Delete, Table, Update, delete, select, tuple_, update

from server.storage.database import Database

#: keys that are looked up at once
FOUND_ROWS = 20_000
#: of the first step; a row may hold megabytes, and what is removed is overwritten
FIRST_ROWS, MOST_ROWS = 16, 512
#: A step that took longer is followed by one of half as many rows; one that took half of it, by twice as many. The contract allows 50 ms.
AIM_S = 0.01


#: told of the keys of some rows, in the transaction that removes them
Told = Callable[[Connection, Sequence[tuple[Any, ...]]], None]


async def remove_rows(
    database: Database,
    table: Table,
    *is_old: ColumnElement[bool],
    still: Sequence[ColumnElement[bool]] | None = None,
    told: Told | None = None,
) -> int:
    """Delete the rows of all tenants that are old, and return how many went.

    Which ones they are is found on a snapshot, which holds up nobody. They go in transactions of some milliseconds each; a row that is
    needed again by then stays, and what a power cut undoes is old the next time. `still`: what is asked again of a row before it goes,
    where it takes long to say which are old; else the same.
    """
    return await _in_steps(database, table, delete(table), is_old, is_old if still is None else still, told)


async def empty_rows(database: Database, table: Table, values: Mapping[str, Any], *is_old: ColumnElement[bool]) -> int:
    """Give old rows, which hold something, `values` in which they hold it no more: in the same way; return how many."""
    return await _in_steps(database, table, update(table).values(**values), is_old, is_old)


async def _in_steps(
    database: Database,
    table: Table,
    statement: Delete | Update,
    is_old: Sequence[ColumnElement[bool]],
    still: Sequence[ColumnElement[bool]],
    told: Told | None = None,
) -> int:
    keys = list(table.primary_key.columns)
    oldest = select(*keys).where(*is_old).limit(FOUND_ROWS)
    changed, step_rows = 0, FIRST_ROWS
    while True:
        found = await database.look(lambda connection: [tuple(row) for row in connection.execute(oldest)])
        rest = found
        while rest:
            some, rest = rest[:step_rows], rest[step_rows:]
            step = partial(_step, statement=statement.where(among(table, some), *still), keys=some, told=told)
            rows, took_s = await database.transact(step, survives_power_cut=False)
            changed += rows
            step_rows = _paced(step_rows, took_s)
        if len(found) < FOUND_ROWS:
            return changed


def among(table: Table, keys: Sequence[tuple[Any, ...]]) -> ColumnElement[bool]:
    """Return the condition of rows by their primary keys."""
    columns = list(table.primary_key.columns)
    return columns[0].in_([key[0] for key in keys]) if len(columns) == 1 else tuple_(*columns).in_(keys)


def _step(connection: Connection, statement: Delete | Update, keys: Sequence[tuple[Any, ...]], told: Told | None) -> tuple[int, float]:
    begun_s = time.perf_counter()
    rows = connection.execute(statement).rowcount
    if told is not None:
        told(connection, keys)
    return rows, time.perf_counter() - begun_s


def _paced(rows: int, took_s: float) -> int:
    if took_s > AIM_S:
        return max(1, rows // 2)
    return min(MOST_ROWS, rows * 2) if took_s < AIM_S / 2 else rows
