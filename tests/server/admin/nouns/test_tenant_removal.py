"""A tenant removed over the API: shut at once, gone when housekeeping has been there, and never the wrong one."""

import pytest

from oauth.administration.roles import Role
from server.storage.tenant_removal.removal import TenantRemoval
from tests.gateway import add_person
from tests.server.admin.conftest import Administration
from tests.server.admin.two_tenants import fill
from tests.waiting import until


async def test_a_tenant_goes_with_what_it_owns_and_the_trail_says_who_did_it(admin: Administration) -> None:
    """The gateway works beside it: its housekeeping hears of the mark."""
    owner = (await admin.administrator("globex", "owner@globex.test"))[1]
    await fill(admin, {"acme": admin.acme, "globex": owner})
    store = admin.gateway.store
    removal = TenantRemoval(store.database, store.history)
    of_globex = await removal.counts("globex")
    counted = await admin.api("POST", "tenants/acme/count", admin.operator)
    assert " connections" in counted.json()["said"]
    removed = await admin.api("DELETE", "tenants/acme", admin.operator)
    assert (removed.status_code, removed.json()["item"]["state"]) == (200, "leaving")

    async def is_gone() -> bool:
        return not await removal.counts("acme")

    await until(is_gone)
    assert (await removal.counts("globex")).items() >= {(name, rows) for name, rows in of_globex.items() if name != "calls"}
    assert (await admin.api("GET", "tenants", admin.acme)).status_code == 401
    assert (await admin.api("GET", "tenants", owner)).status_code == 200
    assert admin.gateway.operations.catalog.ids_of("acme") == {}
    assert ("tenants remove", "tenants/acme") in {(row.action, row.target) for row in await store.audit_trail.rows()}


async def test_a_tenant_that_is_leaving_is_not_let_in_again(admin: Administration) -> None:
    store = admin.gateway.store
    await TenantRemoval(store.database, store.history).begin((await store.tenants.all())[2])
    for name, body in (("resume", None), ("", {"title": "Globex"})):
        method, path = ("POST", f"tenants/globex/{name}") if name else ("PATCH", "tenants/globex")
        refused = await admin.api(method, path, admin.operator, body, if_match="*")
        # Or it is gone by now.
        assert (refused.status_code, refused.json()["error"]["code"]) in ((409, "leaving"), (404, "not_found"))


@pytest.mark.parametrize(("name", "status", "code"), [("default", 409, "own_tenant"), ("nobody", 404, "not_found")])
async def test_what_is_not_removed(admin: Administration, name: str, status: int, code: str) -> None:
    refused = await admin.api("DELETE", f"tenants/{name}", admin.operator)
    assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)


async def test_who_reaches_every_tenant_from_another_one_removes_neither_theirs_nor_default(admin: Administration) -> None:
    subject = await add_person(admin.gateway, "far@acme.test", "acme")
    await admin.appoint("acme", subject, Role.OWNER, reaches_gateway=True)
    token = await admin.token("acme", subject)
    codes = [(await admin.api("DELETE", f"tenants/{name}", token)).json()["error"]["code"] for name in ("default", "acme")]
    assert codes == ["default_tenant", "own_tenant"]


async def test_only_an_owner_of_the_gateway_with_a_fresh_proof_removes_a_tenant(admin: Administration) -> None:
    [remove] = [
        change
        for noun in admin.gateway.administration.nouns
        if noun.name == "tenants"
        for change in noun.changes
        if change.name == "remove"
    ]
    assert (remove.least, remove.is_of_gateway, remove.needs_step_up) == (Role.OWNER, True, True)
    assert (await admin.api("DELETE", "tenants/acme", admin.acme)).status_code == 403
