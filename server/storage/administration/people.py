"""Read people with their roles, by the page, of one tenant or of all."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Row, Select, and_, select, tuple_

from oauth.administration.roles import AdminRole
from oauth.sign_in.subjects import Subject
from server.storage.administration.roles import ROLES
from server.storage.database import Database
from server.storage.oauth.subjects import subject_of
from server.storage.schema.admin_tables import admin_roles
from server.storage.schema.subject_tables import subjects

#: tenant, e-mail, subject: the order of the list
Place = tuple[str, str, str]
_THEIRS = and_(admin_roles.c.tenant_id == subjects.c.tenant_id, admin_roles.c.subject_id == subjects.c.subject_id)
_OF_ROLE = (admin_roles.c.role, admin_roles.c.reaches_gateway, admin_roles.c.given_by, admin_roles.c.given_at)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with what they administer; None: nothing."""

    subject: Subject
    role: AdminRole | None


class SqlPeople:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self,
        tenant_id: str | None,
        after: Place | None,
        limit: int,
        *,
        email: str = "",
        role: str = "",
        disabled: bool | None = None,
    ) -> Sequence[Person]:
        """Return people behind a place; tenant_id None: of all tenants. `email`: how it begins; `role`: "none" for whoever has none."""
        order = (subjects.c.tenant_id, subjects.c.email, subjects.c.subject_id)
        query = _everybody().order_by(*order).limit(limit)
        if tenant_id is not None:
            query = query.where(subjects.c.tenant_id == tenant_id)
        if after is not None:
            query = query.where(tuple_(*order) > after)
        if email:
            query = query.where(subjects.c.email.startswith(email, autoescape=True))
        if role:
            query = query.where(admin_roles.c.role.is_(None) if role == "none" else admin_roles.c.role == role)
        if disabled is not None:
            query = query.where(subjects.c.disabled.is_(disabled))
        async with self._database.read() as connection:
            return [_person(row) for row in await connection.execute(query)]

    async def find(self, tenant_id: str, subject_id: str) -> Person | None:
        """Return one of a tenant."""
        query = _everybody().where(subjects.c.tenant_id == tenant_id, subjects.c.subject_id == subject_id)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else _person(row)


def _everybody() -> "Select[tuple[object, ...]]":
    return select(subjects, *_OF_ROLE).outerjoin(admin_roles, _THEIRS)


def _person(row: "Row[tuple[object, ...]]") -> Person:
    return Person(subject=subject_of(row), role=None if row.role is None else ROLES.record(row))
