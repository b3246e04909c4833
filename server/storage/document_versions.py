"""Versions of a document in a table of their own, (version, document, applied_by, applied_at): numbers without gaps, the newest counts."""

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Row, Table, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.insertion import insert_rows
from tools.operation import Json
from tools.versioned_documents.versions import MAX_KEPT, ConfigVersion, VersionConflict


async def newest_version(connection: AsyncConnection, table: Table) -> ConfigVersion:
    """Return the version in force; version 0 where nobody has put one."""
    row = (await connection.execute(select(table).order_by(table.c.version.desc()).limit(1))).first()
    return ConfigVersion() if row is None else version_in(row)


async def version_of(connection: AsyncConnection, table: Table, number: int) -> ConfigVersion | None:
    """Return one of the last MAX_KEPT versions."""
    row = (await connection.execute(select(table).where(table.c.version == number))).first()
    return None if row is None else version_in(row)


async def put_version(
    connection: AsyncConnection, table: Table, document: Mapping[str, Json], by: str, at_us: int, expected: int | None
) -> ConfigVersion:
    """Keep `document` as the next version, and forget those beyond the last MAX_KEPT.

    Raises VersionConflict where the newest is not `expected` (None: whichever it is).
    """
    if connection.dialect.name == "postgresql":
        # Two that read the newest number at the same time would both take the next one.
        await connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(table.name))))
    newest = await connection.scalar(select(func.coalesce(func.max(table.c.version), 0))) or 0
    if expected is not None and newest != expected:
        raise VersionConflict(newest)
    kept = ConfigVersion(newest + 1, document, by, at_us)
    values = {"version": kept.version, "document": orjson.dumps(document).decode(), "applied_by": by, "applied_at": at_us}
    await insert_rows(connection, table, [values])
    await connection.execute(delete(table).where(table.c.version <= kept.version - MAX_KEPT))
    return kept


def version_in(row: Row[Any]) -> ConfigVersion:
    """Return what a row says."""
    return ConfigVersion(version=row.version, document=orjson.loads(row.document), by=row.applied_by, at_us=row.applied_at)
