"""Remove a tenant: it is marked first, and from then on nobody gets in; what it owns goes in steps; its own row goes last.

Whoever is killed meanwhile leaves a tenant that is marked, and any process goes on: what is gone is gone, and the rest is found anew.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection, MetaData, delete, func, select

from oauth.tenants import Tenant
from server.storage.ai_gateway.configurations import SqlAiConfigs
from server.storage.database import Database, announce_in_thread
from server.storage.history.tables import history_metadata
from server.storage.oauth.tenants import SqlTenantStore
from server.storage.row_removal import remove_rows
from server.storage.schema.all_tables import STATE
from server.storage.schema.platform_tables import tenants
from server.storage.tenant_removal.owned_tables import owned_tables, telling
from tools.ai_gateway.configuration.changes import ConfigChanges
from tools.ai_gateway.configuration.tenant_entries import forget_tenant, mentions_tenant
from tools.versioned_documents.faults import ConfigInvalid

#: What other processes still had in hand when the tenant was marked is written after it; each pass looks again.
MAX_PASSES = 5

log = logging.getLogger("ascend")


class TenantRemoval:
    """`state`, `history`: the same database, or two."""

    def __init__(self, state: Database, history: Database) -> None:
        self._state, self._history = state, history
        self._tenants, self._configs = SqlTenantStore(state), SqlAiConfigs(state)

    async def counts(self, tenant_id: str) -> Mapping[str, int]:
        """Return how many rows there are of it, by table; nothing is removed."""
        found: dict[str, int] = {}
        for database, metadata in self._stores():

            def count(connection: Connection, metadata: MetaData = metadata) -> dict[str, int]:
                queries = {table.name: select(func.count()).where(column == tenant_id) for table, column in owned_tables(metadata)}
                return {name: connection.execute(query).scalar_one() for name, query in queries.items()}

            found |= await database.look(count)
        return {name: rows for name, rows in found.items() if rows}

    async def begin(self, tenant: Tenant) -> bool:
        """Mark it as leaving: in this transaction its people and programs are out, and its runs stand still. False: it was changed."""
        return await self._tenants.save(replace(tenant, suspended=True, leaving=True), tenant)

    async def leaving(self) -> Sequence[str]:
        """Return the tenants that are marked."""
        return [each.tenant_id for each in await self._tenants.all() if each.leaving]

    async def finish(self, tenant_id: str) -> Mapping[str, int]:
        """Remove all that a marked tenant owns, and then the tenant; return how many rows went, by table."""
        await self._forget_in_configuration(tenant_id)
        removed = Counter[str]()
        for _ in range(MAX_PASSES):
            gone = await self._remove_rows(tenant_id)
            removed.update(gone)
            if not gone:
                break
        await self._state.transact(lambda connection: _forget(connection, tenant_id))
        # Nobody knows the tenant any more: what was written until now is the last.
        removed.update(await self._remove_rows(tenant_id))
        for database, metadata in self._stores():
            await database.overwrite([table.name for table, _column in owned_tables(metadata)])
        log.info("tenant_removed", extra={"facts": {"tenant": tenant_id, "rows": sum(removed.values())}})
        return removed

    async def _remove_rows(self, tenant_id: str) -> Mapping[str, int]:
        gone = {}
        for database, metadata in self._stores():
            for table, column in owned_tables(metadata):
                if rows := await remove_rows(database, table, column == tenant_id, told=telling(table, tenant_id)):
                    gone[table.name] = rows
        return gone

    async def _forget_in_configuration(self, tenant_id: str) -> None:
        if not mentions_tenant((await self._configs.newest()).document, tenant_id):
            return
        try:
            await ConfigChanges(self._configs).edit(lambda document: forget_tenant(document, tenant_id), "")
        except ConfigInvalid as error:
            # One that an older version took; what is left means nobody.
            log.warning("tenant_left_in_configuration", extra={"facts": {"tenant": tenant_id, "reason": str(error)}})

    def _stores(self) -> Sequence[tuple[Database, MetaData]]:
        return ((self._state, STATE), (self._history, history_metadata))


def _forget(connection: Connection, tenant_id: str) -> None:
    mine = tenants.c.tenant_id == tenant_id
    connection.execute(delete(tenants).where(mine))
    announce_in_thread(connection, "tenants", tenant_id, tenant_id)
