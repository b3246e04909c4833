"""Where a webhook's address is: as with `/mcp`, the default tenant's is without its name."""

from oauth.tenants import DEFAULT_TENANT

PREFIX = "/hooks"


def hook_url(base_url: str, tenant_id: str, source: str) -> str:
    """Return the URL that a sender is given."""
    whose = "" if tenant_id == DEFAULT_TENANT else f"/{tenant_id}"
    return f"{base_url}{PREFIX}{whose}/{source}"
