"""Keep tenants: TenantStore. Tables: tenants, and workflow_runs of those that are suspended."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson
from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from oauth.errors import AlreadyTaken
from oauth.tenants import Tenant
from server.storage.database import Database, announce, announce_in_thread, now_us
from server.storage.schema.platform_tables import tenants
from server.storage.workflows.runs.suspension import let_go_on, park


class SqlTenantStore:
    def __init__(self, database: Database, *, now_us: Callable[[], int] = now_us) -> None:
        self._database = database
        self._now_us = now_us

    async def all(self) -> Sequence[Tenant]:
        async with self._database.read() as connection:
            rows = (await connection.execute(select(tenants).order_by(tenants.c.tenant_id))).all()
        return tuple(_tenant(row) for row in rows)

    async def add(self, tenant: Tenant) -> Tenant:
        """Return it with the time of it. Raises AlreadyTaken."""
        created_at_us = self._now_us()
        values = {"tenant_id": tenant.tenant_id, "title": tenant.title, "settings": _settings(tenant), "created_at": created_at_us}
        try:
            async with self._database.write() as connection:
                await connection.execute(insert(tenants).values(values))
                await announce(connection, "tenants", tenant.tenant_id, tenant.tenant_id)
        except IntegrityError as error:
            raise AlreadyTaken(tenant.tenant_id) from error
        return replace(tenant, created_at_us=created_at_us)

    async def save(self, tenant: Tenant, seen: Tenant | None = None) -> bool:
        """Replace the tenant of that name; `seen`: only where it is still that one. False: it is not, or there is none.

        One that is suspended by it has its runs stand still, in the same transaction; one that is back has them go on.
        """
        mine = tenants.c.tenant_id == tenant.tenant_id

        def work(connection: Connection) -> bool:
            before = connection.execute(select(tenants).where(mine).with_for_update()).first()
            if before is None or (seen is not None and _tenant(before) != seen):
                return False
            connection.execute(update(tenants).where(mine).values(title=tenant.title, settings=_settings(tenant)))
            if tenant.suspended != _tenant(before).suspended:
                (park if tenant.suspended else let_go_on)(connection, tenant.tenant_id)
            announce_in_thread(connection, "tenants", tenant.tenant_id, tenant.tenant_id)
            return True

        return await self._database.transact(work)


def _settings(tenant: Tenant) -> str:
    return orjson.dumps(
        {
            "baseline_scopes": tenant.baseline_scopes,
            "sign_in": sorted(tenant.sign_in),
            "confirm_destructive": tenant.confirm_destructive,
            "static_tokens_until": tenant.static_tokens_until,
            "suspended": tenant.suspended,
            "plan": tenant.plan,
            **({"leaving_until_us": tenant.leaving_until_us} if tenant.leaving else {}),
        }
    ).decode()


def _tenant(row: Row[Any]) -> Tenant:
    settings: Mapping[str, Any] = orjson.loads(row.settings)
    plain = Tenant(row.tenant_id, row.title)
    return Tenant(
        tenant_id=row.tenant_id,
        title=row.title,
        baseline_scopes=tuple(settings.get("baseline_scopes", plain.baseline_scopes)),
        sign_in=frozenset(settings.get("sign_in", plain.sign_in)),
        confirm_destructive=settings.get("confirm_destructive", plain.confirm_destructive),
        static_tokens_until=settings.get("static_tokens_until"),
        suspended=settings.get("suspended", False),
        plan=settings.get("plan", ""),
        leaving_until_us=settings.get("leaving_until_us"),
        created_at_us=row.created_at,
    )
