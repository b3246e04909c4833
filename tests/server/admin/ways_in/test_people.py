"""People: who may give whom what, and what ends with them; nobody gives more, or further, than they have themselves."""

import pytest

from oauth.administration.roles import Role
from server.app import Gateway
from tests.server.admin.ways_in.console_browser import ConsoleBrowser, appointments, invite, person, signed_in
from tests.server.admin.ways_in.test_sessions import subject_of
from tests.server.pages.form_browser import forms_of


async def key_of(gateway: Gateway, email: str, tenant_id: str = "default") -> str:
    return f"{tenant_id}:{(await subject_of(gateway, email, tenant_id)).subject_id}"


async def change(browser: ConsoleBrowser, path: str, name: str, **fields: str) -> tuple[int, str]:
    """Make a change as a page of the console does; return status and page."""
    opened = await browser.get(f"{path}?change={name}")
    if opened.status_code != 200:
        return opened.status_code, opened.text
    form = next(each for each in forms_of(opened) if f"change={name}" in each.action)
    answer = await browser.post(form.action, form.fields | fields)
    return answer.status_code, answer.text


async def test_an_owner_invites_somebody_who_then_comes_in(gateway: Gateway) -> None:
    """Invite by hand, link shown once, passkey, console: with the role that was given and no other."""
    owner = await signed_in(gateway, "ops@example.com")
    status, page = await change(owner, "/admin/people", "add", email="Grace@Example.com", role="auditor")
    assert status == 200
    link = page[page.index("/admin/invite/") :].partition("<")[0].partition('"')[0].strip()
    grace = ConsoleBrowser(gateway)
    assert (await grace.enrol(link)).status_code == 303
    assert await grace.is_in()
    role = await gateway.store.admin_roles.of("default", (await subject_of(gateway, "grace@example.com")).subject_id)
    assert role is not None
    assert (role.role, role.reaches_gateway, role.given_by) == (Role.AUDITOR, True, "ops@example.com")
    rows = [row for row in await gateway.store.audit_trail.rows() if row.action == "people add"]
    assert [(row.actor, row.surface) for row in rows] == [("ops@example.com", "page")]
    assert link.rpartition("/")[2] not in "".join(row.details for row in await gateway.store.audit_trail.rows())


async def test_the_page_of_a_person_shows_what_they_come_in_with_and_no_secret(gateway: Gateway) -> None:
    owner = await signed_in(gateway, "ops@example.com")
    page = (await owner.get(f"/admin/people/{await key_of(gateway, 'ops@example.com')}")).text
    assert "Laptop" in page
    assert str(owner.session) not in page
    for query, count in (("email=ops&role=owner&state=active", 1), ("state=disabled", 0), ("role=none", 0), ("email=o%25s", 0)):
        assert len((await owner.get(f"/admin/people?format=json&{query}")).json()["items"]) == count, query


async def test_whoever_is_disabled_or_loses_the_role_by_hand_is_out(gateway: Gateway) -> None:
    owner = await signed_in(gateway, "ops@example.com")
    for name in ("disable", "revoke", "end_everything"):
        email = f"{name}@example.com".replace("_", "-")
        theirs = await signed_in(gateway, email)
        status, page = await change(owner, f"/admin/people/{await key_of(gateway, email)}", name)
        assert status == 303, page
        assert not await theirs.is_in(), name
        assert (await theirs.use_passkey("/admin/sign-in")).status_code == (303 if name == "end_everything" else 400)


async def test_a_passkey_that_is_removed_opens_nothing_any_more(gateway: Gateway) -> None:
    owner, theirs = await signed_in(gateway, "ops@example.com"), await signed_in(gateway, "grace@example.com")
    found = await theirs.get(f"/admin/people/{await key_of(gateway, 'grace@example.com')}?format=json")
    [passkey] = found.json()["passkeys"]
    path = f"/admin/people/{await key_of(gateway, 'grace@example.com')}"
    assert (await change(owner, path, "remove_passkey", passkey=passkey["id"]))[0] == 303
    assert not await theirs.is_in()
    assert (await theirs.use_passkey("/admin/sign-in")).status_code == 400


@pytest.mark.parametrize("name", ["invite", "role", "revoke", "remove_passkey", "end_everything", "disable", "enable"])
async def test_a_tenants_owner_changes_nobody_who_reaches_further_and_sees_nobody_elsewhere(gateway: Gateway, name: str) -> None:
    """An invite for somebody who may more would be a way to become them."""
    owner = await signed_in(gateway, "ada@acme.test", "acme")
    await person(gateway, "ops@acme.test", "acme", None)
    await appointments(gateway).give(await subject_of(gateway, "ops@acme.test", "acme"), Role.AUDITOR, "test", reaches_gateway=True)
    await person(gateway, "eve@globex.test", "globex")
    fields = {"role": "auditor", "passkey": "AAAA"}
    wanted = {each: value for each, value in fields.items() if each == name or (name == "remove_passkey" and each == "passkey")}
    for email, tenant_id, status in (("ops@acme.test", "acme", 403), ("eve@globex.test", "globex", 404)):
        key = await key_of(gateway, email, tenant_id)
        before = await gateway.store.subjects.get(tenant_id, key.partition(":")[2])
        assert (await change(owner, f"/admin/people/{key}", name, **wanted))[0] == status, email
        assert await gateway.store.subjects.get(tenant_id, key.partition(":")[2]) == before


