"""Invites to the console: the first way in, and the way back when a device is lost. Each enrols one passkey that counts."""

import hashlib
import secrets
import time
from collections.abc import Callable

from oauth.administration.errors import InviteRefused
from oauth.administration.roles import AdminRole
from oauth.administration.stores import AdminInvite, AdminInviteStore, AdminRoleStore
from oauth.audit import SecurityEvent
from oauth.sign_in.stores import SubjectStore
from oauth.sign_in.subjects import Subject
from oauth.stores import AuditLog

#: operations contract, "Sign-in": it stands in a mail or a chat
INVITE_S = 3600


class Invites:
    """An invite holds 256 random bits, of which only the hash is kept; it serves once, and a newer one of the same person ends it."""

    def __init__(
        self,
        invites: AdminInviteStore,
        roles: AdminRoleStore,
        subjects: SubjectStore,
        audit: AuditLog,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._invites, self._roles, self._subjects = invites, roles, subjects
        self._audit, self._clock = audit, clock

    async def make(self, subject: Subject, by: str, seen: AdminRole | None = None) -> str:
        """Return the path of a new invite, below the origin of the console. Whoever opens it first adds their passkey to `subject`.

        seen: what they may, as far as whoever invites was let; None: whatever it is. Raises InviteRefused where that is not so any more.
        """
        token, now = secrets.token_urlsafe(32), self._clock()
        invite = AdminInvite(subject.tenant_id, subject.subject_id, hash_of(token), by, now + INVITE_S)
        role = seen or await self._roles.of(subject.tenant_id, subject.subject_id)
        if role is None or not await self._invites.put(invite, role):
            raise InviteRefused("what its person may has changed")
        await self._audit.record(SecurityEvent("admin_invited", now, subject.tenant_id, subject.subject_id, facts={"by": by}))
        return f"/admin/invite/{token}"

    async def open(self, token: str) -> tuple[Subject, AdminRole]:
        """Return for whom an invite is, and what they may; it stays good. Raises InviteRefused."""
        invite = await self._invites.find(hash_of(token), self._clock())
        if invite is None:
            raise InviteRefused("no such invite")
        subject = await self._subjects.get(invite.tenant_id, invite.subject_id)
        role = await self._roles.of(invite.tenant_id, invite.subject_id)
        # Made an hour ago, perhaps: since then they may have been disabled, or lost their role.
        if subject is None or subject.disabled or role is None:
            raise InviteRefused("its person administers nothing")
        return subject, role


def hash_of(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
