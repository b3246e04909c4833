"""Operations and their sources, in SQL."""

from collections.abc import Sequence

import orjson
from sqlalchemy import Row, and_, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.database import Database, announce, now_us
from server.storage.insertion import insert_rows
from server.storage.schema.tool_tables import held_tools, operations, sources
from server.storage.tools.operation_rows import operation_of, row_of
from tools.operation import Operation
from tools.stores import ImportDiff, Source, diff_of

TOPIC = "operations"
_CHUNK = 500
_WHOLE = (operations.c.definition, operations.c.binding, operations.c.input_schema, operations.c.output_schema)


class SqlOperationStore:
    """OperationStore on the database; every change is announced to the other processes in its own transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def replace(self, source: Source, given: Sequence[Operation]) -> ImportDiff:
        owner = source.tenant_id or ""
        async with self._database.write() as connection:
            # First of all, since in PostgreSQL this row is what two imports of one provider wait for.
            await _write_source(connection, owner, source)
            diff = diff_of(await _known(connection, owner, source.provider), given)
            await _forget(connection, owner, source.provider, [*diff.removed, *diff.changed])
            new = frozenset((*diff.added, *diff.changed))
            if rows := [row_of(owner, operation) for operation in given if operation.id in new]:
                await insert_rows(connection, operations, rows)
            await announce(connection, TOPIC, source.tenant_id, source.provider)
        return diff

    async def amend(self, tenant_id: str | None, provider: str, given: Sequence[Operation], removed: Sequence[str] = ()) -> None:
        owner = tenant_id or ""
        async with self._database.write() as connection:
            # An import that runs meanwhile waits for this row, and a source that was removed brings nothing back.
            mine = select(sources.c.provider).where(sources.c.tenant_id == owner, sources.c.provider == provider).with_for_update()
            if (await connection.execute(mine)).first() is None:
                return
            await _forget(connection, owner, provider, [*removed, *(operation.id for operation in given)])
            if rows := [row_of(owner, operation) for operation in given]:
                await insert_rows(connection, operations, rows)
            await announce(connection, TOPIC, tenant_id, provider)

    async def compare(self, source: Source, given: Sequence[Operation]) -> ImportDiff:
        async with self._database.read() as connection:
            return diff_of(await _known(connection, source.tenant_id or "", source.provider), given)

    async def load(self) -> Sequence[Operation]:
        # Of all tenants, on purpose: the catalogue's snapshot keeps them apart.
        async with self._database.read() as connection:
            # Streamed, so that the rows of a large catalogue are never all there beside the operations.
            rows = await connection.stream(select(*_WHOLE, operations.c.tenant_id), execution_options={"yield_per": _CHUNK})
            return [operation_of(row) async for row in rows]

    async def load_provider(self, tenant_id: str | None, provider: str) -> Sequence[Operation]:
        async with self._database.read() as connection:
            rows = await connection.execute(
                select(*_WHOLE)
                .where(operations.c.tenant_id == (tenant_id or ""), operations.c.provider == provider)
                .order_by(operations.c.operation_id)
            )
            return [operation_of(row) for row in rows]

    async def sources(self, tenant_id: str | None) -> Sequence[Source]:
        async with self._database.read() as connection:
            rows = await connection.execute(select(sources).where(sources.c.tenant_id == (tenant_id or "")).order_by(sources.c.provider))
            return [_source(row) for row in rows]

    async def remove(self, tenant_id: str | None, provider: str) -> int:
        owner = tenant_id or ""
        async with self._database.write() as connection:
            await connection.execute(delete(sources).where(sources.c.tenant_id == owner, sources.c.provider == provider))
            await connection.execute(delete(held_tools).where(held_tools.c.tenant_id == owner, held_tools.c.provider == provider))
            gone = await connection.execute(delete(operations).where(operations.c.tenant_id == owner, operations.c.provider == provider))
            await announce(connection, TOPIC, tenant_id, provider)
        return gone.rowcount


async def _forget(connection: AsyncConnection, owner: str, provider: str, ids: Sequence[str]) -> None:
    for start in range(0, len(ids), _CHUNK):
        await connection.execute(
            delete(operations).where(
                operations.c.tenant_id == owner,
                operations.c.provider == provider,
                operations.c.operation_id.in_(ids[start : start + _CHUNK]),
            )
        )


async def _known(connection: AsyncConnection, owner: str, provider: str) -> dict[str, tuple[str, str]]:
    """Return operation id -> (content hash, access) of what is stored."""
    rows = await connection.execute(
        select(operations.c.operation_id, operations.c.content_hash, operations.c.access).where(
            operations.c.tenant_id == owner, operations.c.provider == provider
        )
    )
    return {row.operation_id: (row.content_hash, row.access) for row in rows}


async def _write_source(connection: AsyncConnection, owner: str, source: Source) -> None:
    values = {
        "kind": source.kind,
        "location": source.location,
        "title": source.title,
        "settings": orjson.dumps(source.settings).decode(),
        "imported_at": now_us(),
    }
    mine = and_(sources.c.tenant_id == owner, sources.c.provider == source.provider)
    changed = await connection.execute(update(sources).where(mine).values(**values))
    if changed.rowcount == 0:
        await connection.execute(insert(sources).values(tenant_id=owner, provider=source.provider, **values))


def _source(row: Row[tuple[object, ...]]) -> Source:
    return Source(
        provider=row.provider,
        tenant_id=row.tenant_id or None,
        kind=row.kind,
        location=row.location,
        title=row.title,
        settings=orjson.loads(row.settings),
    )
