"""Passkeys at the console: only those that were enrolled from an invite sign in there, whatever else a person has (contract, "Sign-in")."""

import time
from collections.abc import Callable
from dataclasses import replace

from oauth.administration.errors import InviteRefused
from oauth.administration.invites import Invites, hash_of
from oauth.administration.roles import AdminRole
from oauth.administration.stores import AdminInviteStore, AdminRoleStore, AdminSession
from oauth.errors import AlreadyTaken
from oauth.sign_in.passkeys import Passkeys, is_registered
from oauth.sign_in.stores import Passkey, PasskeyStore
from oauth.sign_in.subjects import Subject

_SIGN_IN = "console"


class ConsolePasskeys:
    """`passkeys`: those of the console's origin."""

    def __init__(
        self,
        passkeys: Passkeys,
        store: PasskeyStore,
        roles: AdminRoleStore,
        invites: Invites,
        invite_store: AdminInviteStore,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._passkeys, self._store, self._roles = passkeys, store, roles
        self._invites, self._invite_store, self._clock = invites, invite_store, clock

    @property
    def available(self) -> bool:
        """Say whether browsers allow passkeys at the console's origin."""
        return self._passkeys.available

    async def offer_sign_in(self, browser: str) -> str:
        """Return what the browser is asked for; it says nothing about who exists."""
        return await self._passkeys.offer(browser, _SIGN_IN)

    async def sign_in(self, browser: str, answer: str) -> tuple[Subject, Passkey]:
        """Return who answered. Raises PasskeyRefused: also for a passkey that does not count, and for whoever administers nothing."""
        return await self._passkeys.prove(browser, _SIGN_IN, answer, self._of_an_administrator)

    async def offer_step_up(self, session: AdminSession, browser: str) -> str:
        """Return what the browser of a session is asked for."""
        return await self._passkeys.offer(browser, _step_up(session))

    async def step_up(self, session: AdminSession, browser: str, answer: str) -> Passkey:
        """Return the passkey with which the session's own person proved who they are. Raises PasskeyRefused."""

        async def of_the_same(credential_id: bytes) -> Passkey | None:
            found = await self._of_an_administrator(credential_id)
            is_theirs = found is not None and (found.tenant_id, found.subject_id) == (session.tenant_id, session.subject_id)
            return found if is_theirs else None

        _subject, passkey = await self._passkeys.prove(browser, _step_up(session), answer, of_the_same, session.tenant_id)
        return passkey

    async def offer_enrolment(self, token: str, browser: str) -> tuple[Subject, AdminRole, str]:
        """Return for whom an invite is, what they may, and what the browser is asked for. Raises InviteRefused."""
        subject, role = await self._invites.open(token)
        # Only those that count are named: a device that holds another passkey of this person may make one that does.
        known = [each for each in await self._passkeys.of_subject(subject) if each.counts]
        return subject, role, await self._passkeys.offer_new(subject, browser, _enrolment(token), known)

    async def enrol(self, token: str, browser: str, answer: str, name: str) -> tuple[Subject, Passkey]:
        """Spend an invite on a new passkey that counts; what fails spends nothing. Raises InviteRefused, PasskeyRefused."""
        subject, _role = await self._invites.open(token)
        made = await self._passkeys.attested(subject, browser, _enrolment(token), answer, name)
        passkey = replace(made, counts=True)
        try:
            is_spent = await self._invite_store.redeem(hash_of(token), passkey, self._clock())
        except AlreadyTaken as error:
            raise is_registered() from error
        if not is_spent:
            raise InviteRefused("somebody else was first")
        await self._passkeys.note_added(passkey)
        return subject, passkey

    async def _of_an_administrator(self, credential_id: bytes) -> Passkey | None:
        found = await self._store.find_counting(credential_id)
        if found is None or await self._roles.of(found.tenant_id, found.subject_id) is None:
            return None
        return found


def _step_up(session: AdminSession) -> str:
    return f"console step up\n{session.session_hash}"


def _enrolment(token: str) -> str:
    return f"console invite\n{hash_of(token)}"
