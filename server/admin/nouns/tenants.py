"""Tenants: their URL, their settings, and the line that connects a client."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from oauth.administration.roles import Role
from oauth.scopes import CONNECT, parse, render
from oauth.tenants import Tenant
from server.admin.administrators import Administrator
from server.admin.lists.cursors import page_of
from server.admin.nouns.tenant_changes import add_tenant, begin_removal, change_tenant, found_tenant, no_tenant, said_of, version_of
from server.admin.refusals import AdminRefused
from server.admin.resource import VERSION, Change, Column, Done, Field, ListQuery, Resource, Row, Rows
from server.client_snippets import claude_mcp_add
from server.config_versions.sections.plans import Plans
from server.storage.audit.reading import SqlAuditTrail
from server.storage.oauth.tenants import SqlTenantStore
from server.storage.tenant_removal.removal import TenantRemoval

SIGN_IN = ("password", "passkey", "federation")
YES_NO = ("yes", "no")
NO_PLAN = "none"


@dataclass(frozen=True, slots=True)
class TenantNoun:
    store: SqlTenantStore
    removal: TenantRemoval
    trail: SqlAuditTrail
    mcp_url: Callable[[str], str]
    plans: Callable[[], Plans]

    def resource(self) -> Resource:
        title = Field(name="title", title="Title", is_required=False, max_chars=200, hint="What pages call it.")
        return Resource(
            name="tenants",
            title="Tenants",
            about="Each has its own URL, people, accounts and catalogue.",
            columns=(
                Column(name="id", title="Tenant", link="tenants"),
                Column(name="title", title="Title"),
                Column(name="url", title="URL"),
                Column(name="state", title="State", kind="state"),
            ),
            facts=(
                Column(name="client_line", title="Connect a client"),
                Column(name="sign_in", title="Sign-in"),
                Column(name="baseline", title="First scopes"),
                Column(name="confirm_destructive", title="Destructive operations ask first"),
                Column(name="static_tokens_until", title="Static tokens until"),
                Column(name="plan", title="Plan"),
                Column(name="calls_per_hour", title="Calls an hour and person"),
                Column(name="version", title="Version"),
            ),
            rows=self.rows,
            is_read_whole=True,
            one=self.one,
            changes=(
                Change(
                    "add",
                    "Add a tenant",
                    self.add,
                    (
                        Field(name="id", title="Name", max_chars=63, hint="Lower-case letters, digits, hyphens; it stands in its URL."),
                        title,
                    ),
                    is_of_list=True,
                    is_of_gateway=True,
                ),
                Change(
                    "change",
                    "Change",
                    self.change,
                    (
                        title,
                        Field(name="sign_in", title="Sign-in", is_required=False, hint=f"Of {', '.join(SIGN_IN)}, with spaces."),
                        Field(name="baseline", title="First scopes", is_required=False, hint="As mcp mcp:read."),
                        Field(name="confirm_destructive", title="Destructive operations ask first", choices=YES_NO, is_required=False),
                        Field(name="static_tokens_until", title="Static tokens until", is_required=False, hint="A day, or never."),
                        Field(name="plan", title="Plan", is_required=False, hint="Of the configuration's [plans], or none."),
                        VERSION,
                    ),
                    method="PATCH",
                ),
                Change(
                    "suspend",
                    "Suspend",
                    self.suspend,
                    is_of_gateway=True,
                    needs_step_up=True,
                    confirm="Refuse everybody of this tenant from now on?",
                    in_states=("active",),
                ),
                Change("resume", "Resume", self.resume, is_of_gateway=True, in_states=("suspended",)),
                Change("count", "Count what it owns", self.count, is_of_gateway=True),
                Change(
                    "remove",
                    "Remove",
                    self.remove,
                    least=Role.OWNER,
                    is_of_gateway=True,
                    needs_step_up=True,
                    method="DELETE",
                    confirm="Remove this tenant with everything it owns: people, accounts, keys, operations, facts, runs, records? "
                    "Nothing but a backup brings it back.",
                    in_states=("active", "suspended"),
                ),
            ),
        )

    async def rows(self, _administrator: Administrator, query: ListQuery) -> Rows:
        found = [each for each in await self.store.all() if query.tenant_id in (None, each.tenant_id)]
        return page_of([self._row(each) for each in found], query, "id")

    async def one(self, administrator: Administrator, key: str) -> Row | None:
        found = await self._found(administrator, key)
        return None if found is None else self._row(found)

    async def add(self, _administrator: Administrator, _key: str, values: Mapping[str, str]) -> Done:
        added = await add_tenant(self.store, self.removal, values["id"], values.get("title", ""))
        return Done(f"tenant {added.tenant_id} is at {self.mcp_url(added.tenant_id)}", self._row(added))

    async def change(self, administrator: Administrator, key: str, values: Mapping[str, str]) -> Done:
        found = await self._found(administrator, key)
        if found is None:
            raise no_tenant(key)
        # A form sends all there is; what it leaves as it was is no change, and nothing of it is written.
        changes = {name: value for name, value in changes_of(values, self.plans()).items() if value != getattr(found, name)}
        if changes.keys() & {"static_tokens_until", "sign_in"}:
            administrator.must_reach_gateway("how people and programs of a tenant get in")
        if "plan" in changes:
            administrator.must_reach_gateway("how often people of a tenant may call")
        return await self._changed(administrator, key, changes, values.get("version", ""))

    async def suspend(self, administrator: Administrator, key: str, _values: Mapping[str, str]) -> Done:
        if key == administrator.tenant_id:
            hint = f"`ascend tenant set {key} --suspend` does it on the machine, where it can be undone"
            raise AdminRefused(409, "own_tenant", "this would shut you out, too", hint)
        return await self._changed(administrator, key, {"suspended": True})

    async def resume(self, administrator: Administrator, key: str, _values: Mapping[str, str]) -> Done:
        return await self._changed(administrator, key, {"suspended": False})

    async def count(self, administrator: Administrator, key: str, _values: Mapping[str, str]) -> Done:
        """Say what a removal would take, and remove nothing."""
        found = await self._found(administrator, key)
        if found is None:
            raise no_tenant(key)
        await self.trail.note()
        return Done(said_of(key, await self.removal.counts(key)), self._row(found))

    async def remove(self, administrator: Administrator, key: str, _values: Mapping[str, str]) -> Done:
        """Shut everybody out now; what it owns goes beside the requests (server/housekeeping.py)."""
        if key == administrator.tenant_id:
            raise AdminRefused(409, "own_tenant", "this would remove you, too", f"`ascend tenant remove {key}` does it on the machine")
        leaving = await begin_removal(self.store, self.removal, key)
        return Done(f"nobody gets into {key} any more; what it owns is being removed, and then the tenant", self._row(leaving))

    async def _changed(self, administrator: Administrator, key: str, changes: Mapping[str, Any], version: str = "") -> Done:
        if await self._found(administrator, key) is None:
            raise no_tenant(key)
        changed = await change_tenant(self.store, key, changes, version)
        return Done(f"tenant {key} is changed", self._row(changed))

    async def _found(self, administrator: Administrator, key: str) -> Tenant | None:
        reach = administrator.reach(None)
        return await found_tenant(self.store, key) if reach in (None, key) else None

    def _row(self, tenant: Tenant) -> Row:
        url = self.mcp_url(tenant.tenant_id)
        return {
            "id": tenant.tenant_id,
            "title": tenant.title,
            "url": url,
            "state": "leaving" if tenant.leaving else "suspended" if tenant.suspended else "active",
            "client_line": claude_mcp_add(url),
            "sign_in": render(tenant.sign_in),
            "baseline": " ".join(tenant.baseline_scopes),
            "confirm_destructive": "yes" if tenant.confirm_destructive else "no",
            "static_tokens_until": tenant.static_tokens_until or "never",
            "plan": tenant.plan or NO_PLAN,
            "calls_per_hour": self.plans().hourly(tenant.plan),
            "version": version_of(tenant),
        }


def changes_of(values: Mapping[str, str], plans: Plans) -> dict[str, Any]:
    """Return the members of a tenant that these settings, as people write them, change. Raises AdminRefused."""
    changes: dict[str, Any] = {}
    if title := values.get("title"):
        changes["title"] = title
    if said := values.get("sign_in"):
        changes["sign_in"] = frozenset(_words("sign_in", said, SIGN_IN))
    if said := values.get("baseline"):
        changes["baseline_scopes"] = baseline_of(said)
    if said := values.get("confirm_destructive"):
        changes["confirm_destructive"] = said == "yes"
    if said := values.get("static_tokens_until"):
        changes["static_tokens_until"] = end_date(said)
    if said := values.get("plan"):
        changes["plan"] = plan_of(said, plans)
    if not changes:
        raise AdminRefused(422, "invalid_fields", "nothing to change", "name a setting")
    return changes


def baseline_of(text: str) -> tuple[str, ...]:
    """Return the scopes of a first challenge, which must let a client connect. Raises AdminRefused."""
    scopes = parse(text)
    if CONNECT not in scopes:
        raise AdminRefused(422, "invalid_fields", f"baseline: a client cannot connect without {CONNECT!r}", "put it in front")
    return scopes


def end_date(text: str) -> str | None:
    """Return the ISO date, or None for `never`. Raises AdminRefused."""
    if text == "never":
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise AdminRefused(422, "invalid_fields", f"static_tokens_until: {text!r} is not a date", "use YYYY-MM-DD, or never") from error


def plan_of(text: str, plans: Plans) -> str:
    """Return the name of a plan that there is, "" for `none`. Raises AdminRefused."""
    if text != NO_PLAN and text not in plans.in_force:
        there_are = ", ".join([*plans.in_force, NO_PLAN])
        raise AdminRefused(
            422, "invalid_fields", f"plan: there is no {text[:64]!r}", f"there are {there_are}; `[plans]` of the configuration adds others"
        )
    return "" if text == NO_PLAN else text


def _words(name: str, said: str, choices: tuple[str, ...]) -> list[str]:
    words = said.replace(",", " ").split()
    if unknown := [word for word in words if word not in choices]:
        raise AdminRefused(422, "invalid_fields", f"{name}: there is no {unknown[0][:40]!r}", f"give of {', '.join(choices)}")
    return words
