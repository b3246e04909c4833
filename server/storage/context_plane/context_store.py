"""ContextStore on the database: one writer of a tenant at a time, on any number of nodes (docs/decisions/0046)."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from server.storage.context_plane.context_changes import context_change
from server.storage.context_plane.fact_news import facts_since
from server.storage.context_plane.rows import SqlContextRows
from server.storage.context_plane.totals import standing_of
from server.storage.database import Database
from server.storage.schema.context_tables import (
    claims,
    entities,
    entity_keys,
    entity_links,
    episodes,
    facts,
    identity_pairs,
    signal_evaluations,
)
from server.storage.schema.tool_tables import plan_steps, plans, results
from tools.context_plane.quotas import CONTEXT, ContextQuotas
from tools.context_plane.stores import ContextRows, FactNews

Result = TypeVar("Result")


class SqlContextStore:
    def __init__(self, database: Database, quotas: ContextQuotas = CONTEXT) -> None:
        self._database, self._quotas = database, quotas

    async def change(self, tenant_id: str, work: Callable[[ContextRows], Result]) -> Result:
        def changed(connection: Connection) -> Result:
            with context_change(connection, tenant_id, self._quotas) as rows:
                return work(rows)

        return await self._database.transact(changed)

    async def read(self, tenant_id: str, work: Callable[[ContextRows], Result]) -> Result:
        return await self._database.look(lambda connection: work(self._seen(connection, tenant_id)))

    async def purge(self) -> bool:
        # And what calls left behind: kept answers may quote what is forgotten.
        tables = (
            claims,
            entities,
            entity_keys,
            entity_links,
            episodes,
            facts,
            identity_pairs,
            signal_evaluations,
            plan_steps,
            plans,
            results,
        )
        return await self._database.overwrite([table.name for table in tables])

    async def facts_since(self, tenant_id: str, revision: int, limit: int) -> FactNews:
        return await self._database.look(lambda connection: facts_since(self._seen(connection, tenant_id), revision, limit))

    def _seen(self, connection: Connection, tenant_id: str) -> SqlContextRows:
        revision, totals = standing_of(connection, tenant_id)
        return SqlContextRows(connection, tenant_id, totals.next_us, totals, revision + 1, self._quotas)
