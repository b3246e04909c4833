"""One thing of each noun in two tenants, with the tenant's name in it, so that whoever sees a name sees whose it is."""

from typing import Any

import orjson

from oauth.clients.client import Client
from oauth.connections.connecting.keys import add_key
from oauth.connections.connection import ConnectionSecret
from server.audited import Audited, audited
from tests.gateway import add_person, bring_openapi
from tests.server.admin.call_records import call_record
from tests.server.admin.conftest import Administration
from tests.server.admin.machine_keys import new_key, public
from tools.catalog.quarantine import HeldTool

TENANTS = ("acme", "globex")
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "CRM", "version": "1"},
    "servers": [{"url": "https://crm.test"}],
    "paths": {"/deals": {"get": {"operationId": "listDeals", "responses": {"200": {"description": "Deals."}}}}},
}


async def fill(admin: Administration, owners: dict[str, str]) -> None:
    """Put things into the stores and through the API. owners: tenant -> the token of its owner."""
    for tenant in TENANTS:
        await _of_stores(admin, tenant)
        await _by_the_api(admin, tenant, owners[tenant])


async def _of_stores(admin: Administration, tenant: str) -> None:
    gateway = admin.gateway
    store = gateway.store
    person = await add_person(gateway, f"{tenant}-person@{tenant}.test", tenant)
    operation = f"{tenant}-crm.deals.list"
    calls = [call_record(tenant, person, code, operation=operation) for code in (None, "timeout")]
    await store.calls.append_calls(calls)
    await store.clients.save(Client(f"{tenant}-client", "registered", f"{tenant} client", (), 1.0, tenant_id=tenant))
    secret = ConnectionSecret(f"secret-of-{tenant}")
    whose: dict[str, Any] = {"tenant_id": tenant, "subject": person, "provider": "crm", "alias": f"{tenant}-alias"}
    await add_key(store.connections, gateway.connections.vault, secret=secret, **whose)
    document = gateway.settings.data_dir / f"{tenant}.json"
    document.write_bytes(orjson.dumps(DOCUMENT))
    await bring_openapi(gateway, document, f"{tenant}-crm", tenant)
    await store.quarantine.hold(tenant, f"{tenant}-crm", [HeldTool(tenant, f"{tenant}-crm", "x", f"{tenant}-crm.tool", "new")])
    with audited(Audited("page", f"{tenant} did", f"{tenant}-person", tenant)):
        await store.audit_trail.note()


async def _by_the_api(admin: Administration, tenant: str, token: str) -> None:
    policy = {"issuer": "https://k8s.test", "jwks_uri": "https://k8s.test/keys", "claims": "sub=system:serviceaccount:ops:deploy"}
    own: dict[str, dict[str, Any]] = {
        "services": {"name": f"{tenant}-service", "role": "auditor", "key": public(new_key())},
        "trust": {"name": f"{tenant}-policy", "role": "auditor", **policy},
        "share-links": {"title": f"{tenant} figures"},
    }
    for resource in admin.gateway.administration.nouns:
        change = resource.change("add")
        if change is not None and resource.name in own:
            body = {each.name: each.choices[0] if each.choices else True for each in change.fields if each.choices or each.is_flag}
            answer = await admin.api("POST", resource.name, token, body | own[resource.name])
            assert answer.status_code == 201, (resource.name, answer.text)
