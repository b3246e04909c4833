"""Workflows that tenants define, in SQL. Table: workflow_definitions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson
from sqlalchemy import Connection, Row, delete, func, select

from server.storage.database import Database, now_us
from server.storage.insertion import insert_in_thread
from server.storage.schema.workflows.definition_tables import workflow_definitions
from tools.operation import Json
from tools.workflows.declared.stores import MAX_DEFINITIONS, MAX_VERSIONS, StoredDefinition
from tools.workflows.errors import WorkflowRefused


class SqlDefinitionStore:
    """Keeps `tools.workflows.declared.stores.DefinitionStore`."""

    def __init__(self, database: Database, max_definitions: int = MAX_DEFINITIONS, *, now_us: Callable[[], int] = now_us) -> None:
        self._database, self._max_definitions, self._now_us = database, max_definitions, now_us

    async def put(self, definition: StoredDefinition) -> StoredDefinition:
        c = workflow_definitions.c

        def put(connection: Connection) -> StoredDefinition:
            if connection.dialect.name == "postgresql":
                # Two that read the newest number at the same time would both take the next one.
                lock = func.hashtext(f"{workflow_definitions.name} {definition.tenant_id}")
                connection.execute(select(func.pg_advisory_xact_lock(lock)))
            newest = self._newest(connection, definition.tenant_id, definition.name)
            if newest is None:
                names = select(func.count(c.name.distinct())).where(c.tenant_id == definition.tenant_id)
                if (connection.scalar(names) or 0) >= self._max_definitions:
                    message = f"tenant {definition.tenant_id!r} has {self._max_definitions} definitions of workflows, which is its quota"
                    raise WorkflowRefused("quota_exceeded", message, "remove what nobody starts any more")
            elif (newest.content_hash, newest.agreed, newest.accepted_by) == (
                definition.content_hash,
                definition.agreed,
                definition.accepted_by,
            ):
                return newest
            version = 1 if newest is None else newest.version + 1
            kept = replace(definition, version=version, created_at_us=self._now_us())
            insert_in_thread(connection, workflow_definitions, [_values(kept)])
            old = (c.tenant_id == kept.tenant_id) & (c.name == kept.name) & (c.version <= version - MAX_VERSIONS)
            connection.execute(delete(workflow_definitions).where(old))
            return kept

        return await self._database.transact(put)

    async def get(self, tenant_id: str, name: str, version: int | None = None) -> StoredDefinition | None:
        return await self._database.look(lambda connection: self._newest(connection, tenant_id, name, version))

    async def newest(self, tenant_id: str) -> Sequence[StoredDefinition]:
        c = workflow_definitions.c
        last = select(c.name, func.max(c.version).label("version")).where(c.tenant_id == tenant_id).group_by(c.name).subquery()
        joined = workflow_definitions.join(last, (c.name == last.c.name) & (c.version == last.c.version))
        query = select(workflow_definitions).select_from(joined).where(c.tenant_id == tenant_id).order_by(c.name)
        return await self._database.look(lambda connection: [_stored(row) for row in connection.execute(query)])

    async def remove(self, tenant_id: str, name: str) -> bool:
        mine = (workflow_definitions.c.tenant_id == tenant_id) & (workflow_definitions.c.name == name)
        return await self._database.transact(lambda connection: connection.execute(delete(workflow_definitions).where(mine)).rowcount > 0)

    def _newest(self, connection: Connection, tenant_id: str, name: str, version: int | None = None) -> StoredDefinition | None:
        c = workflow_definitions.c
        query = select(workflow_definitions).where(c.tenant_id == tenant_id, c.name == name)
        if version is not None:
            query = query.where(c.version == version)
        row = connection.execute(query.order_by(c.version.desc()).limit(1)).first()
        return None if row is None else _stored(row)


def _values(definition: StoredDefinition) -> dict[str, Any]:
    return {
        "tenant_id": definition.tenant_id,
        "name": definition.name,
        "version": definition.version,
        "source": orjson.dumps(definition.source).decode(),
        "content_hash": definition.content_hash,
        "agreed": orjson.dumps(dict(definition.agreed), option=orjson.OPT_SORT_KEYS).decode(),
        "listed": orjson.dumps(definition.listed).decode(),
        "accepted_by": definition.accepted_by,
        "created_at": definition.created_at_us,
    }


def _stored(row: Row[Any]) -> StoredDefinition:
    return StoredDefinition(
        tenant_id=row.tenant_id,
        name=row.name,
        version=row.version,
        source=orjson.loads(row.source),
        content_hash=row.content_hash,
        agreed=_agreed(orjson.loads(row.agreed)),
        listed=tuple((step, text) for step, text in orjson.loads(row.listed)),
        accepted_by=row.accepted_by,
        created_at_us=row.created_at,
    )


def _agreed(kept: Json) -> Mapping[str, str]:
    return kept if isinstance(kept, dict) else dict.fromkeys(kept, "")
