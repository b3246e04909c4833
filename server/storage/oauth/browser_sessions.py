"""Keep browser sessions: BrowserSessionStore on the `browser_sessions` table."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, delete, insert, select, update

from oauth.quotas import OAuthQuotas
from oauth.sign_in.stores import StoredSession
from server.storage.database import Database
from server.storage.oauth.subjects import subject_of
from server.storage.row_removal import remove_rows
from server.storage.schema.subject_tables import browser_sessions, subjects

IDLE_S = 12 * 3600


class SqlBrowserSessionStore:
    """`idle_s` after its last use a session is over, whatever its `expires_at` says."""

    def __init__(self, database: Database, *, idle_s: float = IDLE_S, quotas: OAuthQuotas = OAuthQuotas()) -> None:
        self._database, self._most = database, quotas.browser_sessions
        self._idle_us = round(idle_s * 1e6)

    async def begin(self, session: StoredSession, previous_hash: str | None) -> None:
        table = browser_sessions
        async with self._database.write() as connection:
            if previous_hash is not None:
                ended = (table.c.session_hash == previous_hash, table.c.tenant_id == session.tenant_id)
                await connection.execute(delete(table).where(*ended))
                moved = update(table).where(table.c.session_hash == previous_hash, table.c.tenant_id != session.tenant_id)
                await connection.execute(moved.values(session_hash=session.session_hash))
            await connection.execute(insert(table).values(_values(session)))
            mine = (table.c.tenant_id == session.tenant_id, table.c.subject_id == session.subject.subject_id)
            newest = (
                select(table.c.session_hash)
                .where(*mine)
                .order_by(table.c.last_seen_at.desc(), table.c.authenticated_at.desc())
                .limit(self._most)
            )
            await connection.execute(delete(table).where(*mine, table.c.session_hash.not_in(newest)))

    async def find(self, session_hash: str, tenant_id: str, now: float) -> StoredSession | None:
        statement = self._live(now).where(browser_sessions.c.session_hash == session_hash, browser_sessions.c.tenant_id == tenant_id)
        async with self._database.read() as connection:
            row = (await connection.execute(statement)).one_or_none()
        return None if row is None else _session(row)

    async def of_cookie(self, session_hash: str, now: float) -> Sequence[StoredSession]:
        # One browser's own cookie is asked, so the rows of all its tenants are its own.
        mine = browser_sessions.c.session_hash == session_hash
        async with self._database.read() as connection:
            rows = (await connection.execute(self._live(now).where(mine).order_by(browser_sessions.c.tenant_id))).all()
        return tuple(_session(row) for row in rows)

    async def seen(self, session_hash: str, tenant_id: str, at: float) -> None:
        mine = (browser_sessions.c.session_hash == session_hash, browser_sessions.c.tenant_id == tenant_id)
        async with self._database.write() as connection:
            await connection.execute(update(browser_sessions).where(*mine).values(last_seen_at=_us(at)))

    async def end(self, session_hash: str, tenant_id: str) -> None:
        mine = (browser_sessions.c.session_hash == session_hash, browser_sessions.c.tenant_id == tenant_id)
        async with self._database.write() as connection:
            await connection.execute(delete(browser_sessions).where(*mine))

    async def end_all(self, tenant_id: str, subject_id: str) -> int:
        theirs = (browser_sessions.c.tenant_id == tenant_id, browser_sessions.c.subject_id == subject_id)
        async with self._database.write() as connection:
            return (await connection.execute(delete(browser_sessions).where(*theirs))).rowcount

    async def knows_browser(self, tenant_id: str, email: str, browser_hash: str, now: float) -> bool:
        table = browser_sessions
        owner = (subjects.c.tenant_id == table.c.tenant_id) & (subjects.c.subject_id == table.c.subject_id)
        who = (table.c.tenant_id == tenant_id, subjects.c.email == email, subjects.c.identity_provider == "")
        statement = select(table.c.session_hash).join(subjects, owner).where(*who)
        statement = statement.where(table.c.browser_hash == browser_hash, table.c.expires_at > _us(now)).limit(1)
        async with self._database.read() as connection:
            return (await connection.execute(statement)).first() is not None

    async def sweep(self, now: float) -> int:
        table = browser_sessions
        return await remove_rows(self._database, table, table.c.expires_at <= _us(now))

    def _live(self, now: float) -> Select[Any]:
        table = browser_sessions
        owner = (subjects.c.tenant_id == table.c.tenant_id) & (subjects.c.subject_id == table.c.subject_id)
        columns = [column for column in table.c if column.name not in ("tenant_id", "subject_id")]
        return (
            select(*columns, *subjects.c)
            .join(subjects, owner)
            .where(table.c.expires_at > _us(now), table.c.last_seen_at > _us(now) - self._idle_us, subjects.c.disabled.is_(False))
        )


def _values(session: StoredSession) -> dict[str, Any]:
    return {
        "session_hash": session.session_hash,
        "tenant_id": session.tenant_id,
        "subject_id": session.subject.subject_id,
        "browser_hash": session.browser_hash,
        "binding": session.binding,
        "methods": " ".join(session.methods),
        "authenticated_at": _us(session.authenticated_at),
        "last_seen_at": _us(session.last_seen_at),
        "expires_at": _us(session.expires_at),
    }


def _session(row: Row[Any]) -> StoredSession:
    return StoredSession(
        session_hash=row.session_hash,
        browser_hash=row.browser_hash,
        tenant_id=row.tenant_id,
        subject=subject_of(row),
        binding=row.binding,
        methods=tuple(row.methods.split()),
        authenticated_at=row.authenticated_at / 1e6,
        last_seen_at=row.last_seen_at / 1e6,
        expires_at=row.expires_at / 1e6,
    )


def _us(seconds: float) -> int:
    return round(seconds * 1e6)
