"""How far reading episodes has come, in SQL. Table: extractions."""

from collections.abc import Sequence

from sqlalchemy import Connection, or_, select

from server.storage.context_plane.episode_rows import episode_of
from server.storage.database import Database
from server.storage.insertion import insert_or_replace
from server.storage.schema.context_tables import episodes, extractions
from tools.context_plane.extraction.stores import Extraction, WaitingEpisode


class SqlExtractionStore:
    """Keeps `tools.context_plane.extraction.stores.ExtractionStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def waiting(self, tenant_id: str, now_us: int, limit: int) -> Sequence[WaitingEpisode]:
        e, x = episodes.c, extractions.c
        joined = episodes.outerjoin(extractions, (e.tenant_id == x.tenant_id) & (e.episode_id == x.episode_id))
        is_waiting = or_(x.state.is_(None), (x.state == "waiting") & (x.next_at <= now_us))
        query = select(episodes, x.attempts).select_from(joined).where(e.tenant_id == tenant_id, e.content != "", is_waiting)

        def look(connection: Connection) -> Sequence[WaitingEpisode]:
            rows = connection.execute(query.order_by(e.recorded_at, e.episode_id).limit(limit))
            return [WaitingEpisode(episode_of(row), row.attempts or 0) for row in rows]

        return await self._database.look(look)

    async def note(self, tenant_id: str, extraction: Extraction) -> None:
        e = episodes.c
        values = {
            "tenant_id": tenant_id,
            "episode_id": extraction.episode_id,
            "state": extraction.state,
            "attempts": extraction.attempts,
            "facts": extraction.facts,
            "dropped": extraction.dropped,
            "reason": extraction.reason,
            "next_at": extraction.next_at_us,
        }
        async with self._database.write() as connection:
            there = select(e.episode_id).where(e.tenant_id == tenant_id, e.episode_id == extraction.episode_id)
            if (await connection.execute(there)).first() is not None:
                await insert_or_replace(connection, extractions, values)
