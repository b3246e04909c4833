"""People: what they may, what they come in with, where they are signed in, and what they allowed."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from oauth import base64url
from oauth.administration.roles import Role
from oauth.scopes import render
from oauth.tenants import DEFAULT_TENANT
from oauth.tokens.own_grants import OwnGrants
from server.admin.administrators import Administrator
from server.admin.nouns.person_changes import PersonChanges, must_outrank, no_role
from server.admin.refusals import AdminRefused, forbidden, invalid, no_such_tenant, not_found
from server.admin.resource import Change, Column, Done, Field, Filter, ListQuery, Resource, Row, Rows
from server.storage.administration.people import Person, Place, SqlPeople
from server.storage.store import Store

ROLES = tuple(role.title for role in reversed(Role))
#: a page shows so many of what somebody allowed; the rest is at `ascend grant list`
MAX_GRANTS = 50
_ROLE = Field(name="role", title="Role", choices=ROLES)
_GATEWAY = Field(name="reaches_gateway", title="Over every tenant", is_flag=True, is_required=False)
_NAME = Field(name="name", title="Name", is_required=False, max_chars=100, hint="What pages call them.")


@dataclass(frozen=True, slots=True)
class People:
    """Whoever has no role is shown, too: they sign in and connect clients."""

    people: SqlPeople
    store: Store
    changes: PersonChanges

    def resource(self) -> Resource:
        return Resource(
            name="people",
            title="People",
            about="Who signs in, what they may, and where they are signed in.",
            columns=(
                Column(name="email", title="Email"),
                Column(name="name", title="Name", is_aside=True),
                Column(name="tenant", title="Tenant", link="tenants"),
                Column(name="role", title="Role"),
                Column(name="reach", title="Reaches", is_aside=True),
                Column(name="state", title="State", kind="state"),
                Column(name="id", title="Id", link="people", is_aside=True),
            ),
            facts=(
                Column(name="given_by", title="Role given by"),
                Column(name="given", title="Role given", kind="time"),
                Column(name="signs_in_by", title="Signs in by"),
                Column(name="may_grant", title="May allow clients"),
            ),
            rows=self.rows,
            one=self.one,
            filters=(
                Filter(name="email", title="Email begins with"),
                Filter(name="role", title="Role", choices=(*ROLES, "none")),
                Filter(name="state", title="State", choices=("active", "disabled")),
            ),
            changes=self._changes(),
            when_empty="Nobody; `ascend user add` and the button above add people.",
        )

    def _changes(self) -> tuple[Change, ...]:
        of_owner = partial(Change, least=Role.OWNER, needs_step_up=True)
        email = Field(name="email", title="Email", max_chars=254)
        tenant = Field(name="tenant", title="Tenant", is_required=False, max_chars=63, hint="Yours when left out.")
        passkey = Field(name="passkey", title="Passkey", max_chars=1_400, hint="Its id, from the list of their passkeys.")
        again = "Sign them out everywhere and end what they allowed?"
        return (
            of_owner("add", "Invite somebody", self.add, (email, _NAME, _ROLE, tenant, _GATEWAY), is_of_list=True),
            of_owner("invite", "Invite again", self.invite, confirm="The invite before this one ends. Make a new one?"),
            of_owner("role", "Give a role", self.role, (_ROLE, _GATEWAY)),
            of_owner("revoke", "Take the role", self.revoke, confirm="They are out of the console at once. Take their role?"),
            Change("remove_passkey", "Remove a passkey", self.remove_passkey, (passkey,), needs_step_up=True),
            Change("end_everything", "End everything", self.end_everything, needs_step_up=True, confirm=again),
            Change(
                "disable", "Disable", self.disable, needs_step_up=True, confirm=f"{again} They cannot sign in until somebody enables them."
            ),
            Change("enable", "Enable", self.enable, needs_step_up=True),
        )

    async def rows(self, administrator: Administrator, query: ListQuery) -> Rows:
        asked = query.filters
        found = await self.people.page(
            query.tenant_id,
            await self._place_of(administrator, query.cursor),
            query.limit + 1,
            email=asked.get("email", "").casefold(),
            role=asked.get("role", ""),
            disabled={"disabled": True, "active": False}.get(asked.get("state", "")),
        )
        shown = found[: query.limit]
        return Rows([_row(each) for each in shown], _key_of(shown[-1]) if len(found) > query.limit else None)

    async def one(self, administrator: Administrator, key: str) -> Row | None:
        person = await self._person(administrator, key)
        if person is None:
            return None
        subject, store, now = person.subject, self.store, time.time()
        who = (subject.tenant_id, subject.subject_id)
        grants = await OwnGrants(store.grants, store.clients).standing(*who)
        return {
            **_row(person),
            "given_by": person.role.given_by if person.role else "",
            "given": _us(person.role.given_at) if person.role else None,
            "signs_in_by": subject.identity_provider or "this gateway",
            "may_grant": "everything" if subject.allowed_scopes is None else render(subject.allowed_scopes),
            "passkeys": [
                {
                    "name": each.name,
                    "opens_the_console": each.counts,
                    "created_us": _us(each.created_at),
                    "last_used_us": _us(each.last_used_at),
                    "id": base64url.encode(each.credential_id),
                }
                for each in await store.passkeys.of_subject(*who)
            ],
            "sessions_of_the_console": [
                {"last_seen_us": _us(each.last_seen_at), "proven_us": _us(each.proven_at), "ends_us": _us(each.expires_at)}
                for each in await store.admin_sessions.of_subject(*who, now)
            ],
            "grants": [
                {"client": each.client_name, "scopes": " ".join(each.scopes), "allowed_us": _us(each.allowed_at)}
                for each in grants[:MAX_GRANTS]
            ],
        }

    async def add(self, by: Administrator, _key: str, values: Mapping[str, str]) -> Done:
        tenant_id = by.reach(values.get("tenant") or by.tenant_id) or by.tenant_id
        if tenant_id not in {each.tenant_id for each in await self.store.tenants.all()}:
            raise no_such_tenant()
        role, reaches = self._role_of(by, values, tenant_id)
        subject = await self.changes.add(tenant_id, values["email"], values.get("name", ""))
        given = await self.changes.give(subject, role, by.by, reaches_gateway=reaches)
        url = await self.changes.invite(subject, by.by, given)
        return Done(f"{subject.email} is invited as {role.title}", _row(Person(subject, given)), shown_once=url)

    async def invite(self, by: Administrator, key: str, _values: Mapping[str, str]) -> Done:
        person = await self._theirs(by, key)
        # What was let is an invite for who they were, and not for who they have become meanwhile.
        if person.role is None:
            raise no_role(person.subject)
        url = await self.changes.invite(person.subject, by.by, person.role)
        return Done(f"{person.subject.email} has a new invite, good for an hour", _row(person), shown_once=url)

    async def role(self, by: Administrator, key: str, values: Mapping[str, str]) -> Done:
        person = await self._theirs(by, key)
        role, reaches = self._role_of(by, values, person.subject.tenant_id)
        given = await self.changes.give(person.subject, role, by.by, reaches_gateway=reaches)
        said = f"{person.subject.email} is {role.title}"
        if await self.changes.needs_invite(person.subject):
            said += "; no passkey of theirs opens the console with it, so invite them"
        return Done(said, _row(Person(person.subject, given)))

    async def revoke(self, by: Administrator, key: str, _values: Mapping[str, str]) -> Done:
        person = await self._theirs(by, key)
        if not await self.changes.take(person.subject, by.by):
            raise AdminRefused(409, "no_role", f"{person.subject.email} has no role", "nothing was changed")
        return Done(f"{person.subject.email} administers nothing any more", _row(Person(person.subject, None)))

    async def remove_passkey(self, by: Administrator, key: str, values: Mapping[str, str]) -> Done:
        person = await self._theirs(by, key)
        if not await self.changes.remove_passkey(person.subject, values["passkey"]):
            raise not_found("they have no passkey of that id", "their page lists those that they have")
        return Done("the passkey is removed, and what it opened is closed", _row(person))

    async def end_everything(self, by: Administrator, key: str, _values: Mapping[str, str]) -> Done:
        person = await self._theirs(by, key)
        return Done(str(await self.changes.end_everything(person.subject, by.by)), _row(person))

    async def disable(self, by: Administrator, key: str, _values: Mapping[str, str]) -> Done:
        person = await self._theirs(by, key)
        ended = await self.changes.disable(person.subject, by.by)
        return Done(f"{person.subject.email} is disabled; {ended}", await self.one(by, key) or {})

    async def enable(self, by: Administrator, key: str, _values: Mapping[str, str]) -> Done:
        person = await self._theirs(by, key)
        await self.changes.enable(person.subject)
        return Done(f"{person.subject.email} can sign in again", await self.one(by, key) or {})

    def _role_of(self, by: Administrator, values: Mapping[str, str], tenant_id: str) -> tuple[Role, bool]:
        """Return what is to be given: never more, nor further, than the giver has. Raises AdminRefused."""
        role, reaches = Role.named(values["role"]), "reaches_gateway" in values
        by.must_be(role, f"to make somebody {role.title}")
        if (reaches or tenant_id == DEFAULT_TENANT) and not by.reaches_gateway:
            raise forbidden("a role over every tenant is the operator's to give", "leave that out")
        return role, reaches

    async def _theirs(self, by: Administrator, key: str) -> Person:
        """Return the person, whom `by` may change. Raises AdminRefused."""
        person = await self._person(by, key)
        if person is None:
            raise not_found(f"people: there is no {key[:80]!r}", "`ascend user list` shows all")
        must_outrank(by, person.role)
        return person

    async def _place_of(self, administrator: Administrator, cursor: str | None) -> Place | None:
        """Return where a page ended. A cursor names the last one by their id: addresses are kept by proxies, and e-mail is not theirs."""
        if cursor is None:
            return None
        last = await self._person(administrator, cursor)
        if last is None:
            raise invalid("cursor: give the next_cursor of the page before, as it came")
        return last.subject.tenant_id, last.subject.email, last.subject.subject_id

    async def _person(self, administrator: Administrator, key: str) -> Person | None:
        tenant_id, _, subject_id = key.partition(":")
        return await self.people.find(tenant_id, subject_id) if administrator.reach(None) in (None, tenant_id) else None


def _key_of(person: Person) -> str:
    return f"{person.subject.tenant_id}:{person.subject.subject_id}"


def _row(person: Person) -> Row:
    subject, role = person.subject, person.role
    return {
        "id": _key_of(person),
        "email": subject.email,
        "name": subject.display_name,
        "tenant": subject.tenant_id,
        "role": role.role.title if role else "",
        "reach": ("gateway" if role.reaches_gateway else "tenant") if role else "",
        "state": "disabled" if subject.disabled else "active",
    }


def _us(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1_000_000)
