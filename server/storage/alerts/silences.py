"""Silences in SQL. Table: silences."""

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, Row, delete, func, select, update

from server.storage.alerts.records import Silence
from server.storage.database import Database
from server.storage.insertion import insert_in_thread
from server.storage.schema.alert_tables import silences
from tools.errors import QuotaExceeded

MAX_SILENCES = 200


class SqlSilences:
    def __init__(self, database: Database, quota_scale: float = 1.0) -> None:
        self._database, self._most = database, max(1, round(MAX_SILENCES * quota_scale))

    async def add(self, silence: Silence) -> None:
        """Keep a silence. Raises QuotaExceeded where too many hold already."""
        held = select(func.count()).select_from(silences).where(silences.c.until > silence.created_at_us)

        def add(connection: Connection) -> None:
            if connection.execute(held).scalar_one() >= self._most:
                raise QuotaExceeded(f"silences ({self._most})", "end one that nobody needs any more")
            insert_in_thread(connection, silences, [_values(silence)])

        await self._database.transact(add)

    async def end(self, silence_id: str, now_us: int) -> bool:
        """End a silence now; False: there is none of that id that holds."""
        holds = (silences.c.silence_id == silence_id, silences.c.until > now_us)
        # Looked at before, so that nothing that changed nothing is put on record.
        if await self._database.look(lambda connection: connection.execute(select(silences.c.until).where(*holds)).first()) is None:
            return False
        mine = update(silences).where(*holds).values(until=now_us)
        return await self._database.transact(lambda connection: connection.execute(mine).rowcount == 1)

    async def all(self, limit: int = MAX_SILENCES) -> Sequence[Silence]:
        """Return silences, those that hold for longest first, and those that ended lately."""
        query = select(silences).order_by(silences.c.until.desc(), silences.c.silence_id).limit(limit)
        return await self._database.look(lambda connection: [silence_of(row) for row in connection.execute(query)])

    async def forget_before(self, time_us: int) -> int:
        """Forget those that ended before."""
        old = delete(silences).where(silences.c.until < time_us)
        return await self._database.transact(lambda connection: connection.execute(old).rowcount)


def _values(silence: Silence) -> dict[str, Any]:
    return {
        "silence_id": silence.silence_id,
        "matchers": orjson.dumps(dict(silence.matchers)).decode(),
        "why": silence.why,
        "by": silence.by,
        "created_at": silence.created_at_us,
        "until": silence.until_us,
    }


def silence_of(row: Row[Any]) -> Silence:
    return Silence(
        silence_id=row.silence_id,
        matchers=orjson.loads(row.matchers),
        why=row.why,
        by=row.by,
        created_at_us=row.created_at,
        until_us=row.until,
    )
