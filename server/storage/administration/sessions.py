"""Keep sessions of the console: AdminSessionStore on `admin_sessions`."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, delete, insert, or_, select, update

from oauth.administration.stores import AdminSession, LiveAdminSession
from server.storage.administration.roles import ROLES
from server.storage.database import Database
from server.storage.row_mapping import TIME, RowMapping, to_us
from server.storage.schema.admin_tables import admin_roles, admin_sessions
from server.storage.schema.subject_tables import identity_providers, passkeys, subjects

IDLE_S = 30 * 60
SESSIONS_OF_A_PERSON = 20
_SESSIONS = RowMapping(AdminSession, proven_at=TIME, last_seen_at=TIME, expires_at=TIME)


class SqlAdminSessionStore:
    """`IDLE_S` after its last use a session is over, whatever its `expires_at` says (operations contract, "Sign-in")."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, session: AdminSession, previous_hash: str | None) -> None:
        table = admin_sessions
        mine = (table.c.tenant_id == session.tenant_id, table.c.subject_id == session.subject_id)
        newest = select(table.c.session_hash).where(*mine).order_by(table.c.last_seen_at.desc()).limit(SESSIONS_OF_A_PERSON)
        async with self._database.write() as connection:
            await connection.execute(delete(table).where(table.c.session_hash == previous_hash))
            await connection.execute(insert(table).values(_SESSIONS.values(session)))
            await connection.execute(delete(table).where(*mine, table.c.session_hash.not_in(newest)))

    async def renew(self, session: AdminSession, previous_hash: str) -> bool:
        its_row = update(admin_sessions).where(admin_sessions.c.session_hash == previous_hash)
        theirs = (admin_sessions.c.tenant_id == session.tenant_id, admin_sessions.c.subject_id == session.subject_id)
        async with self._database.write() as connection:
            return (await connection.execute(its_row.where(*theirs).values(_SESSIONS.values(session)))).rowcount == 1

    async def find(self, session_hash: str, now: float) -> LiveAdminSession | None:
        table = admin_sessions
        person = and_(subjects.c.tenant_id == table.c.tenant_id, subjects.c.subject_id == table.c.subject_id)
        role = and_(admin_roles.c.tenant_id == table.c.tenant_id, admin_roles.c.subject_id == table.c.subject_id)
        key = and_(
            passkeys.c.credential_id == table.c.credential_id,
            passkeys.c.tenant_id == table.c.tenant_id,
            passkeys.c.subject_id == table.c.subject_id,
        )
        # What proved who is there has to be there still: the passkey, or the provider, which is then that of the person, too.
        provider = and_(
            identity_providers.c.tenant_id == table.c.tenant_id,
            identity_providers.c.slug == table.c.identity_provider,
            identity_providers.c.slug == subjects.c.identity_provider,
            identity_providers.c.enabled.is_(True),
        )
        proven = or_(passkeys.c.counts.is_(True), identity_providers.c.slug.is_not(None))
        living = (table.c.session_hash == session_hash, *_living(now), subjects.c.disabled.is_(False), proven)
        given = (admin_roles.c.role, admin_roles.c.reaches_gateway, admin_roles.c.given_by, admin_roles.c.given_at)
        people = select(table, subjects.c.email, *given).join(subjects, person).join(admin_roles, role)
        query = people.outerjoin(passkeys, key).outerjoin(identity_providers, provider).where(*living)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else LiveAdminSession(session=_SESSIONS.record(row), email=row.email, role=ROLES.record(row))

    async def seen(self, session_hash: str, at: float) -> None:
        its_row = update(admin_sessions).where(admin_sessions.c.session_hash == session_hash)
        async with self._database.write() as connection:
            await connection.execute(its_row.values(last_seen_at=to_us(at)))

    async def end(self, session_hash: str) -> None:
        async with self._database.write() as connection:
            await connection.execute(delete(admin_sessions).where(admin_sessions.c.session_hash == session_hash))

    async def end_all(self, tenant_id: str, subject_id: str) -> int:
        theirs = and_(admin_sessions.c.tenant_id == tenant_id, admin_sessions.c.subject_id == subject_id)
        async with self._database.write() as connection:
            return (await connection.execute(delete(admin_sessions).where(theirs))).rowcount

    async def of_subject(self, tenant_id: str, subject_id: str, now: float) -> Sequence[AdminSession]:
        table = admin_sessions
        theirs = (table.c.tenant_id == tenant_id, table.c.subject_id == subject_id, *_living(now))
        async with self._database.read() as connection:
            rows = await connection.execute(select(table).where(*theirs).order_by(table.c.last_seen_at.desc()))
            return [_SESSIONS.record(row) for row in rows]

    async def sweep(self, now: float) -> int:
        async with self._database.write() as connection:
            return (await connection.execute(delete(admin_sessions).where(admin_sessions.c.expires_at <= to_us(now)))).rowcount


def _living(now: float) -> tuple[ColumnElement[bool], ...]:
    table = admin_sessions
    return table.c.expires_at > to_us(now), table.c.last_seen_at > to_us(now - IDLE_S)
