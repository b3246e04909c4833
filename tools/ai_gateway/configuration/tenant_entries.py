"""What the configuration says of one tenant, found and taken out: for tenants that leave."""

from collections.abc import Mapping
from typing import Final

from oauth.tenants import DEFAULT_TENANT
from tools.ai_gateway.configuration.versions import ConfigAct
from tools.operation import Json

#: lists whose entries say whose they are
_LISTS: Final = ("budgets", "limits")


def mentions_tenant(document: Mapping[str, Json], tenant_id: str) -> bool:
    """Say whether anything in a checked document is about the tenant alone."""
    is_of_gateways = any(entry["tenant"] == tenant_id for entry in document.get("gateways", {}).values())
    is_of_lists = any(entry.get("tenant") == tenant_id for name in _LISTS for entry in document.get(name, ()))
    return tenant_id in document.get("tenants", {}) or is_of_gateways or is_of_lists


def forget_tenant(document: dict[str, Json], tenant_id: str) -> ConfigAct:
    """Take it out, in place."""
    document.get("tenants", {}).pop(tenant_id, None)
    if "gateways" in document:
        document["gateways"] = {key: entry for key, entry in document["gateways"].items() if entry["tenant"] != tenant_id}
    for name in _LISTS:
        if name in document:
            document[name] = [entry for entry in document[name] if entry.get("tenant") != tenant_id]
    return ConfigAct(tenant_id=DEFAULT_TENANT, about=f"tenant {tenant_id} removed")
