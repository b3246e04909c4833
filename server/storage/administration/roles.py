"""Keep who administers: AdminRoleStore on `admin_roles`."""

from collections.abc import Sequence

from sqlalchemy import and_, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from oauth.administration.roles import AdminRole, Role
from server.storage.administration.last_owner import must_leave_an_owner
from server.storage.database import Database
from server.storage.insertion import insert_or_replace
from server.storage.row_mapping import TIME, Conversion, RowMapping
from server.storage.schema.admin_tables import admin_invites, admin_roles, admin_sessions
from server.storage.schema.subject_tables import passkeys

ROLES = RowMapping(AdminRole, role=Conversion(lambda role: role.title, Role.named), given_at=TIME)


class SqlAdminRoleStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def give(self, role: AdminRole) -> None:
        async with self._database.write() as connection:
            if role.role is not Role.OWNER or not role.reaches_gateway:
                await must_leave_an_owner(connection, role.tenant_id, role.subject_id)
            before = await locked_role(connection, role.tenant_id, role.subject_id)
            if before is None or not role.is_within(before):
                await _end_ways_in(connection, role.tenant_id, role.subject_id)
                # Last: an invite that is redeemed at this moment has its passkey by now.
                theirs = and_(passkeys.c.tenant_id == role.tenant_id, passkeys.c.subject_id == role.subject_id)
                await connection.execute(update(passkeys).where(theirs).values(counts=False))
            await insert_or_replace(connection, admin_roles, ROLES.values(role))

    async def take(self, tenant_id: str, subject_id: str) -> AdminRole | None:
        async with self._database.write() as connection:
            await must_leave_an_owner(connection, tenant_id, subject_id)
            await locked_role(connection, tenant_id, subject_id)
            await _end_ways_in(connection, tenant_id, subject_id)
            theirs = and_(admin_roles.c.tenant_id == tenant_id, admin_roles.c.subject_id == subject_id)
            row = (await connection.execute(delete(admin_roles).where(theirs).returning(*admin_roles.c))).one_or_none()
        return None if row is None else ROLES.record(row)

    async def of(self, tenant_id: str, subject_id: str) -> AdminRole | None:
        theirs = and_(admin_roles.c.tenant_id == tenant_id, admin_roles.c.subject_id == subject_id)
        async with self._database.read() as connection:
            row = (await connection.execute(select(admin_roles).where(theirs))).one_or_none()
        return None if row is None else ROLES.record(row)

    async def of_tenant(self, tenant_id: str) -> Sequence[AdminRole]:
        query = select(admin_roles).where(admin_roles.c.tenant_id == tenant_id).order_by(admin_roles.c.subject_id)
        async with self._database.read() as connection:
            return [ROLES.record(row) for row in await connection.execute(query)]


async def locked_role(connection: AsyncConnection, tenant_id: str, subject_id: str) -> AdminRole | None:
    """Return the role of a subject, which nobody else changes before the transaction ends."""
    theirs = and_(admin_roles.c.tenant_id == tenant_id, admin_roles.c.subject_id == subject_id)
    row = (await connection.execute(select(admin_roles).where(theirs).with_for_update())).one_or_none()
    return None if row is None else ROLES.record(row)


async def _end_ways_in(connection: AsyncConnection, tenant_id: str, subject_id: str) -> None:
    for table in (admin_sessions, admin_invites):
        await connection.execute(delete(table).where(table.c.tenant_id == tenant_id, table.c.subject_id == subject_id))
