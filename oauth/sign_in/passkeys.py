"""Passkeys (WebAuthn 3): discoverable, the person verified by the authenticator, one challenge for one use in one browser."""

import hashlib
import ipaddress
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from oauth.audit import SecurityAction, SecurityEvent
from oauth.errors import AlreadyTaken
from oauth.sign_in.errors import PasskeyRefused
from oauth.sign_in.stores import Passkey, PasskeyStore, SubjectStore
from oauth.sign_in.subjects import Subject, clean_display_name
from oauth.sign_in.webauthn_client_data import challenge_of, decode, read_answer
from oauth.stores import AuditLog

# WebAuthn 3 §15.1: some minutes are what a person with a device needs
CHALLENGE_S = 300
MAX_PASSKEYS = 20


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
        challenge = await self._challenge(browser, f"sign in\n{tenant_id}")
        # WebAuthn 3 §5.8.6: without it a found security key would sign in by itself. Checked again in the answer.
        required = UserVerificationRequirement.REQUIRED
        options = generate_authentication_options(
            rp_id=self._rp_id, challenge=challenge, timeout=CHALLENGE_S * 1000, user_verification=required
        )
        return options_to_json(options)

    async def sign_in(self, tenant_id: str, browser: str, answer_text: str) -> Subject:
        """Return the subject whose passkey answered. Raises PasskeyRefused; the reason goes to the audit log only."""
        subject_id = ""
        try:
            answer = read_answer(answer_text)
            challenge = await self._spend(challenge_of(answer, self._origin), browser, f"sign in\n{tenant_id}")
            # WebAuthn 3 §7.2: the credential record; of this tenant only, since rows of others are other people.
            passkey = await self._store.find(tenant_id, decode(answer.get("rawId", ""), "rawId"))
            if passkey is None:
                raise PasskeyRefused("no such passkey in this tenant")
            subject_id = passkey.subject_id
            # WebAuthn 3 §7.2: for a discoverable credential the user handle must name the owner of the record.
            if decode(answer["response"].get("userHandle", ""), "userHandle") != user_handle(tenant_id, subject_id):
                raise PasskeyRefused("the user handle names somebody else")
            verified = self._verify(answer, challenge, passkey)
            subject = await self._subjects.get(tenant_id, subject_id)
            # After the signature: a disabled subject learns no more than a stranger.
            if subject is None or subject.disabled:
                raise PasskeyRefused("the subject is disabled")
            await self._move_counter(passkey, verified)
        except PasskeyRefused as refused:
            await self._note("sign_in_failed", tenant_id, subject_id, {"method": "passkey", "reason": refused.reason})
            raise
        return subject

    async def offer_enrolment(self, subject: Subject, browser: str) -> str:
        """Return the options for navigator.credentials.create() as JSON."""
        known = await self.of_subject(subject)
        options = generate_registration_options(
            rp_id=self._rp_id,
            rp_name=f"Ascend Gateway ({self._rp_id})",
            user_name=subject.email,
            # WebAuthn 3 §14.6.1: no address and no name, since whoever holds the device can read it
            user_id=user_handle(subject.tenant_id, subject.subject_id),
            user_display_name=subject.title,
            challenge=await self._challenge(browser, _enrolment(subject)),
            timeout=CHALLENGE_S * 1000,
            # WebAuthn 3 §5.4.6: discoverable, so nobody types a name at sign-in, and who exists is never asked
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
            # WebAuthn 3 §5.4 (excludeCredentials): the same authenticator is not registered twice
            exclude_credentials=[PublicKeyCredentialDescriptor(id=passkey.credential_id) for passkey in known],
        )
        return options_to_json(options)

    async def enrol(self, subject: Subject, browser: str, answer_text: str, name: str) -> Passkey:
        """Keep a new passkey of a person who has just signed in. Raises PasskeyRefused."""
        # Each is named to the browser in excludeCredentials, and looked through at every sign-in.
        if len(await self.of_subject(subject)) >= MAX_PASSKEYS:
            raise PasskeyRefused(f"{MAX_PASSKEYS} passkeys are the most; remove one first", 409)
        answer = read_answer(answer_text)
        challenge = await self._spend(challenge_of(answer, self._origin), browser, _enrolment(subject))
        verified = self._verify_enrolment(answer, challenge)
        passkey = Passkey(
            credential_id=verified.credential_id,
            tenant_id=subject.tenant_id,
            subject_id=subject.subject_id,
            public_key=verified.credential_public_key,
            sign_count=verified.sign_count,
            name=clean_display_name(name) or "Passkey",
            created_at=self._clock(),
            backed_up=verified.credential_backed_up,
            aaguid=verified.aaguid,
        )
        try:
            await self._store.add(passkey)
        # WebAuthn 3 §7.1: a credential id that is registered for anybody is refused, or its owner would change.
        except AlreadyTaken as error:
            raise PasskeyRefused("this passkey is registered already", 409) from error
        await self._note("credential_added", subject.tenant_id, subject.subject_id, {"kind": "passkey", "name": passkey.name})
        return passkey

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

    def _verify(self, answer: dict[str, object], challenge: bytes, passkey: Passkey) -> VerifiedAuthentication:
        try:
            return verify_authentication_response(
                credential=answer,
                expected_challenge=challenge,
                # WebAuthn 3 §7.2: rpIdHash, so that a signature for another site is none here
                expected_rp_id=self._rp_id,
                expected_origin=self._origin,
                credential_public_key=passkey.public_key,
                credential_current_sign_count=0,  # compared below, where going back is told from other faults
                # WebAuthn 3 §7.2: the UV flag is under the signature; that it was asked for proves nothing
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, TypeError, KeyError) as error:
            raise PasskeyRefused(f"the assertion does not verify: {type(error).__name__}") from error

    def _verify_enrolment(self, answer: dict[str, object], challenge: bytes) -> VerifiedRegistration:
        try:
            verified = verify_registration_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self._rp_id,
                # WebAuthn 3 §7.1, §13.4.9: one exact origin, not a suffix
                expected_origin=self._origin,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, TypeError, KeyError) as error:
            raise PasskeyRefused(f"the attestation does not verify: {type(error).__name__}") from error
        # WebAuthn 3 §7.1: at most 1023 bytes; §4 (Credential ID): at least 16.
        if not 16 <= len(verified.credential_id) <= 1023:
            raise PasskeyRefused("the credential id has an impossible length")
        return verified

    async def _move_counter(self, passkey: Passkey, verified: VerifiedAuthentication) -> None:
        """Refuse a counter that does not move on: two authenticators hold this key (WebAuthn 3 §6.1.1). 0 and 0 has no counter."""
        before, after = passkey.sign_count, verified.new_sign_count
        if (before or after) and after <= before:
            raise PasskeyRefused(f"sign counter went from {before} to {after}", 403)
        # Compare and swap: of two answers at one moment with one counter only one moves it (a clone, or a replay).
        moved = await self._store.used(
            replace(passkey, sign_count=after, last_used_at=self._clock(), backed_up=verified.credential_backed_up), before
        )
        if not moved:
            raise PasskeyRefused("the passkey was used elsewhere at the same moment")

    async def _note(self, action: SecurityAction, tenant_id: str, subject_id: str, facts: dict[str, str]) -> None:
        await self._audit.record(SecurityEvent(action, self._clock(), tenant_id, subject_id, facts=facts))


def user_handle(tenant_id: str, subject_id: str) -> bytes:
    """Return what authenticators keep for a subject: no personal data, 64 bytes at most (WebAuthn 3 §14.6.1)."""
    # The tenant is part of it: one device with accounts in two tenants keeps both.
    return hashlib.sha256(f"{tenant_id}\0{subject_id}".encode()).digest()


def _enrolment(subject: Subject) -> str:
    return f"enrol\n{subject.tenant_id}\n{subject.subject_id}"


def _hash(challenge: bytes) -> str:
    return hashlib.sha256(challenge).hexdigest()
