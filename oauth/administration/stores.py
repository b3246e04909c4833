"""What the administration must remember, as Protocols; `server/storage/administration` keeps the promises."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from oauth.administration.roles import AdminRole
from oauth.sign_in.stores import Passkey


class AdminRoleStore(Protocol):
    """The one truth of who administers. Read at every request, so whoever lost a role is out at once."""

    async def give(self, role: AdminRole) -> None:
        """Keep a role in the place of the one before. Raises LastOwner, and then nothing has changed.

        One that lets its person do more, or further, or comes anew, ends their invite and sessions and has their passkeys count no more, in
        the same step: whoever could act for the person they were could have left themselves a way in.
        """
        ...

    async def take(self, tenant_id: str, subject_id: str) -> AdminRole | None:
        """Forget the role with its sessions and invite, in one step; return what it was. Raises LastOwner, and then nothing has changed."""
        ...

    async def of(self, tenant_id: str, subject_id: str) -> AdminRole | None:
        """Return the role of a subject, disabled or not."""
        ...

    async def of_tenant(self, tenant_id: str) -> Sequence[AdminRole]:
        """Return every role of a tenant's people, by subject."""
        ...


@dataclass(frozen=True, slots=True)
class AdminInvite:
    """A way in for one person, once; only the SHA-256 of its token is kept."""

    tenant_id: str
    subject_id: str
    token_hash: str
    #: who made it, as the audit trail names them
    made_by: str
    expires_at: float


class AdminInviteStore(Protocol):
    async def put(self, invite: AdminInvite, role: AdminRole) -> bool:
        """Keep an invite; the person's one before ends. False, and nothing has changed, where they may not what `role` says any more."""
        ...

    async def find(self, token_hash: str, now: float) -> AdminInvite | None:
        """Return the living invite of a token; it stays."""
        ...

    async def redeem(self, token_hash: str, passkey: Passkey, now: float) -> bool:
        """Forget a living invite and keep the passkey, in one step: of two who redeem it, one is told True.

        False, and nothing has changed, where there is no such invite for the passkey's owner. Raises AlreadyTaken: as False.
        """
        ...

    async def sweep(self, now: float) -> int:
        """Forget what has expired; return how many."""
        ...


@dataclass(frozen=True, slots=True)
class Proof:
    """By what somebody has just proven who they are: a passkey that counts, or an identity provider."""

    tenant_id: str
    subject_id: str
    credential_id: bytes = b""
    identity_provider: str = ""


def proof_of(passkey: Passkey) -> Proof:
    return Proof(passkey.tenant_id, passkey.subject_id, passkey.credential_id)


@dataclass(frozen=True, slots=True)
class AdminSession:
    """A session of the console at rest: `session_hash` and `browser_hash` are SHA-256 of what the cookies hold.

    `credential_id`: the passkey that opened it, or proved last who is there; empty where `identity_provider` did.
    """

    session_hash: str
    tenant_id: str
    subject_id: str
    credential_id: bytes
    browser_hash: str
    proven_at: float
    last_seen_at: float
    expires_at: float
    identity_provider: str = ""


@dataclass(frozen=True, slots=True)
class LiveAdminSession:
    """A session with whom it is for and what they may, as of now."""

    session: AdminSession
    email: str
    role: AdminRole


class AdminSessionStore(Protocol):
    async def begin(self, session: AdminSession, previous_hash: str | None) -> None:
        """Keep a session and forget the one of `previous_hash`, in one step; the oldest beyond twenty of a person go."""
        ...

    async def renew(self, session: AdminSession, previous_hash: str) -> bool:
        """Put a session in the place of the one of `previous_hash`; False, and nothing is kept, where that has ended meanwhile."""
        ...

    async def find(self, session_hash: str, now: float) -> LiveAdminSession | None:
        """Return the session; None where it is unknown, idle or expired, its person disabled or without a role, or what proved who they
        are gone: the passkey, the provider."""
        ...

    async def seen(self, session_hash: str, at: float) -> None:
        """Record that a person used it, which moves its idle end."""
        ...

    async def end(self, session_hash: str) -> None:
        """Forget one session."""
        ...

    async def end_all(self, tenant_id: str, subject_id: str) -> int:
        """Forget every session of a person; return how many there were."""
        ...

    async def of_subject(self, tenant_id: str, subject_id: str, now: float) -> Sequence[AdminSession]:
        """Return the living sessions of a person, the last used first."""
        ...

    async def sweep(self, now: float) -> int:
        """Forget what has expired; return how many."""
        ...
