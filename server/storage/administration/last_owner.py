"""The last owner of the gateway stays (operations contract, "Roles")."""

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from oauth.administration.errors import LastOwner
from oauth.administration.roles import Role
from server.storage.schema.admin_tables import admin_roles
from server.storage.schema.subject_tables import subjects

_PERSON = and_(subjects.c.tenant_id == admin_roles.c.tenant_id, subjects.c.subject_id == admin_roles.c.subject_id)


async def must_leave_an_owner(connection: AsyncConnection, tenant_id: str, subject_id: str) -> None:
    """Raise LastOwner where this person is the only one left who may everything, everywhere.

    All owners are locked: of two who take each other's role at one moment, the second sees what the first did.
    """
    owns = (admin_roles.c.role == Role.OWNER.title, admin_roles.c.reaches_gateway.is_(True), subjects.c.disabled.is_(False))
    query = select(admin_roles.c.tenant_id, admin_roles.c.subject_id).join(subjects, _PERSON).where(*owns).with_for_update()
    if {(row.tenant_id, row.subject_id) for row in await connection.execute(query)} == {(tenant_id, subject_id)}:
        raise LastOwner("this is the gateway's last owner; make somebody else one first")
