"""Clients: the software that may ask for tokens, and its end."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from oauth.clients.client import Client, ClientKind
from oauth.scopes import render
from oauth.services.stores import ServiceStore
from oauth.tokens.revocation import Revocation
from server.admin.administrators import Administrator
from server.admin.lists.cursors import cursor_after, number_and_text_of
from server.admin.refusals import AdminRefused, not_found
from server.admin.resource import Change, Column, Done, Field, Filter, ListQuery, Resource, Row, Rows
from server.storage.oauth.clients import SqlClientStore
from server.storage.oauth.grants import SqlGrantStore


@dataclass(frozen=True, slots=True)
class Clients:
    """Who administers one tenant sees its own clients; those that registered themselves are every tenant's, so the gateway's."""

    store: SqlClientStore
    grants: SqlGrantStore
    revocation: Revocation
    services: ServiceStore

    def resource(self) -> Resource:
        return Resource(
            name="clients",
            title="Clients",
            about="The software that may ask for tokens.",
            columns=(
                Column(name="id", title="Client", link="clients"),
                Column(name="name", title="Name"),
                Column(name="kind", title="Kind", kind="state"),
                Column(name="tenant", title="Tenant", link="tenants"),
                Column(name="last_used", title="Last used", kind="time"),
                Column(name="state", title="State", kind="state"),
            ),
            facts=(
                Column(name="application_type", title="Application"),
                Column(name="authentication", title="Proves itself by"),
                Column(name="grant_types", title="Grant types"),
                Column(name="redirect_uris", title="Answers go to"),
                Column(name="service_scopes", title="Own scopes"),
                Column(name="registered_from", title="Registered from"),
                Column(name="created", title="Created", kind="time"),
                Column(name="expires", title="Expires", kind="time"),
                Column(name="standing_grants", title="Standing grants", kind="number"),
            ),
            rows=self.rows,
            one=self.one,
            filters=(Filter(name="kind", title="Kind", choices=get_args(ClientKind)),),
            changes=(
                Change(
                    "revoke",
                    "Revoke",
                    self.revoke,
                    (Field(name="forget", title="Forget it, so that it may register again", is_flag=True, is_required=False),),
                    needs_step_up=True,
                    confirm="Refuse this client and end everything that people allowed it?",
                ),
            ),
            when_empty="No clients yet; they register themselves, or `ascend client add` adds one.",
        )

    async def rows(self, _administrator: Administrator, query: ListQuery) -> Rows:
        found = await self.store.page(
            tenant_id=query.tenant_id, kind=query.filters.get("kind"), before=number_and_text_of(query.cursor), limit=query.limit + 1
        )
        shown, now = found[: query.limit], time.time()
        more = len(found) > query.limit
        return Rows(
            [client_row(client, now) for client in shown],
            cursor_after(_us(shown[-1].created_at) or 0, shown[-1].client_id) if more else None,
        )

    async def one(self, administrator: Administrator, key: str) -> Row | None:
        client = await self._found(administrator, key)
        if client is None:
            return None
        return {
            **client_row(client, time.time()),
            "application_type": client.application_type,
            "authentication": client.auth_method,
            "grant_types": " ".join(sorted(client.grant_types)),
            "redirect_uris": " ".join(client.redirect_uris),
            "service_scopes": render(client.service_scopes),
            "registered_from": client.registered_from,
            "created": _us(client.created_at),
            "expires": _us(client.expires_at),
            "standing_grants": len(await self.grants.grants_of_client(key)),
        }

    async def revoke(self, administrator: Administrator, key: str, values: Mapping[str, str]) -> Done:
        client = await self._found(administrator, key)
        if client is None:
            raise not_found(f"no client {key[:80]!r}", "`ascend client list` shows all")
        if (service := await self.services.of(key)) is not None:
            # Services are an owner's to end, and what would stay of this one is a machine without its client.
            hint = f"end the service: DELETE /admin/api/services/{key}, or `ascend service end {service.name}`"
            raise AdminRefused(409, "is_service", f"this client is how {service.by} proves itself", hint)
        ended, forget = await revoke_client(self.revocation, client, forget="forget" in values), "forget" in values
        row = {} if forget else await self.one(administrator, key)
        return Done(f"client {key} is {'forgotten' if forget else 'refused'}; {ended} grants ended", row or {})

    async def _found(self, administrator: Administrator, key: str) -> Client | None:
        client, reach = await self.store.find(key), administrator.reach(None)
        return client if client is not None and reach in (None, client.tenant_id) else None


async def revoke_client(revocation: Revocation, client: Client, *, forget: bool) -> int:
    """Refuse a client from now on, or forget it; return how many grants ended with it."""
    ended = await revocation.refuse_client(client, "revoked_by_operator")
    if forget:
        await revocation.remove_client(client.client_id)
    return ended


def client_row(client: Client, now: float) -> Row:
    """Return a client as lists show it."""
    return {
        "id": client.client_id,
        "name": client.name,
        "kind": client.kind,
        "tenant": client.tenant_id,
        "last_used": _us(client.last_used_at),
        "state": "revoked" if client.disabled else "active" if client.is_usable(now) else "expired",
    }


def _us(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1_000_000)
