"""Room for one more row within the quotas of tenants and of whoever holds rows, made in the transaction that inserts it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from oauth.principal import Principal
from server.storage.database import now_us
from tools.quotas import Quotas


async def make_room(
    connection: AsyncConnection,
    table: Table,
    size: ColumnElement[Any],
    quotas: Quotas,
    principal: Principal,
    size_bytes: int,
    *,
    keep: str | None = None,
    among: Sequence[ColumnElement[bool]] = (),
) -> list[str]:
    """Forget as many of the person's oldest rows of `table` as it takes for `size_bytes` more, and return their handle hashes.

    `size`: of a row, in bytes. `keep`: the row that grows by `size_bytes` and stays; None: a new one comes. `among`: which rows count,
    and may go. Raises QuotaExceeded.
    """
    if connection.dialect.name == "postgresql":
        # Two that count at the same time would both find room.
        await connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"{table.name} {principal.tenant_id}"))))
    alive = (table.c.tenant_id == principal.tenant_id, table.c.expires_at > now_us(), *among)
    whole = (await connection.execute(select(func.count(), func.coalesce(func.sum(size), 0)).where(*alive))).one()
    mine = select(table.c.handle_hash, size).where(*alive, table.c.subject == principal.subject).order_by(table.c.expires_at)
    rows = [(row[0], int(row[1])) for row in (await connection.execute(mine)).all()]
    grown = next((length for handle, length in rows if handle == keep), None)
    if grown is None:
        gone = quotas.to_forget(rows, (whole[0], int(whole[1])), size_bytes)
    else:
        # As if it came anew with all that it has.
        others = [row for row in rows if row[0] != keep]
        gone = quotas.to_forget(others, (whole[0] - 1, int(whole[1]) - grown), grown + size_bytes)
    if gone:
        await connection.execute(delete(table).where(table.c.tenant_id == principal.tenant_id, table.c.handle_hash.in_(gone)))
    return gone


async def keep_newest(
    connection: AsyncConnection, table: Table, holder: ColumnElement[str], most: int, *among: ColumnElement[bool]
) -> None:
    """Forget the oldest rows of the holder that has most, until `most` of the living rows `among` are left.

    Two transactions that count at the same time may leave some more: this bounds what is kept, and promises no number.
    """
    alive = (*among, table.c.expires_at > now_us())
    excess = (await connection.execute(select(func.count()).where(*alive).select_from(table))).scalar_one() - most
    [key] = table.primary_key.columns
    while excess > 0:
        held = func.count().label("held")
        largest = (await connection.execute(select(holder, held).where(*alive).group_by(holder).order_by(held.desc()).limit(2))).all()
        # As many as it has more than the next one, or one by one among equals.
        ahead = largest[0].held - (largest[1].held if len(largest) > 1 else 0)
        oldest = select(key).where(*alive, holder == largest[0][0]).order_by(table.c.expires_at).limit(min(excess, max(1, ahead)))
        await connection.execute(delete(table).where(*among, key.in_(oldest)))
        excess -= min(excess, max(1, ahead))
