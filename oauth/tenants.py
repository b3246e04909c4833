"""A tenant: the isolation boundary of rows, secrets, limits and catalogues."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

import anyio

from oauth.scopes import BASELINE

DEFAULT_TENANT = "default"
#: what pages and metadata call that tenant until an operator gives it a title: its name would tell people nothing
DEFAULT_TITLE = "Ascend Gateway"
#: Also a path segment of `/mcp/{tenant}`, so the names of pages under `/mcp` are not free.
RESERVED = frozenset({"server-card", "mcp", "admin", "shared"})
#: What says "every tenant" where a tenant is named. Tenants of that name from before stay, and open as ever.
NOT_FREE = RESERVED | {"gateway"}
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Tenant:
    """`tenant_id` is the name in its URL and never changes. `sign_in` lists what its people may sign in with."""

    tenant_id: str
    title: str
    #: what the first challenge asks for
    baseline_scopes: tuple[str, ...] = BASELINE
    sign_in: frozenset[str] = frozenset({"password", "passkey"})
    #: destructive operations ask the person before they run
    confirm_destructive: bool = True
    #: UTC date (ISO) until which static bearer tokens work; None: they do not
    static_tokens_until: str | None = None
    suspended: bool = False
    #: how often its people may come: a name of the configuration's `[plans]`; "": the one that is nobody's in particular
    plan: str = ""
    #: It is being removed, with all it owns, and nobody lets it in again; until when calls from before that may go on.
    leaving_until_us: int | None = None
    #: The store says it. A name may be somebody else's later: this tells whose something of before is.
    created_at_us: int = field(default=0, compare=False)

    @property
    def leaving(self) -> bool:
        return self.leaving_until_us is not None


class Tenants:
    """This process's snapshot of all tenants, replaced whole when the store changes."""

    def __init__(self, tenants: Iterable[Tenant] = ()) -> None:
        self._loading = anyio.Lock()
        self.replace(tenants)

    async def load(self, read: Callable[[], Awaitable[Iterable[Tenant]]]) -> None:
        """Replace by what `read` gives. Loads wait for one another: what was read earlier never replaces what was read later."""
        async with self._loading:
            self.replace(await read())

    def replace(self, tenants: Iterable[Tenant]) -> None:
        self._by_id = {tenant.tenant_id: tenant for tenant in tenants}
        #: tenant id -> tenant; a suspended one is missing, as an unknown one is: both look alike from outside
        self.live: Mapping[str, Tenant] = {name: tenant for name, tenant in self._by_id.items() if not tenant.suspended}

    def get(self, tenant_id: str) -> Tenant | None:
        """Return the tenant, or None where it is unknown or suspended."""
        return self.live.get(tenant_id)

    def all(self) -> tuple[Tenant, ...]:
        return tuple(self._by_id.values())


def is_valid_name(name: str) -> bool:
    """Say whether `name` can be a tenant: lower-case letters, digits and inner hyphens, 63 at most, not reserved."""
    return _NAME.fullmatch(name) is not None and name not in RESERVED


def is_free_name(name: str) -> bool:
    """Say whether a new tenant can have `name`: a valid one that means nothing else."""
    return is_valid_name(name) and name not in NOT_FREE
