"""Versions of the gateway's configuration, in SQL. Table: config_versions."""

from collections.abc import Callable, Mapping

from sqlalchemy import func, select

from server.audited import telling
from server.config_versions.versions import TOPIC
from server.storage.database import Database, announce, now_us
from server.storage.document_versions import newest_version, put_version, version_in, version_of
from server.storage.row_removal import remove_rows
from server.storage.schema.config_tables import config_versions
from tools.operation import Json
from tools.versioned_documents.versions import ConfigVersion


class SqlConfigVersions:
    """Keeps `server.config_versions.versions.ConfigVersionStore`."""

    def __init__(self, database: Database, *, now_us: Callable[[], int] = now_us) -> None:
        self._database = database
        self._now_us = now_us

    async def newest(self) -> ConfigVersion:
        async with self._database.read() as connection:
            return await newest_version(connection, config_versions)

    async def version(self, number: int) -> ConfigVersion | None:
        async with self._database.read() as connection:
            return await version_of(connection, config_versions, number)

    async def last(self, most: int) -> list[ConfigVersion]:
        query = select(config_versions).order_by(config_versions.c.version.desc()).limit(most)
        async with self._database.read() as connection:
            return [version_in(row) for row in (await connection.execute(query)).all()]

    async def put(
        self, document: Mapping[str, Json], by: str, expected: int | None = None, told: Mapping[str, str] | None = None
    ) -> ConfigVersion:
        async with self._database.write() as connection:
            kept = await put_version(connection, config_versions, document, by, self._now_us(), expected)
            telling({"version": str(kept.version), **(told or {})})
            await announce(connection, TOPIC, None, str(kept.version))
        return kept

    async def sweep(self, before_us: int) -> None:
        """Forget versions applied before then, but for the one in force."""
        newest = select(func.max(config_versions.c.version)).scalar_subquery()
        is_old = (config_versions.c.applied_at < before_us) & (config_versions.c.version < newest)
        await remove_rows(self._database, config_versions, is_old)
