"""Cloudflare's named gateways, made and ended one by one: each is an entry of the configuration, and each change a version of it."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from tools.ai_gateway.configuration.changes import ConfigChanges, NoSuchThing, ThingExists
from tools.ai_gateway.configuration.config import GatewayResource
from tools.ai_gateway.configuration.gateway_names import name_of
from tools.ai_gateway.configuration.versions import ConfigAct
from tools.operation import Json
from tools.versioned_documents.faults import ConfigFault, ConfigInvalid, meant, shortened

#: what administrators call the calls that name no gateway
DEFAULT_GATEWAY: Final = "default"


def gateway_json(gateway: GatewayResource) -> dict[str, Json]:
    """Return a gateway as the API shows and takes it."""
    return {"id": gateway.id, "tenant": gateway.tenant_id, "requests_per_min": gateway.requests_per_min}


def gateways_of(document: Mapping[str, Json]) -> list[GatewayResource]:
    """Return the gateways of a checked document, by id and tenant."""
    entries = sorted((name_of(key), entry["tenant"], entry.get("requests_per_min")) for key, entry in document.get("gateways", {}).items())
    return [GatewayResource(*entry) for entry in entries]


async def create_gateway(changes: ConfigChanges, asked: Json, tenants: Collection[str], by: str, subject: str = "") -> dict[str, Json]:
    """Make a gateway of `{id, tenant, requests_per_min?}` and return it.

    tenants: those whose it may be. subject: the administrator who makes it, for the audit. A name is a tenant's own: whoever else has
    the same, nobody learns of it. Raises ConfigInvalid, ThingExists.
    """
    given: Mapping[str, Any] = asked if isinstance(asked, Mapping) else {}
    name, tenant = given.get("id"), given.get("tenant")
    faults = []
    if not isinstance(name, str) or not name:
        faults.append(ConfigFault("id", "is missing; it is what URLs call the gateway"))
    elif "/" in name:
        faults.append(ConfigFault("id", "is no name: `/` ends it in URLs"))
    if not isinstance(tenant, str) or tenant not in tenants:
        hint = meant(tenant, tenants) if isinstance(tenant, str) else ""
        faults.append(ConfigFault("tenant", f"must be the name of a tenant{hint}"))
    if faults or not isinstance(name, str):
        raise ConfigInvalid(faults)
    entry = {member: value for member, value in given.items() if member != "id" and value is not None}

    def add(document: dict[str, Json]) -> ConfigAct:
        gateways = document.setdefault("gateways", {})
        if _key_of(gateways, entry["tenant"], name) is not None:
            raise ThingExists(f"gateway {shortened(name)!r} exists already")
        gateways[f"{entry['tenant']}/{name}" if name in gateways else name] = entry
        return ConfigAct("ai_gateway_created", entry["tenant"], subject, name)

    await changes.edit(add, by)
    return gateway_json(GatewayResource(name, entry["tenant"], entry.get("requests_per_min")))


async def delete_gateway(changes: ConfigChanges, name: str, tenant_id: str, by: str, subject: str = "") -> None:
    """End a gateway of a tenant; its log stays. Raises NoSuchThing."""

    def remove(document: dict[str, Json]) -> ConfigAct:
        gateways = document.get("gateways", {})
        key = _key_of(gateways, tenant_id, name)
        if key is None:
            known = [name_of(each) for each, entry in gateways.items() if entry["tenant"] == tenant_id]
            raise NoSuchThing(f"no gateway {shortened(name)!r}{meant(name, known)}")
        del gateways[key]
        return ConfigAct("ai_gateway_removed", tenant_id, subject, name)

    await changes.edit(remove, by)


def _key_of(gateways: Mapping[str, Json], tenant_id: str, name: str) -> str | None:
    return next((key for key, entry in gateways.items() if entry["tenant"] == tenant_id and name_of(key) == name), None)
