"""What sign-in must remember, as Protocols; `server/storage` keeps the promises."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from oauth.sign_in.identity_providers import IdentityProvider
from oauth.sign_in.subjects import Subject
from oauth.tenants import Tenant


class TenantStore(Protocol):
    """Every change is announced, so that all processes replace their snapshot."""

    async def all(self) -> Sequence[Tenant]:
        """Return every tenant, suspended ones too, by id."""
        ...

    async def add(self, tenant: Tenant) -> None:
        """Keep a new tenant. Raises AlreadyTaken."""
        ...

    async def save(self, tenant: Tenant) -> bool:
        """Replace what is kept of an existing tenant; False where there is none."""
        ...


class SubjectStore(Protocol):
    async def add(self, subject: Subject, password_hash: str | None) -> None:
        """Keep a new subject. Raises AlreadyTaken: of two concurrent callers with one e-mail, one."""
        ...

    async def get(self, tenant_id: str, subject_id: str) -> Subject | None:
        """Return the subject, disabled or not."""
        ...

    async def find_local(self, tenant_id: str, email: str) -> tuple[Subject, str | None] | None:
        """Return the local subject of a normalized e-mail with the hash of its password (None: it has none)."""
        ...

    async def of_tenant(self, tenant_id: str) -> Sequence[Subject]:
        """Return all subjects of a tenant, by e-mail."""
        ...

    async def save(self, subject: Subject) -> bool:
        """Replace what is kept of an existing subject, except its password; announced.

        Disabling ends its sessions, in browsers and in the console, and its invite. Raises LastOwner.
        """
        ...

    async def set_password(self, tenant_id: str, subject_id: str, password_hash: str) -> bool:
        """Replace the hash of the password."""
        ...


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A browser session at rest: `session_hash` and `browser_hash` are SHA-256 of what the cookies hold.

    `binding` ties forms to the session; it outlives a new sign-in of the same subject, so that a form in another tab still posts.
    """

    session_hash: str
    browser_hash: str
    tenant_id: str
    subject: Subject
    binding: str = field(repr=False)
    methods: tuple[str, ...]
    authenticated_at: float
    last_seen_at: float
    expires_at: float


class BrowserSessionStore(Protocol):
    async def begin(self, session: StoredSession, previous_hash: str | None) -> None:
        """Keep a session and end the one that `previous_hash` names for this tenant, in one step.

        Sessions of other tenants under `previous_hash` move to the new hash: one cookie carries them all.
        """
        ...

    async def find(self, session_hash: str, tenant_id: str, now: float) -> StoredSession | None:
        """Return the session of this tenant; None where it is unknown, expired, or its subject is disabled."""
        ...

    async def of_cookie(self, session_hash: str, now: float) -> Sequence[StoredSession]:
        """Return the sessions that one cookie carries, by tenant."""
        ...

    async def seen(self, session_hash: str, tenant_id: str, at: float) -> None:
        """Record that the session was used, which moves its idle end."""
        ...

    async def end(self, session_hash: str, tenant_id: str) -> None:
        """Forget one session."""
        ...

    async def end_all(self, tenant_id: str, subject_id: str) -> int:
        """Forget every session of a subject; return how many there were."""
        ...

    async def knows_browser(self, tenant_id: str, email: str, browser_hash: str, now: float) -> bool:
        """Say whether the local subject of this e-mail signed in with this browser within the life of a session, idle or not."""
        ...

    async def sweep(self, now: float) -> int:
        """Forget what has expired; idle sessions stay until then, because they tell known browsers. Return how many went."""
        ...


@dataclass(frozen=True, slots=True)
class Passkey:
    """A WebAuthn credential (WebAuthn 3 §4): `credential_id` is unique across tenants."""

    credential_id: bytes
    tenant_id: str
    subject_id: str
    public_key: bytes
    sign_count: int
    name: str
    created_at: float
    last_used_at: float | None = None
    #: the authenticator keeps it on more than one device
    backed_up: bool = False
    aaguid: str = ""
    #: it opens the administration, because it was enrolled from an invite (oauth/administration/invites.py)
    counts: bool = False


class PasskeyStore(Protocol):
    async def add(self, passkey: Passkey) -> None:
        """Keep a passkey. Raises AlreadyTaken."""
        ...

    async def find(self, tenant_id: str, credential_id: bytes) -> Passkey | None: ...

    async def find_counting(self, credential_id: bytes) -> Passkey | None:
        """Return the passkey of this id, of whatever tenant, where it opens the administration."""
        ...

    async def of_subject(self, tenant_id: str, subject_id: str) -> Sequence[Passkey]:
        """Return the passkeys of a subject, oldest first."""
        ...

    async def used(self, passkey: Passkey, previous_count: int) -> bool:
        """Keep the counter, last use and backup state of `passkey`, if its counter still is `previous_count`."""
        ...

    async def remove(self, tenant_id: str, subject_id: str, credential_id: bytes) -> bool:
        """Forget a passkey of this subject; False where it has none of that id."""
        ...

    async def add_challenge(self, challenge_hash: str, browser: str, purpose: str, expires_at: float) -> None:
        """Keep a challenge, or another secret that serves once, for one browser and purpose; the oldest beyond 16 of a browser go."""
        ...

    async def take_challenge(self, challenge_hash: str, browser: str, purpose: str, now: float) -> bool:
        """Forget a challenge and say whether it was live for this browser and purpose: two callers never both get True."""
        ...

    async def sweep(self, now: float) -> int:
        """Forget expired challenges; return how many."""
        ...


@dataclass(frozen=True, slots=True)
class FederatedSignIn:
    """A sign-in that is away at an identity provider; `state` is hashed at rest."""

    state_hash: str
    browser: str
    tenant_id: str
    slug: str
    nonce: str
    code_verifier: str = field(repr=False)
    #: where the browser goes afterwards: fields of our own sign-in page
    onward: Mapping[str, str]
    expires_at: float


class IdentityLinkStore(Protocol):
    async def providers(self, tenant_id: str) -> Sequence[IdentityProvider]:
        """Return the identity providers of a tenant, by slug."""
        ...

    async def provider(self, tenant_id: str, slug: str) -> IdentityProvider | None: ...

    async def save_provider(self, provider: IdentityProvider) -> None:
        """Add an identity provider, or replace the one of that tenant and slug."""
        ...

    async def remove_provider(self, tenant_id: str, slug: str) -> bool: ...

    async def linked(self, tenant_id: str, issuer: str, external_sub: str) -> str | None:
        """Return the subject_id linked to (issuer, sub); an e-mail never decides this."""
        ...

    async def link_new(self, subject: Subject, issuer: str, external_sub: str) -> str:
        """Keep a new subject with its link in one step; return the linked subject_id, another's when one came first."""
        ...

    async def add_sign_in(self, sign_in: FederatedSignIn) -> None:
        """Keep a sign-in that is away; the oldest beyond 16 of a browser go."""
        ...

    async def take_sign_in(self, state_hash: str, now: float) -> FederatedSignIn | None:
        """Return a live sign-in and forget it, in one step."""
        ...

    async def sweep(self, now: float) -> int:
        """Forget expired sign-ins; return how many."""
        ...
