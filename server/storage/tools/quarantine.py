"""Tools that wait for an operator, in SQL. Table: held_tools."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import orjson
from sqlalchemy import Row, delete, select

from server.storage.database import Database, announce, now_us
from server.storage.insertion import insert_rows
from server.storage.schema.tool_tables import held_tools, sources
from server.storage.tools.operations import TOPIC
from tools.catalog.quarantine import HeldTool

_COLUMNS = ("tenant_id", "concerns", "provider", "reason")


class SqlQuarantineStore:
    """Keeps `tools.catalog.quarantine.QuarantineStore`; every change is announced to the other processes in its own transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load_held(self) -> Sequence[HeldTool]:
        # Of all tenants, on purpose: the snapshot keeps them apart.
        async with self._database.read() as connection:
            return _in_order(await connection.execute(select(held_tools)))

    async def held_of(self, tenant_id: str | None, provider: str) -> Sequence[HeldTool]:
        mine = (held_tools.c.tenant_id == (tenant_id or ""), held_tools.c.provider == provider)
        async with self._database.read() as connection:
            return _in_order(await connection.execute(select(held_tools).where(*mine)))

    async def hold(self, tenant_id: str | None, provider: str, held: Sequence[HeldTool]) -> None:
        owner = tenant_id or ""
        async with self._database.write() as connection:
            # In PostgreSQL this row is what two writers of one source wait for; a source that was removed holds nothing.
            mine = select(sources.c.provider).where(sources.c.tenant_id == owner, sources.c.provider == provider).with_for_update()
            if (await connection.execute(mine)).first() is None:
                return
            of_source = (held_tools.c.tenant_id == owner, held_tools.c.provider == provider)
            known = await connection.execute(select(held_tools.c.tool_hash, held_tools.c.concerns, held_tools.c.held_at).where(*of_source))
            # What still waits has waited since it came first, however often its source is looked at.
            since = {(row.tool_hash, row.concerns): row.held_at for row in known}
            await connection.execute(delete(held_tools).where(*of_source))
            if rows := [row | {"held_at": since.get((row["tool_hash"], row["concerns"]), row["held_at"])} for row in _rows(owner, held)]:
                await insert_rows(connection, held_tools, rows)
            await announce(connection, TOPIC, tenant_id, provider)


def _rows(owner: str, held: Sequence[HeldTool]) -> list[dict[str, object]]:
    return [_row(owner, each) for each in held]


def _row(owner: str, held: HeldTool) -> dict[str, object]:
    content = {name: value for name, value in asdict(held).items() if name not in _COLUMNS}
    return {
        "tenant_id": owner,
        "provider": held.provider,
        "tool_hash": hashlib.sha256(held.tool.encode()).hexdigest(),
        "concerns": held.concerns or "",
        "reason": held.reason,
        "held": orjson.dumps(content).decode(),
        "held_at": now_us(),
    }


def _in_order(rows: Iterable[Row[Any]]) -> list[HeldTool]:
    return sorted((_held(row) for row in rows), key=lambda held: (held.tool, held.concerns or ""))


def _held(row: Row[Any]) -> HeldTool:
    content = orjson.loads(row.held)
    content |= {"changes": tuple(content["changes"]), "risks": tuple(content["risks"])}
    return HeldTool(tenant_id=row.tenant_id or None, provider=row.provider, concerns=row.concerns or None, reason=row.reason, **content)