async def test_nobody_gives_more_or_further_than_they_have(gateway: Gateway) -> None:
    """A tenant's owner makes owners of that tenant, and nothing of another one or of all."""
    owner = await signed_in(gateway, "ada@acme.test", "acme")
    for fields, status in (
        ({"tenant": "globex"}, 403),
        ({"tenant": "default"}, 403),
        ({"reaches_gateway": "true"}, 403),
        ({}, 200),
    ):
        asked = {"email": "new@acme.test", "role": "owner", "reaches_gateway": "", **fields}
        got, page = await change(owner, "/admin/people", "add", **asked)
        assert got == status, page
    role = await gateway.store.admin_roles.of("acme", (await subject_of(gateway, "new@acme.test", "acme")).subject_id)
    assert role is not None
    assert not role.reaches_gateway
    assert "new@acme.test" not in [each.email for each in await gateway.store.subjects.of_tenant("globex")]


async def test_the_last_owner_stays(gateway: Gateway) -> None:
    """Somebody has to be able to let others in; by hand, by role and by disabling alike."""
    owner = await signed_in(gateway, "ops@example.com")
    path = f"/admin/people/{await key_of(gateway, 'ops@example.com')}"
    assert (await change(owner, path, "revoke"))[0] == 409
    assert (await change(owner, path, "disable"))[0] == 409
    assert (await change(owner, path, "role", role="auditor"))[0] == 409
    assert await owner.is_in()
    await signed_in(gateway, "grace@example.com")
    assert (await change(owner, path, "role", role="auditor"))[0] == 303
    assert (await owner.get("/admin/people?change=add")).status_code == 403


async def test_an_operator_ends_sessions_and_gives_no_roles(gateway: Gateway) -> None:
    """Operations contract, "Roles": not roles, services, keys, sinks; and nothing to an owner."""
    operator = await signed_in(gateway, "op@example.com", role=Role.OPERATOR)
    await person(gateway, "mere@example.com", role=None)
    await person(gateway, "boss@example.com")
    mere, boss = await key_of(gateway, "mere@example.com"), await key_of(gateway, "boss@example.com")
    assert (await change(operator, f"/admin/people/{mere}", "disable"))[0] == 303
    assert (await change(operator, f"/admin/people/{boss}", "disable"))[0] == 403
    for name in ("invite", "role", "revoke"):
        assert (await change(operator, f"/admin/people/{mere}", name))[0] == 403


async def test_a_passkey_opens_nothing_of_a_role_that_rose_after_it_was_made(gateway: Gateway) -> None:
    """Whoever could invite the auditor might have kept a passkey on their account; a new invite is the way in."""
    owner = await signed_in(gateway, "ops@example.com")
    theirs = await signed_in(gateway, "ada@acme.test", "acme", Role.AUDITOR)
    before = await invite(gateway, "ada@acme.test", "acme")
    key = await key_of(gateway, "ada@acme.test", "acme")
    assert (await change(owner, f"/admin/people/{key}", "role", role="auditor", reaches_gateway=""))[0] == 303
    assert await theirs.is_in()
    assert (await change(owner, f"/admin/people/{key}", "role", role="auditor", reaches_gateway="true"))[0] == 303
    assert not await theirs.is_in()
    assert (await theirs.use_passkey("/admin/sign-in")).status_code == 400
    assert (await theirs.get(before)).status_code == 404
    again = ConsoleBrowser(gateway)
    assert (await again.enrol(await invite(gateway, "ada@acme.test", "acme"))).status_code == 303
    assert await again.is_in()


async def test_a_list_of_people_goes_on_where_it_ended(gateway: Gateway) -> None:
    """By keyset: whoever is added before it neither hides nor repeats others."""
    owner = await signed_in(gateway, "a0@example.com")
    for number in range(1, 8):
        await person(gateway, f"a{number}@example.com", role=None)
    seen, cursor = [], ""
    while True:
        answer = await owner.get(f"/admin/people?format=json&limit=3&tenant=default&cursor={cursor}")
        assert answer.status_code == 200, answer.text
        seen += [each["email"] for each in answer.json()["items"]]
        cursor = answer.json()["next_cursor"] or ""
        if not cursor:
            break
        assert "@" not in cursor, "addresses are kept by proxies"
        await person(gateway, f"a{len(seen)}-before@example.com", role=None) if len(seen) == 3 else None
    assert [each for each in seen if "before" not in each] == [f"a{number}@example.com" for number in range(8)]
    assert len(seen) == len(set(seen))
    for nobody in ("default:nobody", "acme", "default a0 a0@example.com"):
        assert (await owner.get(f"/admin/people?format=json&cursor={nobody}")).status_code == 400, nobody


async def test_an_invite_made_by_hand_replaces_the_one_before(gateway: Gateway) -> None:
    owner = await signed_in(gateway, "ops@example.com")
    await person(gateway, "grace@example.com")
    before = await invite(gateway, "grace@example.com")
    assert (await change(owner, f"/admin/people/{await key_of(gateway, 'grace@example.com')}", "invite"))[0] == 200
    assert (await ConsoleBrowser(gateway).get(before)).status_code == 404
