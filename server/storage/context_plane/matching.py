"""Rows that are asked for by a list of any length, in one statement."""

from collections.abc import Collection, Sequence
from typing import Any

import orjson
from sqlalchemy import ARRAY, BigInteger, Column, ColumnElement, Connection, Row, Table, Text, and_, bindparam, cast, func, literal, select
from sqlalchemy.sql.selectable import TableValuedAlias

#: a number or a text for each of the columns that are compared
Key = tuple[int | str, ...]


def matching(
    connection: Connection,
    table: Table,
    tenant_id: str,
    columns: Sequence[Column[Any]],
    keys: Collection[Key],
    *among: ColumnElement[bool],
    limit: int | None = None,
) -> Sequence[Row[Any]]:
    """Return the tenant's rows of `table` whose `columns` equal one of `keys`; `among`: those alone for which this holds.

    The keys are a table of their own, and the rows are joined to it from the left: so SQLite looks each up by the index of the columns. A
    condition with a list of pairs uses none there, and a list of numbers has a limit.
    """
    if not keys:
        return []
    listed = list(dict.fromkeys(keys))
    wanted, values = _in_sqlite(listed) if connection.dialect.name == "sqlite" else _in_postgres(columns, listed)
    same = and_(table.c.tenant_id == tenant_id, *among, *(column == value for column, value in zip(columns, values, strict=True)))
    rows = connection.execute(select(table).select_from(wanted.outerjoin(table, same)).limit(limit))
    return [row for row in rows if row.tenant_id is not None]


def present(connection: Connection, table: Table, tenant_id: str, column: Column[Any], values: Collection[int]) -> set[int]:
    """Return those of `values` that `column` has in any of the tenant's rows, without reading them all."""
    if not values:
        return set()
    keys = numbers(values)
    wanted, [value] = _in_sqlite(keys) if connection.dialect.name == "sqlite" else _in_postgres([column], keys)
    has_any = select(literal(1)).select_from(table).where(table.c.tenant_id == tenant_id, column == value).correlate(wanted).exists()
    return set(connection.execute(select(value).select_from(wanted).where(has_any)).scalars())


def numbers(values: Collection[int]) -> list[Key]:
    """Return keys of one number each."""
    return [(value,) for value in values]


def _in_sqlite(keys: list[Key]) -> tuple[TableValuedAlias, list[ColumnElement[Any]]]:
    wanted = func.json_each(bindparam("wanted", orjson.dumps(keys).decode(), Text)).table_valued("value")
    return wanted, [func.json_extract(wanted.c.value, f"$[{n}]") for n in range(len(keys[0]))]


def _in_postgres(columns: Sequence[Column[Any]], keys: list[Key]) -> tuple[TableValuedAlias, list[ColumnElement[Any]]]:
    arrays = [
        cast(bindparam(f"wanted_{n}", list(values)), ARRAY(BigInteger if isinstance(values[0], int) else Text))
        for n, values in enumerate(zip(*keys, strict=True))
    ]
    wanted = func.unnest(*arrays).table_valued(*(column.name for column in columns)).render_derived()
    return wanted, list(wanted.c)
