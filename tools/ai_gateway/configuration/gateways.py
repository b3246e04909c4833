"""Cloudflare's named gateways, made and ended one by one: each is an entry of the configuration, and each change a version of it."""

from collections.abc import Collection, Mapping
from typing import Any

from tools.ai_gateway.configuration.changes import ConfigChanges, NoSuchThing, ThingExists
from tools.ai_gateway.configuration.config import AiConfig, GatewayResource
from tools.ai_gateway.configuration.faults import ConfigFault, ConfigInvalid, meant, shortened
from tools.operation import Json


def gateway_json(gateway: GatewayResource) -> dict[str, Json]:
    """Return a gateway as the API shows and takes it."""
    return {"id": gateway.id, "tenant": gateway.tenant_id, "requests_per_min": gateway.requests_per_min}


def gateways_json(config: AiConfig) -> list[Json]:
    return [gateway_json(gateway) for gateway in config.gateways.values()]


async def create_gateway(changes: ConfigChanges, asked: Json, tenants: Collection[str], by: str) -> dict[str, Json]:
    """Make a gateway of `{id, tenant, requests_per_min?}` and return it.

    tenants: those that there are. Raises ConfigInvalid, ThingExists.
    """
    given: Mapping[str, Any] = asked if isinstance(asked, Mapping) else {}
    name, tenant = given.get("id"), given.get("tenant")
    faults = []
    if not isinstance(name, str) or not name:
        faults.append(ConfigFault("id", "is missing; it is what URLs call the gateway"))
    if not isinstance(tenant, str) or tenant not in tenants:
        hint = meant(tenant, tenants) if isinstance(tenant, str) else ""
        faults.append(ConfigFault("tenant", f"must be the name of a tenant{hint}"))
    if faults or not isinstance(name, str):
        raise ConfigInvalid(faults)
    entry = {member: value for member, value in given.items() if member != "id" and value is not None}

    def add(document: dict[str, Json]) -> None:
        gateways = document.setdefault("gateways", {})
        if name in gateways:
            raise ThingExists(f"gateway {shortened(name)!r} exists already")
        gateways[name] = entry

    await changes.edit(add, by)
    return gateway_json(GatewayResource(name, entry["tenant"], entry.get("requests_per_min")))


async def delete_gateway(changes: ConfigChanges, name: str, by: str) -> None:
    """End a gateway; its log stays. Raises NoSuchThing."""

    def remove(document: dict[str, Json]) -> None:
        gateways = document.get("gateways", {})
        if gateways.pop(name, None) is None:
            raise NoSuchThing(f"no gateway {shortened(name)!r}{meant(name, gateways)}")

    await changes.edit(remove, by)
