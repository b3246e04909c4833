"""Which tenant's resource a `resource` parameter means (RFC 8707)."""

import re
from collections.abc import Callable, Sequence

from oauth.errors import OAuthError
from oauth.tenants import DEFAULT_TENANT, Tenant, Tenants

#: names of this machine, under which one port is one place
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")

# RFC 8707 §2: an absolute URI without a fragment; no query and no user information either, which no resource here has.
_PARTS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#@\\\s]+)([^?#\s]*)")
_DEFAULT_PORT_BY_SCHEME = {"https": ":443", "http": ":80"}


class Resources:
    """The protected resources of this gateway: one MCP URL for each tenant."""

    def __init__(self, tenants: Tenants, mcp_url: Callable[[str], str], base_url: str) -> None:
        self._tenants = tenants
        self._mcp_url = mcp_url
        self._base_url = base_url
        self._spellings = spellings(base_url)

    def of(self, tenant_id: str) -> str:
        """Return the canonical resource of a tenant."""
        return self._mcp_url(tenant_id)

    def resolve(self, values: Sequence[str]) -> Tenant:
        """Return the tenant that every value names; no value means the default tenant. Raises OAuthError (invalid_target).

        A resource is compared with lower-case scheme and host, without the default port and one trailing slash; its path is not
        touched, so nothing that merely resembles a resource is one. On loopback `localhost`, `127.0.0.1` and `[::1]` are one place.
        Clients that send only the origin mean the default tenant, as long as it is the only one here.
        """
        # RFC 8707 §2.2: one token, one audience. Two resources in a request would need a token good at both (RFC 9700 §2.3).
        tenant_ids = {self._tenant_id(value) for value in values} or {DEFAULT_TENANT}
        tenant = self._tenants.get(tenant_ids.pop() or "") if len(tenant_ids) == 1 else None
        if tenant is None:
            raise OAuthError(
                "invalid_target", "resource is not an MCP URL of this gateway; send the one from its protected resource metadata"
            )
        return tenant

    def _tenant_id(self, value: str) -> str | None:
        wanted = _canonical(value)
        if wanted is None:
            return None
        for spelling in self._spellings:
            if wanted == spelling or wanted.startswith(f"{spelling}/"):
                wanted = self._base_url + wanted.removeprefix(spelling)
        # Only while there is one tenant: with two, the origin could mean either, and a guess would be a wider token.
        if wanted == self._base_url and len(self._tenants.all()) == 1:
            return DEFAULT_TENANT
        prefix = f"{self._base_url}/mcp"
        # RFC 3986 §6.2.2.1: scheme and host were folded to lower case; the path is case-sensitive and compared as it is.
        if not wanted.startswith(prefix):
            return None
        tenant_id = wanted.removeprefix(prefix).removeprefix("/") or DEFAULT_TENANT
        # Built again from the id and compared whole, so that `/mcpx`, `/mcp//a` and the like are nothing.
        return tenant_id if wanted == self._mcp_url(tenant_id) else None


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
