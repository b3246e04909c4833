"""Which resource a `resource` parameter means, and whose it is (RFC 8707)."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from oauth.errors import OAuthError
from oauth.tenants import DEFAULT_TENANT, Tenant, Tenants

#: names of this machine, under which one port is one place
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")

# RFC 8707 §2: an absolute URI without a fragment; no query and no user information either, which no resource here has.
_PARTS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#@\\\s]+)([^?#\s]*)")
_DEFAULT_PORT_BY_SCHEME = {"https": ":443", "http": ":80"}


#: where tools are called, where models are called, where the gateway is administered: a token for one opens no other (RFC 9700 §2.3)
ResourceKind = Literal["mcp", "models", "admin"]
#: the administration is not among them: its tokens are minted on the machine that owns the data, and no application can ask for one
_PATHS: dict[str, ResourceKind] = {"/v1": "models", "/mcp": "mcp"}


@dataclass(frozen=True, slots=True)
class ProtectedResource:
    """One resource of one tenant; `url` is how it is written."""

    tenant: Tenant
    kind: ResourceKind
    url: str


class Resources:
    """The protected resources of this gateway: for each tenant its MCP URL, its models, its administration."""

    def __init__(self, tenants: Tenants, mcp_url: Callable[[str], str], base_url: str) -> None:
        self._tenants = tenants
        self._mcp_url = mcp_url
        self._base_url = base_url
        self._spellings = spellings(base_url)

    def of(self, tenant_id: str, kind: ResourceKind = "mcp") -> str:
        """Return the canonical resource of a tenant."""
        if kind == "mcp":
            return self._mcp_url(tenant_id)
        if kind == "admin":
            return admin_resource(self._base_url, tenant_id)
        return f"{self._base_url}/v1" if tenant_id == DEFAULT_TENANT else f"{self._base_url}/v1/{tenant_id}"

    def resolve(self, values: Sequence[str]) -> ProtectedResource:
        """Return the resource that every value names; no value means the default tenant's MCP URL. Raises OAuthError (invalid_target).

        A resource is compared with lower-case scheme and host, without the default port and one trailing slash; its path is not
        touched, so nothing that merely resembles a resource is one. On loopback `localhost`, `127.0.0.1` and `[::1]` are one place.
        Clients that send only the origin mean the default tenant, as long as it is the only one here.
        """
        # RFC 8707 §2.2: one token, one audience. Two resources in a request would need a token good at both (RFC 9700 §2.3).
        named = {self._named(value) for value in values} or {(DEFAULT_TENANT, "mcp")}
        found = named.pop() if len(named) == 1 else None
        tenant = self._tenants.get(found[0]) if found is not None else None
        if found is None or tenant is None:
            raise OAuthError(
                "invalid_target", "resource is not an MCP URL of this gateway; send the one from its protected resource metadata"
            )
        return ProtectedResource(tenant, found[1], self.of(*found))

    def _named(self, value: str) -> tuple[str, ResourceKind] | None:
        """Return tenant and kind of the resource that a value spells; whether there is such a tenant is not asked."""
        wanted = _canonical(value)
        if wanted is None:
            return None
        for spelling in self._spellings:
            if wanted == spelling or wanted.startswith(f"{spelling}/"):
                wanted = self._base_url + wanted.removeprefix(spelling)
        # Only while there is one tenant: with two, the origin could mean either, and a guess would be a wider token.
        if wanted == self._base_url and len(self._tenants.all()) == 1:
            return DEFAULT_TENANT, "mcp"
        # RFC 3986 §6.2.2.1: scheme and host were folded to lower case; the path is case-sensitive and compared as it is.
        for path, kind in _PATHS.items():
            prefix = self._base_url + path
            if wanted.startswith(prefix):
                tenant_id = wanted.removeprefix(prefix).removeprefix("/") or DEFAULT_TENANT
                # Built again from the id and compared whole, so that `/mcpx`, `/mcp//a` and the like are nothing.
                return (tenant_id, kind) if wanted == self.of(tenant_id, kind) else None
        return None


def admin_resource(origin: str, tenant_id: str) -> str:
    """Return how the administration of a tenant is named at `origin`: the gateway's, or the console's."""
    return f"{origin}/admin" if tenant_id == DEFAULT_TENANT else f"{origin}/admin/{tenant_id}"


def spellings(base_url: str) -> tuple[str, ...]:
    """Return how else the origin of a gateway on loopback may be written; a token for one of them is for all (RFC 8252 §8.3)."""
    scheme, _, authority = base_url.partition("://")
    host = next((name for name in LOOPBACK_HOSTS if authority == name or authority.startswith(f"{name}:")), None)
    if host is None:
        return ()
    return tuple(f"{scheme}://{name}{authority.removeprefix(host)}" for name in LOOPBACK_HOSTS if name != host)


def _canonical(resource: str) -> str | None:
    match = _PARTS.fullmatch(resource)
    if match is None:
        return None
    scheme, authority = match[1].lower(), match[2].lower()
    return f"{scheme}://{authority.removesuffix(_DEFAULT_PORT_BY_SCHEME.get(scheme, ':'))}{match[3].removesuffix('/')}"
