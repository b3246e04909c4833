"""Passkeys (WebAuthn 3): discoverable, the person verified by the authenticator, one challenge for one use in one browser."""

import hashlib
import ipaddress
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio

from oauth.audit import SecurityAction, SecurityEvent
from oauth.errors import AlreadyTaken
from oauth.sign_in.errors import PasskeyRefused
from oauth.sign_in.stores import Passkey, PasskeyStore, SubjectStore
from oauth.sign_in.subjects import Subject, clean_display_name
from oauth.sign_in.webauthn_client_data import challenge_of, decode, read_answer
from oauth.stores import AuditLog

if TYPE_CHECKING:
    from oauth.sign_in.webauthn_ceremonies import Assertion, Ceremonies

# WebAuthn 3 §15.1: some minutes are what a person with a device needs
CHALLENGE_S = 300
MAX_PASSKEYS = 20
#: credential id -> its record, where that may answer
Finding = Callable[[bytes], Awaitable[Passkey | None]]


class Passkeys:
    """`origin` is the one origin whose pages may use our passkeys; its host is the relying party id."""

    def __init__(
        self, store: PasskeyStore, subjects: SubjectStore, *, origin: str, audit: AuditLog, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._subjects = subjects
        self._audit = audit
        self._origin = origin
        self._rp_id = urlsplit(origin).hostname or ""
        self._clock = clock
        self._loaded: Ceremonies | None = None

    @property
    def available(self) -> bool:
        """Say whether browsers allow passkeys here: a relying party id is a host name, never an address (WebAuthn 3 §5.1.3)."""
        try:
            ipaddress.ip_address(self._rp_id)
        except ValueError:
            return True
        return False

    async def of_subject(self, subject: Subject) -> Sequence[Passkey]:
        return await self._store.of_subject(subject.tenant_id, subject.subject_id)

    async def offer_sign_in(self, tenant_id: str, browser: str) -> str:
        """Return the options for navigator.credentials.get() as JSON; they say nothing about who exists."""
        return await self.offer(browser, f"sign in\n{tenant_id}")

    async def sign_in(self, tenant_id: str, browser: str, answer_text: str) -> Subject:
        """Return the subject whose passkey answered. Raises PasskeyRefused; the reason goes to the audit log only."""

        # WebAuthn 3 §7.2: the credential record; of this tenant only, since rows of others are other people.
        async def find(credential_id: bytes) -> Passkey | None:
            return await self._store.find(tenant_id, credential_id)

        subject, _passkey = await self.prove(browser, f"sign in\n{tenant_id}", answer_text, find, tenant_id)
        return subject

    async def offer(self, browser: str, purpose: str) -> str:
        """Return the options for navigator.credentials.get() as JSON, for one answer of this browser to this purpose."""
        challenge = await self._challenge(browser, purpose)
        ceremonies = await self._ceremonies()
        return ceremonies.sign_in_options(challenge, CHALLENGE_S)

    async def prove(self, browser: str, purpose: str, answer_text: str, find: Finding, tenant_id: str = "") -> tuple[Subject, Passkey]:
        """Return who answered, and with which of the passkeys that `find` knows. Raises PasskeyRefused; the reason is on record."""
        subject_id = ""
        try:
            answer = read_answer(answer_text)
            challenge = await self._spend(challenge_of(answer, self._origin), browser, purpose)
            passkey = await find(decode(answer.get("rawId", ""), "rawId"))
            if passkey is None:
                raise PasskeyRefused("no such passkey here")
            tenant_id, subject_id = passkey.tenant_id, passkey.subject_id
            # WebAuthn 3 §7.2: for a discoverable credential the user handle must name the owner of the record.
            if decode(answer["response"].get("userHandle", ""), "userHandle") != user_handle(tenant_id, subject_id):
                raise PasskeyRefused("the user handle names somebody else")
            verified = (await self._ceremonies()).assertion(answer, challenge, passkey.public_key)
            subject = await self._subjects.get(tenant_id, subject_id)
            # After the signature: a disabled subject learns no more than a stranger.
            if subject is None or subject.disabled:
                raise PasskeyRefused("the subject is disabled")
            await self._move_counter(passkey, verified)
        except PasskeyRefused as refused:
            await self._note("sign_in_failed", tenant_id, subject_id, {"method": "passkey", "reason": refused.reason})
            raise
        return subject, passkey

    async def offer_enrolment(self, subject: Subject, browser: str) -> str:
        """Return the options for navigator.credentials.create() as JSON."""
        return await self.offer_new(subject, browser, _enrolment(subject), await self.of_subject(subject))

    async def enrol(self, subject: Subject, browser: str, answer_text: str, name: str) -> Passkey:
        """Keep a new passkey of a person who has just signed in. Raises PasskeyRefused."""
        passkey = await self.attested(subject, browser, _enrolment(subject), answer_text, name)
        try:
            await self._store.add(passkey)
        except AlreadyTaken as error:
            raise is_registered() from error
        await self.note_added(passkey)
        return passkey

    async def offer_new(self, subject: Subject, browser: str, purpose: str, known: Sequence[Passkey]) -> str:
        """Return the options for navigator.credentials.create() as JSON; devices that hold one of `known` make no other."""
        challenge = await self._challenge(browser, purpose)
        ceremonies = await self._ceremonies()
        # WebAuthn 3 §14.6.1: a handle with no address and no name in it, since whoever holds the device can read it
        handle = user_handle(subject.tenant_id, subject.subject_id)
        known_ids = [passkey.credential_id for passkey in known]
        return ceremonies.enrolment_options(challenge, CHALLENGE_S, handle, (subject.email, subject.title), known_ids)

    async def attested(self, subject: Subject, browser: str, purpose: str, answer_text: str, name: str) -> Passkey:
        """Return the new passkey that answered, which nobody keeps yet. Raises PasskeyRefused."""
        # Each is named to the browser in excludeCredentials, and looked through at every sign-in.
        if len(await self.of_subject(subject)) >= MAX_PASSKEYS:
            raise PasskeyRefused(f"{MAX_PASSKEYS} passkeys are the most; remove one first", 409)
        answer = read_answer(answer_text)
        challenge = await self._spend(challenge_of(answer, self._origin), browser, purpose)
        attested = (await self._ceremonies()).attestation(answer, challenge)
        return Passkey(
            credential_id=attested.credential_id,
            tenant_id=subject.tenant_id,
            subject_id=subject.subject_id,
            public_key=attested.public_key,
            sign_count=attested.sign_count,
            name=clean_display_name(name) or "Passkey",
            created_at=self._clock(),
            backed_up=attested.backed_up,
            aaguid=attested.aaguid,
        )

    async def note_added(self, passkey: Passkey) -> None:
        """Leave a security event of a passkey that is kept."""
        facts = {"kind": "passkey", "name": passkey.name, **({"opens": "console"} if passkey.counts else {})}
        await self._note("credential_added", passkey.tenant_id, passkey.subject_id, facts)

    async def remove(self, subject: Subject, credential_id: bytes) -> bool:
        """Forget a passkey of this subject; False where it has none of that id."""
        removed = await self._store.remove(subject.tenant_id, subject.subject_id, credential_id)
        if removed:
            await self._note("credential_removed", subject.tenant_id, subject.subject_id, {"kind": "passkey"})
        return removed

    async def _challenge(self, browser: str, purpose: str) -> bytes:
        # WebAuthn 3 §13.4.3: at least 16 random bytes, made and kept here, never by the page.
        challenge = secrets.token_bytes(32)
        await self._store.add_challenge(_hash(challenge), browser, purpose, self._clock() + CHALLENGE_S)
        return challenge

    async def _spend(self, challenge: bytes, browser: str, purpose: str) -> bytes:
        # Spent before anything else is looked at: whatever comes of this answer, it cannot come twice.
        if not await self._store.take_challenge(_hash(challenge), browser, purpose, self._clock()):
            raise PasskeyRefused("the challenge is used, expired or another browser's")
        return challenge

    async def _ceremonies(self) -> "Ceremonies":
        if self._loaded is None:
            # webauthn reads X.509 and CBOR of every maker: 6 MB and a twelfth of the time to start, and most gateways have no passkeys.
            module = await anyio.to_thread.run_sync(import_module, "oauth.sign_in.webauthn_ceremonies")
            self._loaded = module.Ceremonies(self._rp_id, self._origin)
        return self._loaded

    async def _move_counter(self, passkey: Passkey, verified: "Assertion") -> None:
        """Refuse a counter that does not move on: two authenticators hold this key (WebAuthn 3 §6.1.1). 0 and 0 has no counter."""
        before, after = passkey.sign_count, verified.sign_count
        if (before or after) and after <= before:
            raise PasskeyRefused(f"sign counter went from {before} to {after}", 403)
        # Compare and swap: of two answers at one moment with one counter only one moves it (a clone, or a replay).
        moved = await self._store.used(replace(passkey, sign_count=after, last_used_at=self._clock(), backed_up=verified.backed_up), before)
        if not moved:
            raise PasskeyRefused("the passkey was used elsewhere at the same moment")

    async def _note(self, action: SecurityAction, tenant_id: str, subject_id: str, facts: dict[str, str]) -> None:
        await self._audit.record(SecurityEvent(action, self._clock(), tenant_id, subject_id, facts=facts))


def user_handle(tenant_id: str, subject_id: str) -> bytes:
    """Return what authenticators keep for a subject: no personal data, 64 bytes at most (WebAuthn 3 §14.6.1)."""
    # The tenant is part of it: one device with accounts in two tenants keeps both.
    return hashlib.sha256(f"{tenant_id}\0{subject_id}".encode()).digest()


def is_registered() -> PasskeyRefused:
    """Return the refusal of a credential id that somebody has: its owner would change (WebAuthn 3 §7.1)."""
    return PasskeyRefused("this passkey is registered already", 409)


def _enrolment(subject: Subject) -> str:
    return f"enrol\n{subject.tenant_id}\n{subject.subject_id}"


def _hash(challenge: bytes) -> str:
    return hashlib.sha256(challenge).hexdigest()
