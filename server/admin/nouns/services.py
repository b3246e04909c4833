"""Services: machines that administer with a key of their own. They have no secret, and each ends by itself."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from oauth.administration.errors import MachineRefused, TooManyMachines
from oauth.administration.roles import Role
from oauth.errors import AlreadyTaken
from oauth.services.service_principal import DEFAULT_DAYS, MAX_DAYS, ServicePrincipal, new_service, public_keys_of
from oauth.services.stores import ServiceStore
from oauth.tenants import DEFAULT_TENANT
from oauth.tokens.revocation import Revocation
from server.admin.administrators import Administrator
from server.admin.cursors import page_of
from server.admin.refusals import AdminRefused, no_such_tenant, not_found
from server.admin.resource import Change, Column, Done, Field, ListQuery, Resource, Row, Rows
from server.storage.oauth.clients import SqlClientStore
from server.storage.oauth.tenants import SqlTenantStore

ROLES = tuple(role.title for role in Role)
GATEWAY = "gateway"
MAX_KEY_CHARS = 20_000
END_IT = "end it first, or take another name"


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
            one=self.one,
            changes=(
                Change("add", "Add a service", self.add, _fields(), is_of_list=True, least=Role.OWNER, needs_step_up=True),
                Change(
                    "end",
                    "End",
                    self.end,
                    method="DELETE",
                    least=Role.OWNER,
                    needs_step_up=True,
                    confirm="End this service and its tokens now?",
                ),
            ),
            when_empty="No services yet; `ascend service add NAME --key FILE` adds one.",
        )

    async def rows(self, _administrator: Administrator, query: ListQuery) -> Rows:
        page = page_of([{"id": each.machine_id, "of": each} for each in await self.store.all(query.tenant_id)], query, "id")
        return Rows([await service_row(self.clients, row["of"]) for row in page.items], page.next_cursor)

    async def one(self, administrator: Administrator, key: str) -> Row | None:
        found = await self._found(administrator, key)
        return None if found is None else await service_row(self.clients, found)

    async def add(self, administrator: Administrator, _key: str, values: Mapping[str, str]) -> Done:
        tenant_id, reaches_gateway = await whose(administrator, values, self.tenants)
        try:
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
        except MachineRefused as error:
            raise AdminRefused(422, "invalid_fields", str(error), "nothing was changed") from error
        return Done(f"{service.by} proves itself as client_id {service.machine_id}", await service_row(self.clients, service))

    async def end(self, administrator: Administrator, key: str, _values: Mapping[str, str]) -> Done:
        found = await self._found(administrator, key)
        if found is None:
            raise not_found(f"no service {key[:80]!r}", "`ascend service list` shows all")
        await end_service(self.store, self.revocation, found.tenant_id, found.name)
        return Done(f"{found.by} has ended, and its tokens with it")

    async def _found(self, administrator: Administrator, key: str) -> ServicePrincipal | None:
        found, reach = await self.store.of(key), administrator.reach(None)
        return found if found is not None and reach in (None, found.tenant_id) else None


def _fields() -> tuple[Field, ...]:
    return (
        Field(name="name", title="Name", max_chars=63, hint="Lower-case letters, digits, hyphens."),
        Field(name="role", title="Role", choices=ROLES),
        Field(name="tenant", title="Tenant", is_required=False, max_chars=63, hint=f"Else your own; {GATEWAY}: over every tenant."),
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


async def whose(administrator: Administrator, values: Mapping[str, str], tenants: SqlTenantStore) -> tuple[str, bool]:
    """Return the tenant of a new machine, and whether it reaches every tenant: as far as its maker, and no further. Raises AdminRefused."""
    if values.get("tenant") == GATEWAY:
        administrator.must_reach_gateway("a machine that reaches every tenant")
        return DEFAULT_TENANT, True
    tenant_id = administrator.reach(values.get("tenant") or administrator.tenant_id)
    # Else a machine would wait for the tenant that somebody gives this name one day.
    if tenant_id is None or tenant_id not in {each.tenant_id for each in await tenants.all()}:
        raise no_such_tenant()
    return tenant_id, False


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
    try:
        await store.add(service, client)
    except AlreadyTaken as error:
        raise AdminRefused(409, "exists", f"tenant {tenant_id!r} has a service {name!r} already", END_IT) from error
    except TooManyMachines as error:
        raise too_many(error) from error
    return service


def too_many(error: TooManyMachines) -> AdminRefused:
    return AdminRefused(409, "too_many", str(error), "end one that nobody needs")


async def end_service(store: ServiceStore, revocation: Revocation, tenant_id: str, name: str) -> ServicePrincipal:
    """Forget a service principal, its client and its tokens. Raises AdminRefused."""
    # The row first: a token that is asked for meanwhile finds nobody.
    found = await store.remove(tenant_id, name)
    if found is None:
        raise not_found(f"no service {name[:80]!r} in tenant {tenant_id!r}", "`ascend service list` shows all")
    await revocation.remove_client(found.machine_id)
    return found


async def service_row(clients: SqlClientStore, service: ServicePrincipal) -> Row:
    """Return a service principal as lists show it."""
    client = await clients.find(service.machine_id)
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
