"""Keep callers' keys: CallerKeyStore on SQL."""

from collections.abc import Sequence
from dataclasses import replace

import orjson
from sqlalchemy import and_, func, select, update

from server.storage.database import Database, announce
from server.storage.insertion import insert_rows
from server.storage.row_mapping import Conversion, RowMapping
from server.storage.schema.ai_gateway_tables import caller_keys
from tools.ai_gateway.caller_keys import CallerKey

TOPIC = "caller_keys"

_AT = Conversion(lambda at_us: at_us, lambda at_us: at_us)
_KEYS = RowMapping(
    CallerKey,
    allow=Conversion(
        lambda allow: None if allow is None else orjson.dumps(allow).decode(),
        lambda text: None if text is None else tuple(orjson.loads(text)),
    ),
    created_at_us=replace(_AT, column="created_at"),
    last_used_at_us=replace(_AT, column="last_used_at"),
    revoked_at_us=replace(_AT, column="revoked_at"),
)


class SqlCallerKeyStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, key: CallerKey, key_hash: bytes, most: int) -> bool:
        live = select(func.count()).where(caller_keys.c.tenant_id == key.tenant_id, caller_keys.c.revoked_at.is_(None))
        async with self._database.write() as connection:
            if not self._database.is_sqlite:
                # Two that count at the same time would both find room.
                await connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"caller_keys {key.tenant_id}"))))
            if (await connection.execute(live)).scalar_one() >= most:
                return False
            await insert_rows(connection, caller_keys, [{**_KEYS.values(key), "key_hash": key_hash}])
            await announce(connection, TOPIC, key.tenant_id, key.key_id)
        return True

    async def load(self) -> Sequence[tuple[bytes, CallerKey]]:
        async with self._database.read() as connection:
            rows = await connection.execute(select(caller_keys).where(caller_keys.c.revoked_at.is_(None)))
            return [(row.key_hash, _KEYS.record(row)) for row in rows]

    async def find(self, tenant_id: str, key_id: str) -> tuple[bytes, CallerKey] | None:
        query = select(caller_keys).where(caller_keys.c.tenant_id == tenant_id, caller_keys.c.key_id == key_id)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).first()
        return None if row is None else (row.key_hash, _KEYS.record(row))

    async def of_tenant(self, tenant_id: str) -> Sequence[CallerKey]:
        query = select(caller_keys).where(caller_keys.c.tenant_id == tenant_id).order_by(caller_keys.c.created_at.desc())
        async with self._database.read() as connection:
            return [_KEYS.record(row) for row in await connection.execute(query)]

    async def revoke(self, tenant_id: str, key_id: str, at_us: int) -> bool:
        live = and_(caller_keys.c.tenant_id == tenant_id, caller_keys.c.key_id == key_id, caller_keys.c.revoked_at.is_(None))
        async with self._database.write() as connection:
            if (await connection.execute(update(caller_keys).where(live).values(revoked_at=at_us))).rowcount == 0:
                return False
            await announce(connection, TOPIC, tenant_id, key_id)
        return True

    async def used(self, at_us_by_key: dict[tuple[str, str], int]) -> None:
        async with self._database.write() as connection:
            for (tenant_id, key_id), at_us in at_us_by_key.items():
                its_row = and_(caller_keys.c.tenant_id == tenant_id, caller_keys.c.key_id == key_id)
                await connection.execute(update(caller_keys).where(its_row).values(last_used_at=at_us))
