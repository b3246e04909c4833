"""Cloudflare's named gateways, made and ended one by one: each is an entry of the configuration, and each change a version of it."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from tools.ai_gateway.configuration.changes import ConfigChanges, NoSuchThing, ThingExists
from tools.ai_gateway.configuration.config import GatewayResource
from tools.ai_gateway.configuration.versions import ConfigAct
from tools.operation import Json
from tools.versioned_documents.faults import ConfigFault, ConfigInvalid, meant, shortened

#: what administrators call the calls that name no gateway
DEFAULT_GATEWAY: Final = "default"


def gateway_json(gateway: GatewayResource) -> dict[str, Json]:
    """Return a gateway as the API shows and takes it."""
    return {"id": gateway.id, "tenant": gateway.tenant_id, "requests_per_min": gateway.requests_per_min}


def gateways_of(document: Mapping[str, Json]) -> list[GatewayResource]:
    """Return the gateways of a checked document, by id."""
    entries = sorted(document.get("gateways", {}).items())
    return [GatewayResource(name, entry["tenant"], entry.get("requests_per_min")) for name, entry in entries]


async def create_gateway(
    changes: ConfigChanges, asked: Json, tenants: Collection[str], by: str, subject: str = "", of_tenant: str | None = None
) -> dict[str, Json]:
    """Make a gateway of `{id, tenant, requests_per_min?}` and return it.

    tenants: those whose it may be. subject: the administrator who makes it, for the audit. `of_tenant`: whose names they know (None:
    all). Raises ConfigInvalid, also of a name that cannot be had for a reason that is not theirs to know, and ThingExists.
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

    def add(document: dict[str, Json]) -> ConfigAct:
        gateways = document.setdefault("gateways", {})
        if name in gateways and of_tenant not in (None, gateways[name]["tenant"]):
            raise ConfigInvalid([ConfigFault("id", "cannot be had; take another")])
        if name in gateways:
            raise ThingExists(f"gateway {shortened(name)!r} exists already")
        gateways[name] = entry
        return ConfigAct("ai_gateway_created", entry["tenant"], subject, name)

    await changes.edit(add, by)
    return gateway_json(GatewayResource(name, entry["tenant"], entry.get("requests_per_min")))


async def delete_gateway(changes: ConfigChanges, name: str, by: str, tenant_id: str | None = None, subject: str = "") -> None:
    """End a gateway; its log stays. `tenant_id`: only one of this tenant (None: of any). Raises NoSuchThing."""

    def remove(document: dict[str, Json]) -> ConfigAct:
        gateways = document.get("gateways", {})
        known = [each for each, entry in gateways.items() if tenant_id in (None, entry["tenant"])]
        if name not in known:
            raise NoSuchThing(f"no gateway {shortened(name)!r}{meant(name, known)}")
        return ConfigAct("ai_gateway_removed", gateways.pop(name)["tenant"], subject, name)

    await changes.edit(remove, by)
