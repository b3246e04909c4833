"""Rows that are asked for by a list of any length, in one statement."""

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    func,
    literal,
    select,
)
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
    is_sqlite = connection.dialect.name == "sqlite"
    # To make a statement costs as much as to run it, and most are made of the same columns again and again.
    make = _statement if among else _known_statement
    statement = make(table, tuple(columns), tuple(map(type, listed[0])), is_sqlite, *among)
    values = _sqlite_values(listed) if is_sqlite else _postgres_values(listed)
    rows = connection.execute(statement if limit is None else statement.limit(limit), {"tenant": tenant_id, **values}).all()
    return [row for row in rows if row.tenant_id is not None]


def present(
    connection: Connection, table: Table, tenant_id: str, column: Column[Any], values: Collection[int], *among: ColumnElement[bool]
) -> set[int]:
    """Return those of `values` that `column` has in any of the tenant's rows for which `among` holds, without reading them all."""
    if not values:
        return set()
    keys = numbers(values)
    is_sqlite = connection.dialect.name == "sqlite"
    wanted, [value] = _in_sqlite(1) if is_sqlite else _in_postgres([column], [int])
    has_any = (
        select(literal(1)).select_from(table).where(table.c.tenant_id == tenant_id, column == value, *among).correlate(wanted).exists()
    )
    statement = select(value).select_from(wanted).where(has_any)
    return set(connection.execute(statement, _sqlite_values(keys) if is_sqlite else _postgres_values(keys)).scalars())


def numbers(values: Collection[int]) -> list[Key]:
    """Return keys of one number each."""
    return [(value,) for value in values]


def _statement(
    table: Table, columns: tuple[Column[Any], ...], kinds: tuple[type, ...], is_sqlite: bool, *among: ColumnElement[bool]
) -> Select[Any]:
    wanted, values = _in_sqlite(len(columns)) if is_sqlite else _in_postgres(columns, kinds)
    of_tenant = table.c.tenant_id == bindparam("tenant")
    same = and_(of_tenant, *among, *(column == value for column, value in zip(columns, values, strict=True)))
    return select(table).select_from(wanted.outerjoin(table, same))


_known_statement = lru_cache(maxsize=64)(_statement)


def _sqlite_values(keys: list[Key]) -> dict[str, Any]:
    return {"wanted": orjson.dumps(keys).decode()}


def _postgres_values(keys: list[Key]) -> dict[str, Any]:
    return {f"wanted_{n}": list(values) for n, values in enumerate(zip(*keys, strict=True))}


def _in_sqlite(width: int) -> tuple[TableValuedAlias, list[ColumnElement[Any]]]:
    wanted = func.json_each(bindparam("wanted", type_=Text)).table_valued("value")
    return wanted, [func.json_extract(wanted.c.value, f"$[{n}]") for n in range(width)]


def _in_postgres(columns: Sequence[Column[Any]], kinds: Sequence[type]) -> tuple[TableValuedAlias, list[ColumnElement[Any]]]:
    types = [ARRAY(BigInteger if kind is int else Text) for kind in kinds]
    arrays = [cast(bindparam(f"wanted_{n}", type_=each), each) for n, each in enumerate(types)]
    wanted = func.unnest(*arrays).table_valued(*(column.name for column in columns)).render_derived()
    return wanted, list(wanted.c)
