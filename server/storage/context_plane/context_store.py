"""ContextStore on the database: one writer of a tenant at a time, on any number of nodes (docs/decisions/0046)."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, delete, select, tuple_

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
    fact_tombstones,
    facts,
    identity_pairs,
    signal_evaluations,
)
from server.storage.schema.document_tables import chunks, document_contents, documents
from server.storage.schema.tool_tables import plan_steps, plans, results, tasks
from tools.context_plane.quotas import CONTEXT, ContextQuotas
from tools.context_plane.stores import ContextRows, FactNews

Result = TypeVar("Result")
#: in one transaction
TOMBSTONES_AT_ONCE = 5_000
_OWN = (claims, entities, entity_keys, entity_links, episodes, facts, identity_pairs, signal_evaluations)
#: and what calls left behind: kept answers may quote what is forgotten
TABLES = [table.name for table in (*_OWN, plan_steps, plans, results, tasks)]


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
        return await self._database.overwrite(TABLES)

    async def scrub(self) -> bool:
        """Do what `purge` does, where a database only frees rows, by writing its tables anew: everybody waits meanwhile."""
        return await self._database.rewrite([*TABLES, *(table.name for table in (documents, document_contents, chunks))])

    async def forget_tombstones_before(self, time_us: int, most: int = TOMBSTONES_AT_ONCE) -> bool:
        """Forget numbers of facts of all tenants that were forgotten earlier, some of them; True where that was all."""
        c = fact_tombstones.c
        old = select(c.tenant_id, c.revision).where(c.gone_at < time_us).limit(most)
        gone = delete(fact_tombstones).where(tuple_(c.tenant_id, c.revision).in_(old))
        return await self._database.transact(lambda connection: connection.execute(gone).rowcount < most)

    async def facts_since(self, tenant_id: str, revision: int, limit: int) -> FactNews:
        return await self._database.look(lambda connection: facts_since(self._seen(connection, tenant_id), revision, limit))

    def _seen(self, connection: Connection, tenant_id: str) -> SqlContextRows:
        revision, totals = standing_of(connection, tenant_id)
        return SqlContextRows(connection, tenant_id, totals.next_us, totals, revision + 1, self._quotas)
