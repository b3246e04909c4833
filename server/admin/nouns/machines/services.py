"""Services: machines that administer with a key of their own. They have no secret, and each ends by itself."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from oauth.administration.errors import MachineRefused
from oauth.administration.roles import Role
from oauth.clients.client import Client
from oauth.services.service_principal import DEFAULT_DAYS, MAX_DAYS, ServicePrincipal, new_service, public_keys_of
from oauth.services.stores import ServiceStore
from oauth.tokens.revocation import Revocation
from server.admin.administrators import Administrator
from server.admin.lists.cursors import page_of
from server.admin.nouns.machines.machine import changes, refused_as_fields, refused_by_store, whose, within_reach
from server.admin.refusals import not_found
from server.admin.resource import Column, Done, Field, ListQuery, Resource, Row, Rows
from server.storage.oauth.clients import SqlClientStore
from server.storage.oauth.tenants import SqlTenantStore

MAX_KEY_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class Services:
    store: ServiceStore
    clients: SqlClientStore
    tenants: SqlTenantStore
    revocation: Revocation

    def resource(self) -> Resource:
        return Resource(
            name="services",
            title="Services",
            about="Machines that administer: each signs with a key of its own, has no secret, and ends by itself.",
            columns=(
                Column(name="name", title="Service"),
                Column(name="tenant", title="Tenant", link="tenants"),
                Column(name="role", title="Role", kind="state"),
                Column(name="reach", title="Reach"),
                Column(name="from", title="From"),
                Column(name="last_used", title="Last used", kind="time"),
                Column(name="expires", title="Ends", kind="time"),
                Column(name="state", title="State", kind="state"),
                Column(name="id", title="Client id", link="services"),
            ),
            facts=(
                Column(name="created", title="Added", kind="time"),
                Column(name="created_by", title="By"),
                Column(name="jwks_uri", title="Keys at"),
            ),
            rows=self.rows,
            is_read_whole=True,
            one=self.one,
            changes=changes(self.add, "Add a service", _fields(), self.end, "End this service and its tokens now?"),
            when_empty="No services yet; `ascend service add NAME --key FILE` adds one.",
        )

    async def rows(self, _administrator: Administrator, query: ListQuery) -> Rows:
        page = page_of([{"id": each.machine_id, "of": each} for each in await self.store.all(query.tenant_id)], query, "id")
        return Rows(await service_rows(self.clients, [row["of"] for row in page.items]), page.next_cursor)

    async def one(self, administrator: Administrator, key: str) -> Row | None:
        found = await within_reach(self.store, administrator, key)
        return None if found is None else (await service_rows(self.clients, [found]))[0]

    async def add(self, administrator: Administrator, _key: str, values: Mapping[str, str]) -> Done:
        tenant_id, reaches_gateway = await whose(administrator, values, self.tenants)
        with refused_as_fields():
            service = await add_service(
                self.store,
                values["name"],
                tenant_id=tenant_id,
                role=Role.named(values["role"]),
                reaches_gateway=reaches_gateway,
                key=values.get("key", "").encode(),
                jwks_uri=values.get("jwks_uri", ""),
                by=administrator.by,
                days=_days(values.get("days", "")),
                cidrs=values.get("cidrs", "").split(),
            )
        return Done(f"{service.by} proves itself as client_id {service.machine_id}", (await service_rows(self.clients, [service]))[0])

    async def end(self, administrator: Administrator, key: str, _values: Mapping[str, str]) -> Done:
        found = await within_reach(self.store, administrator, key)
        if found is None:
            raise not_found(f"no service {key[:80]!r}", "`ascend service list` shows all")
        await end_service(self.store, self.revocation, found.tenant_id, found.name)
        return Done(f"{found.by} has ended, and its tokens with it")


def _fields() -> tuple[Field, ...]:
    return (
        Field(name="key", title="Public key", is_required=False, max_chars=MAX_KEY_CHARS, hint="PEM, a JWK, or a set of them."),
        Field(name="jwks_uri", title="or the address of its keys", is_required=False, max_chars=512),
        Field(name="cidrs", title="From", is_required=False, hint="Networks with spaces; else from everywhere."),
        Field(name="days", title="Days", is_required=False, max_chars=3, hint=f"1 to {MAX_DAYS}; else {DEFAULT_DAYS}."),
    )


def _days(said: str) -> int:
    """Return how long a service lasts. Raises MachineRefused."""
    if not said:
        return DEFAULT_DAYS
    if not (said.isascii() and said.isdigit()):
        raise MachineRefused(f"days: give 1 to {MAX_DAYS}")
    return int(said)


async def add_service(
    store: ServiceStore,
    name: str,
    *,
    tenant_id: str,
    role: Role,
    reaches_gateway: bool,
    key: bytes,
    jwks_uri: str,
    by: str,
    days: int,
    cidrs: Sequence[str],
) -> ServicePrincipal:
    """Add a service principal. Raises MachineRefused, AdminRefused."""
    service, client = new_service(
        name,
        tenant_id=tenant_id,
        role=role,
        reaches_gateway=reaches_gateway,
        jwks=public_keys_of(key) if key.strip() else "",
        jwks_uri=jwks_uri,
        by=by,
        days=days,
        cidrs=cidrs,
    )
    with refused_by_store("service", tenant_id, name):
        await store.add(service, client)
    return service


async def end_service(store: ServiceStore, revocation: Revocation, tenant_id: str, name: str) -> ServicePrincipal:
    """Forget a service principal, its client and its tokens. Raises AdminRefused."""
    # The row first: a token that is asked for meanwhile finds nobody.
    found = await store.remove(tenant_id, name)
    if found is None:
        raise not_found(f"no service {name[:80]!r} in tenant {tenant_id!r}", "`ascend service list` shows all")
    await revocation.remove_client(found.machine_id)
    return found


async def service_rows(clients: SqlClientStore, services: Sequence[ServicePrincipal]) -> Sequence[Row]:
    """Return service principals as lists show them."""
    found = await clients.found([each.machine_id for each in services])
    return [_row(each, found.get(each.machine_id)) for each in services]


def _row(service: ServicePrincipal, client: Client | None) -> Row:
    ended = service.expires_at <= time.time() or client is None or client.disabled
    return {
        "id": service.machine_id,
        "name": service.name,
        "tenant": service.tenant_id,
        "role": service.role.title,
        "reach": "gateway" if service.reaches_gateway else service.tenant_id,
        "from": " ".join(service.cidrs) or "everywhere",
        "last_used": None if client is None or client.last_used_at is None else round(client.last_used_at * 1_000_000),
        "expires": round(service.expires_at * 1_000_000),
        "state": "ended" if ended else "active",
        "created": round(service.created_at * 1_000_000),
        "created_by": service.created_by,
        "jwks_uri": (client.jwks_uri if client is not None else "") or None,
    }
