"""Keep subjects: SubjectStore on the `subjects` table."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Row, delete, insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from oauth.errors import AlreadyTaken
from oauth.sign_in.subjects import Subject
from server.storage.administration.last_owner import must_leave_an_owner
from server.storage.database import Database, announce, now_us
from server.storage.schema.admin_tables import admin_invites, admin_sessions
from server.storage.schema.subject_tables import browser_sessions, subjects

_EMAILS_AT_ONCE = 500


class SqlSubjectStore:
    def __init__(self, database: Database, *, now_us: Callable[[], int] = now_us) -> None:
        self._database = database
        self._now_us = now_us

    async def add(self, subject: Subject, password_hash: str | None) -> None:
        try:
            async with self._database.write() as connection:
                values = subject_values(subject) | {"password_hash": password_hash, "created_at": self._now_us()}
                await connection.execute(insert(subjects).values(values))
        except IntegrityError as error:
            raise AlreadyTaken(subject.email) from error

    async def get(self, tenant_id: str, subject_id: str) -> Subject | None:
        statement = select(subjects).where(subjects.c.tenant_id == tenant_id, subjects.c.subject_id == subject_id)
        async with self._database.read() as connection:
            row = (await connection.execute(statement)).one_or_none()
        return None if row is None else subject_of(row)

    async def find_local(self, tenant_id: str, email: str) -> tuple[Subject, str | None] | None:
        statement = select(subjects).where(subjects.c.tenant_id == tenant_id, subjects.c.email == email, subjects.c.identity_provider == "")
        async with self._database.read() as connection:
            row = (await connection.execute(statement)).one_or_none()
        return None if row is None else (subject_of(row), row.password_hash)

    async def of_tenant(self, tenant_id: str) -> Sequence[Subject]:
        order = (subjects.c.email, subjects.c.identity_provider)
        async with self._database.read() as connection:
            rows = (await connection.execute(select(subjects).where(subjects.c.tenant_id == tenant_id).order_by(*order))).all()
        return tuple(subject_of(row) for row in rows)

    async def emails(self, whose: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
        """Return (tenant, subject) -> e-mail address of those who are there."""
        c = subjects.c
        found: dict[tuple[str, str], str] = {}
        wanted = sorted(whose)
        async with self._database.read() as connection:
            for start in range(0, len(wanted), _EMAILS_AT_ONCE):
                some = tuple_(c.tenant_id, c.subject_id).in_(wanted[start : start + _EMAILS_AT_ONCE])
                rows = await connection.execute(select(c.tenant_id, c.subject_id, c.email).where(some))
                found |= {(row.tenant_id, row.subject_id): row.email for row in rows}
        return found

    async def save(self, subject: Subject) -> bool:
        mine = (subjects.c.tenant_id == subject.tenant_id, subjects.c.subject_id == subject.subject_id)
        try:
            async with self._database.write() as connection:
                if subject.disabled:
                    await must_leave_an_owner(connection, subject.tenant_id, subject.subject_id)
                changed = (await connection.execute(update(subjects).where(*mine).values(subject_values(subject)))).rowcount == 1
                if changed and subject.disabled:
                    for table in (browser_sessions, admin_sessions, admin_invites):
                        theirs = (table.c.tenant_id == subject.tenant_id, table.c.subject_id == subject.subject_id)
                        await connection.execute(delete(table).where(*theirs))
                if changed:
                    await announce(connection, "subjects", subject.tenant_id, subject.subject_id)
        except IntegrityError as error:
            raise AlreadyTaken(subject.email) from error
        return changed

    async def set_password(self, tenant_id: str, subject_id: str, password_hash: str) -> bool:
        mine = (subjects.c.tenant_id == tenant_id, subjects.c.subject_id == subject_id)
        async with self._database.write() as connection:
            result = await connection.execute(update(subjects).where(*mine).values(password_hash=password_hash))
        return result.rowcount == 1


def subject_values(subject: Subject) -> dict[str, Any]:
    """Return the columns that hold `subject`."""
    scopes = subject.allowed_scopes
    return {
        "tenant_id": subject.tenant_id,
        "subject_id": subject.subject_id,
        "email": subject.email,
        "display_name": subject.display_name,
        "disabled": subject.disabled,
        "allowed_scopes": None if scopes is None else orjson.dumps(sorted(scopes)).decode(),
        "identity_provider": subject.identity_provider,
    }


def subject_of(row: Row[Any]) -> Subject:
    """Return the subject that a row of `subjects` holds."""
    scopes = row.allowed_scopes
    return Subject(
        tenant_id=row.tenant_id,
        subject_id=row.subject_id,
        email=row.email,
        display_name=row.display_name,
        disabled=bool(row.disabled),
        allowed_scopes=None if scopes is None else frozenset(orjson.loads(scopes)),
        identity_provider=row.identity_provider,
    )
