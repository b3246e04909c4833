"""What services and trust policies have in common: how they are added and ended, how far they reach, and what is refused."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar

from oauth.administration.errors import MachineRefused, TooManyMachines
from oauth.administration.roles import Role
from oauth.errors import AlreadyTaken
from oauth.services.machine import Machine
from oauth.tenants import DEFAULT_TENANT
from server.admin.administrators import Administrator
from server.admin.refusals import AdminRefused, no_such_tenant
from server.admin.resource import Apply, Change, Field
from server.storage.oauth.tenants import SqlTenantStore

ROLES = tuple(role.title for role in Role)
GATEWAY = "gateway"
#: what a form asks of every machine
COMMON_FIELDS = (
    Field(name="name", title="Name", max_chars=63, hint="Lower-case letters, digits, hyphens."),
    Field(name="role", title="Role", choices=ROLES),
    Field(name="tenant", title="Tenant", is_required=False, max_chars=63, hint=f"Else your own; {GATEWAY}: over every tenant."),
)
M_co = TypeVar("M_co", bound=Machine, covariant=True)


class _Store(Protocol[M_co]):
    async def of(self, machine_id: str) -> M_co | None: ...


def changes(add: Apply, add_title: str, fields: Sequence[Field], end: Apply, confirm: str) -> tuple[Change, ...]:
    """Return what an owner may do to machines, the passkey once more before each."""
    return (
        Change("add", add_title, add, (*COMMON_FIELDS, *fields), is_of_list=True, least=Role.OWNER, needs_step_up=True),
        Change("end", "End", end, method="DELETE", least=Role.OWNER, needs_step_up=True, confirm=confirm),
    )


async def within_reach(store: _Store[M_co], administrator: Administrator, machine_id: str) -> M_co | None:
    """Return a machine that an administrator reaches; None: there is none, or it is of others."""
    found, reach = await store.of(machine_id), administrator.reach(None)
    return found if found is not None and reach in (None, found.tenant_id) else None


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


@contextmanager
def refused_as_fields() -> Iterator[None]:
    """Make a fault of the form of what cannot be said of a machine. Raises AdminRefused."""
    try:
        yield
    except MachineRefused as error:
        raise AdminRefused(422, "invalid_fields", str(error), "nothing was changed") from error


@contextmanager
def refused_by_store(kind: str, tenant_id: str, name: str) -> Iterator[None]:
    """Make a refusal of what the store does not keep: a name that is taken, or one too many. Raises AdminRefused."""
    try:
        yield
    except AlreadyTaken as error:
        said = f"tenant {tenant_id!r} has a {kind} {name!r} already"
        raise AdminRefused(409, "exists", said, "end it first, or take another name") from error
    except TooManyMachines as error:
        raise AdminRefused(409, "too_many", str(error), "end one that nobody needs") from error
