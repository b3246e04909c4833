"""Remove a tenant: it is marked first, and from then on nobody gets in; what it owns goes in steps; its own row goes last.

Whoever is killed meanwhile leaves a tenant that is marked, and any process goes on: what is gone is gone, and the rest is found anew.
Calls that were let in before the mark end after it, and leave what they cost: as long as there may be one the row stays, so that
housekeeping looks again, and nobody else gets the name.
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import anyio.to_thread
from sqlalchemy import ColumnElement, Connection, MetaData, delete, exists, func, select

from oauth.tenants import Tenant
from server.storage.ai_gateway.configurations import SqlAiConfigs
from server.storage.database import Database, announce_in_thread, now_us
from server.storage.history.tables import history_metadata
from server.storage.oauth.tenants import SqlTenantStore
from server.storage.row_removal import remove_rows
from server.storage.schema.all_tables import STATE
from server.storage.schema.platform_tables import tenants
from server.storage.tenant_removal.owned_tables import owned_tables, telling
from tools.ai_gateway.configuration.build_config import build_config
from tools.ai_gateway.configuration.changes import ConfigChanges
from tools.ai_gateway.configuration.tenant_entries import forget_tenant, mentions_tenant
from tools.versioned_documents.faults import ConfigInvalid

#: What other processes still had in hand when the tenant was marked is written after it; each pass looks again.
MAX_PASSES = 5
#: No call that was let in before the mark goes on for longer; but models' streams where the configuration lets them (`total_s`).
LONGEST_CALL_US = 15 * 60 * 1_000_000
#: between the end of a stream and the last row about it
WRITTEN_US = 60 * 1_000_000

log = logging.getLogger("ascend")


class TenantRemoval:
    """`state`, `history`: the same database, or two."""

    def __init__(self, state: Database, history: Database, *, now_us: Callable[[], int] = now_us) -> None:
        self._state, self._history, self._now_us = state, history, now_us
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
        config = await anyio.to_thread.run_sync(build_config, (await self._configs.newest()).document)
        until_us = self._now_us() + max(LONGEST_CALL_US, int(config.defaults.total_s * 1_000_000) + WRITTEN_US)
        return await self._tenants.save(replace(tenant, suspended=True, leaving_until_us=until_us), tenant)

    async def leaving(self) -> Sequence[str]:
        """Return the tenants that are marked."""
        return [each.tenant_id for each in await self._tenants.all() if each.leaving]

    async def finish(self, tenant_id: str) -> Mapping[str, int]:
        """Remove all that a marked tenant owns, and return how many rows went, by table; one that is not marked keeps it.

        Its own row goes with the last of it, and not before every call from before the mark has ended (`free_from_us`).
        """
        tenant = next((each for each in await self._tenants.all() if each.tenant_id == tenant_id), None)
        if tenant is None or not tenant.leaving:
            return {}
        await self._forget_in_configuration(tenant_id)
        removed, is_all = await self._remove_rows(tenant_id, exists().where(*_is(tenant)))
        if is_all and free_from_us(tenant) <= self._now_us():
            await self._state.transact(lambda connection: _forget(connection, tenant))
            log.info("tenant_removed", extra={"facts": {"tenant": tenant_id}})
        return removed

    async def clear_name(self, tenant_id: str) -> None:
        """Remove what stands under a name that no tenant has, before one gets it."""
        await self._remove_rows(tenant_id, ~exists().where(tenants.c.tenant_id == tenant_id))

    async def _remove_rows(self, tenant_id: str, while_so: ColumnElement[bool]) -> tuple[Mapping[str, int], bool]:
        """Remove rows of a name; return how many, by table, and whether the last look found none."""
        removed = Counter[str]()
        for _ in range(MAX_PASSES):
            gone = await self._pass(tenant_id, while_so)
            if not gone:
                break
            removed.update(gone)
        if removed:
            for database, metadata in self._stores():
                await database.overwrite([table.name for table, _column in owned_tables(metadata)])
            log.info("tenant_rows_removed", extra={"facts": {"tenant": tenant_id, "rows": sum(removed.values())}})
        return removed, not gone

    async def _pass(self, tenant_id: str, while_so: ColumnElement[bool]) -> Mapping[str, int]:
        gone = {}
        for database, metadata in self._stores():
            for table, column in owned_tables(metadata):
                # Two may do it at once, and a successor be there before the slower one ends: it loses nothing.
                if database is self._state:
                    is_old = [column == tenant_id, while_so]
                elif await self._state.look(lambda connection: connection.execute(select(while_so)).scalar_one()):
                    is_old = [column == tenant_id]
                else:
                    continue
                if rows := await remove_rows(database, table, *is_old, told=telling(table, tenant_id)):
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


def free_from_us(tenant: Tenant) -> int:
    """Return when somebody else may have the name of a tenant that is leaving."""
    return tenant.leaving_until_us or 0


def _is(tenant: Tenant) -> Sequence[ColumnElement[bool]]:
    return (tenants.c.tenant_id == tenant.tenant_id, tenants.c.created_at == tenant.created_at_us)


def _forget(connection: Connection, tenant: Tenant) -> None:
    connection.execute(delete(tenants).where(*_is(tenant)))
    announce_in_thread(connection, "tenants", tenant.tenant_id, tenant.tenant_id)
