"""Tenants, subjects and browser sessions in memory, for tests: the same promises as the tables, kept by one event loop."""

from collections.abc import Sequence
from dataclasses import replace

from oauth.errors import AlreadyTaken
from oauth.sign_in.stores import StoredSession
from oauth.sign_in.subjects import Subject
from server.storage.oauth.browser_sessions import IDLE_S


class MemoryBrowserSessionStore:
    def __init__(self, subjects: "MemorySubjectStore", *, idle_s: float = IDLE_S) -> None:
        self._subjects = subjects
        subjects.sessions = self
        self._idle_s = idle_s
        #: (session hash, tenant) -> session
        self._sessions: dict[tuple[str, str], StoredSession] = {}

    async def begin(self, session: StoredSession, previous_hash: str | None) -> None:
        if previous_hash is not None:
            self._sessions.pop((previous_hash, session.tenant_id), None)
            for kept, tenant_id in [place for place in self._sessions if place[0] == previous_hash]:
                moved = self._sessions.pop((kept, tenant_id))
                self._sessions[session.session_hash, tenant_id] = replace(moved, session_hash=session.session_hash)
        self._sessions[session.session_hash, session.tenant_id] = session

    async def find(self, session_hash: str, tenant_id: str, now: float) -> StoredSession | None:
        session = self._sessions.get((session_hash, tenant_id))
        if session is None or session.expires_at <= now or session.last_seen_at <= now - self._idle_s:
            return None
        subject = await self._subjects.get(tenant_id, session.subject.subject_id)
        return None if subject is None or subject.disabled else replace(session, subject=subject)

    async def of_cookie(self, session_hash: str, now: float) -> Sequence[StoredSession]:
        found = [await self.find(kept, tenant_id, now) for kept, tenant_id in sorted(self._sessions) if kept == session_hash]
        return tuple(session for session in found if session is not None)

    async def seen(self, session_hash: str, tenant_id: str, at: float) -> None:
        if session := self._sessions.get((session_hash, tenant_id)):
            self._sessions[session_hash, tenant_id] = replace(session, last_seen_at=at)

    async def end(self, session_hash: str, tenant_id: str) -> None:
        self._sessions.pop((session_hash, tenant_id), None)

    async def end_all(self, tenant_id: str, subject_id: str) -> int:
        theirs = [place for place, each in self._sessions.items() if (each.tenant_id, each.subject.subject_id) == (tenant_id, subject_id)]
        for place in theirs:
            del self._sessions[place]
        return len(theirs)

    async def knows_browser(self, tenant_id: str, email: str, browser_hash: str, now: float) -> bool:
        found = await self._subjects.find_local(tenant_id, email)
        return any(
            (each.tenant_id, each.browser_hash) == (tenant_id, browser_hash)
            and found is not None
            and each.subject.subject_id == found[0].subject_id
            and each.expires_at > now
            for each in self._sessions.values()
        )

    async def sweep(self, now: float) -> int:
        over = [place for place, each in self._sessions.items() if each.expires_at <= now]
        for place in over:
            del self._sessions[place]
        return len(over)


class MemorySubjectStore:
    def __init__(self) -> None:
        self._subjects: dict[tuple[str, str], Subject] = {}
        self._password_hashes: dict[tuple[str, str], str | None] = {}
        self.sessions: MemoryBrowserSessionStore | None = None

    async def add(self, subject: Subject, password_hash: str | None) -> None:
        self._refuse_double(subject)
        self._subjects[subject.tenant_id, subject.subject_id] = subject
        self._password_hashes[subject.tenant_id, subject.subject_id] = password_hash

    async def get(self, tenant_id: str, subject_id: str) -> Subject | None:
        return self._subjects.get((tenant_id, subject_id))

    async def find_local(self, tenant_id: str, email: str) -> tuple[Subject, str | None] | None:
        for place, subject in self._subjects.items():
            if (subject.tenant_id, subject.email, subject.identity_provider) == (tenant_id, email, ""):
                return subject, self._password_hashes[place]
        return None

    async def of_tenant(self, tenant_id: str) -> Sequence[Subject]:
        theirs = [subject for subject in self._subjects.values() if subject.tenant_id == tenant_id]
        return tuple(sorted(theirs, key=lambda subject: (subject.email, subject.identity_provider)))

    async def save(self, subject: Subject) -> bool:
        place = (subject.tenant_id, subject.subject_id)
        if place not in self._subjects:
            return False
        self._refuse_double(subject)
        self._subjects[place] = subject
        if subject.disabled and self.sessions is not None:
            await self.sessions.end_all(*place)
        return True

    async def set_password(self, tenant_id: str, subject_id: str, password_hash: str) -> bool:
        if (tenant_id, subject_id) not in self._subjects:
            return False
        self._password_hashes[tenant_id, subject_id] = password_hash
        return True

    def _refuse_double(self, subject: Subject) -> None:
        for other in self._subjects.values():
            same = (other.tenant_id, other.email) == (subject.tenant_id, subject.email) and other.subject_id != subject.subject_id
            if same and other.identity_provider == subject.identity_provider == "":
                raise AlreadyTaken(subject.email)
