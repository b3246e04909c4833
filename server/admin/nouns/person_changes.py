"""What is done to people, by hand or by `ascend user` and `ascend admin`: who may come in, and who is out."""

import time
from dataclasses import dataclass, replace

from oauth import base64url
from oauth.administration.appointments import Appointments
from oauth.administration.errors import InviteRefused, LastOwner
from oauth.administration.invites import Invites
from oauth.administration.roles import AdminRole, Role
from oauth.audit import SecurityEvent
from oauth.errors import AlreadyTaken
from oauth.sign_in.errors import InvalidInput
from oauth.sign_in.passwords import Passwords
from oauth.sign_in.subjects import Subject
from oauth.tokens.own_grants import OwnGrants
from server.admin.administrators import Administrator
from server.admin.refusals import AdminRefused, forbidden
from server.storage.store import Store
from tools.ai_gateway.caller_keys import CallerKeyIssuer


@dataclass(frozen=True, slots=True)
class Ended:
    """How much of somebody's ended."""

    grants: int
    keys: int
    sessions: int

    def __str__(self) -> str:
        return f"{self.grants} grants, {self.sessions} sessions of the console and {self.keys} caller's keys ended"


class PersonChanges:
    """`admin_url`: the origin of the console."""

    def __init__(self, store: Store, admin_url: str) -> None:
        self._store, self._admin_url = store, admin_url
        self._appointments = Appointments(store.admin_roles, store.security_events)
        self._invites = Invites(store.admin_invites, store.admin_roles, store.subjects, store.security_events)

    async def add(self, tenant_id: str, email: str, name: str = "") -> Subject:
        """Add somebody without a password. Raises AdminRefused."""
        try:
            return await Passwords(self._store.subjects).add_subject(tenant_id, email, None, display_name=name)
        except InvalidInput as error:
            raise AdminRefused(422, "invalid_fields", str(error), faults=[{"place": "email", "message": str(error)}]) from error
        except AlreadyTaken as error:
            raise AdminRefused(409, "exists", f"{email} is there already", "open their page, and invite them there") from error

    async def give(self, subject: Subject, role: Role, by: str, *, reaches_gateway: bool | None = None) -> AdminRole:
        """Give a role in the place of the one before. Raises AdminRefused."""
        if subject.identity_provider and not await self._opens_console(subject):
            hint = "`ascend identity-provider add … --admin-acr` says what it must say of a sign-in; or add them as a person of their own"
            raise AdminRefused(
                409, "signs_in_elsewhere", "their identity provider opens no console, and they can have no passkey here", hint
            )
        if subject.disabled:
            raise AdminRefused(409, "disabled", f"{subject.email} is disabled", "enable them first")
        try:
            return await self._appointments.give(subject, role, by, reaches_gateway=reaches_gateway)
        except LastOwner as error:
            raise _last_owner(error) from error

    async def take(self, subject: Subject, by: str) -> bool:
        """Take the role, and sign its person out of the console. Raises AdminRefused."""
        try:
            return await self._appointments.take(subject, by)
        except LastOwner as error:
            raise _last_owner(error) from error

    async def needs_invite(self, subject: Subject) -> bool:
        """Say whether no passkey of theirs opens the console: they have none from an invite, or a role ended what they had.

        Who comes by an identity provider needs none.
        """
        if subject.identity_provider:
            return False
        return not any(each.counts for each in await self._store.passkeys.of_subject(subject.tenant_id, subject.subject_id))

    async def invite(self, subject: Subject, by: str, seen: AdminRole | None = None) -> str:
        """Return the address of a new invite, for somebody with a role. Raises AdminRefused.

        seen: the role by which `by` was let invite them; None: whoever has the machine may.
        """
        if seen is None and await self._store.admin_roles.of(subject.tenant_id, subject.subject_id) is None:
            raise no_role(subject)
        if subject.disabled:
            raise AdminRefused(409, "disabled", f"{subject.email} is disabled", "enable them first")
        if subject.identity_provider:
            raise AdminRefused(409, "signs_in_elsewhere", f"{subject.email} comes by an identity provider", "they sign in at /admin by it")
        try:
            return f"{self._admin_url}{await self._invites.make(subject, by, seen)}"
        except InviteRefused as error:
            raise AdminRefused(409, "role_changed", f"what {subject.email} may has changed meanwhile", "look at them again") from error

    async def remove_passkey(self, subject: Subject, credential: str) -> bool:
        """Forget a passkey by its id in base64url; sessions that it opened are over. False: they have none of that id."""
        try:
            credential_id = base64url.decode(credential)
        except ValueError:
            return False
        removed = await self._store.passkeys.remove(subject.tenant_id, subject.subject_id, credential_id)
        if removed:
            facts = {"kind": "passkey", "at": "console"}
            event = SecurityEvent("credential_removed", time.time(), subject.tenant_id, subject.subject_id, facts=facts)
            await self._store.security_events.record(event)
        return removed

    async def disable(self, subject: Subject, by: str) -> Ended:
        """Sign somebody out everywhere, end what they allowed, and let them in no more. Raises AdminRefused."""
        sessions = len(await self._store.admin_sessions.of_subject(subject.tenant_id, subject.subject_id, time.time()))
        try:
            await self._store.subjects.save(replace(subject, disabled=True))
        except LastOwner as error:
            raise _last_owner(error) from error
        grants, keys = await self._end_grants(subject, by)
        return Ended(grants, keys, sessions)

    async def enable(self, subject: Subject) -> None:
        """Let somebody in again; what ended stays ended."""
        await self._store.subjects.save(replace(subject, disabled=False))

    async def end_everything(self, subject: Subject, by: str) -> Ended:
        """Sign somebody out everywhere and end what they allowed; they may come in again."""
        sessions = await self._store.admin_sessions.end_all(subject.tenant_id, subject.subject_id)
        await self._store.browser_sessions.end_all(subject.tenant_id, subject.subject_id)
        grants, keys = await self._end_grants(subject, by)
        return Ended(grants, keys, sessions)

    async def _opens_console(self, subject: Subject) -> bool:
        provider = await self._store.identities.provider(subject.tenant_id, subject.identity_provider)
        return provider is not None and provider.enabled and bool(provider.admin_acr)

    async def _end_grants(self, subject: Subject, by: str) -> tuple[int, int]:
        grants = await OwnGrants(self._store.grants, self._store.clients).revoke_all(subject.tenant_id, subject.subject_id, by=by)
        issuer = CallerKeyIssuer(self._store.caller_keys, self._store.security_events)
        return grants, await issuer.revoke_of_user(subject.tenant_id, subject.email)


def must_outrank(administrator: Administrator, role: AdminRole | None) -> None:
    """Raise AdminRefused for whoever may less, or reaches less far, than the person whom they would change.

    An invite for such a person would be a way to become them, and to disable them a way to be rid of them.
    """
    if role is None:
        return
    if role.role > administrator.role:
        raise forbidden(f"they are {role.role.title}, and you are {administrator.role.title}", "an owner may")
    if role.reaches_gateway and not administrator.reaches_gateway:
        raise forbidden("they reach the whole gateway, and you one tenant of it", "an owner of the gateway may")


def no_role(subject: Subject) -> AdminRefused:
    return AdminRefused(409, "no_role", f"{subject.email} has no role, so an invite would open nothing", "give them one first")


def _last_owner(error: LastOwner) -> AdminRefused:
    return AdminRefused(409, "last_owner", str(error), "nothing was changed")
