"""Every noun, every role, every reach: who sees and changes what. A noun that is declared is in these tests from then on."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from oauth.administration.roles import Role
from oauth.tenants import Tenant
from oauth.tokens.formats import new_token
from server.admin.resource import Change, Resource
from server.assembly.administration.api import ai_administration
from tests.gateway import NOWHERE, PASSWORD, add_person
from tests.server.admin.conftest import Administration, administration
from tests.server.admin.two_tenants import fill
from tests.server.pages.form_browser import forms_of
from tools.ai_gateway.caller_keys import CallerKeyIssuer

OTHER = "globex"
#: nouns of which `two_tenants.fill` makes nothing, and why
WITHOUT_A_ROW = {
    "runbooks": "the same for everybody",
    "usage": "sums of a tenant's own operations; the names are in calls",
    "decisions": "written by the gateway, a moment after a call",
    "jobs": "the same four of every tenant, until it has others",
    "webhooks": "deliveries come from outside",
    "reports": "made by jobs",
    "backups": "the gateway's",
    "config": "the gateway's",
    "sinks": "the gateway's",
    "alerts": "the gateway's",
    "silences": "the gateway's",
}
#: what fields are told whose choices are not all there is
SAMPLES = {
    "tenant": OTHER,
    "id": "newcomer",
    "name": "newcomer",
    "days": "1",
    "title": "x",
    "claims": "sub=x-y",
    "issuer": "https://k8s.test",
}
SAMPLES |= {"jwks_uri": "https://k8s.test/keys", "key": "{}", "email": "new@globex.test"}


@dataclass
class World:
    admin: Administration
    owners: dict[str, str]
    #: by (tenant, role)
    tokens: dict[tuple[str, Role], str] = field(default_factory=dict)

    @property
    def nouns(self) -> Sequence[Resource]:
        return self.admin.gateway.administration.nouns

    async def keys(self, resource: Resource, token: str, tenant: str = "") -> list[str]:
        """Return the keys of what a list shows."""
        answer = await self.admin.api("GET", f"{resource.name}?tenant={tenant}&limit=200", token)
        assert answer.status_code == 200, (resource.name, answer.text)
        return [str(row[resource.key]) for row in answer.json()["items"] if resource.key in row]

    async def make(self, resource: Resource, change: Change, key: str, token: str) -> Any:
        path = resource.name
        if not change.is_of_list:
            path += f"/{quote(key, safe='')}" + (f"/{change.name}" if change.method == "POST" else "")
        elif change.name != "add":
            path += f"/{change.name}"
        return await self.admin.api(change.method, path, token, sample(change), if_match="*")

    async def trail(self) -> list[tuple[str, str]]:
        """Return what the audit trail has."""
        return [(row.action, row.target) for row in await self.admin.gateway.store.audit_trail.rows(limit=10_000)]


def sample(change: Change) -> dict[str, str]:
    """Return fields that a change takes, as well as one can guess."""
    return {
        each.name: each.choices[0] if each.choices else "true" if each.is_flag else SAMPLES.get(each.name, "x")
        for each in change.fields
        if not each.is_hidden and (each.is_required or each.name in SAMPLES or each.is_flag)
    }


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with administration(tmp_path) as admin:
        other = (await admin.administrator(OTHER, "owner@globex.test"))[1]
        found = World(admin, {"acme": admin.acme, OTHER: other})
        await fill(admin, found.owners)
        for tenant in ("default", "acme"):
            for role in Role:
                subject = await add_person(admin.gateway, f"{role.title}@{tenant}.test", tenant)
                await admin.appoint(tenant, subject, role)
                found.tokens[tenant, role] = await admin.token(tenant, subject)
        yield found


async def test_every_noun_has_something_of_the_other_tenant_to_hide(world: World) -> None:
    """Or the tests below could not fail."""
    for resource in world.nouns:
        if resource.name not in WITHOUT_A_ROW:
            answer = await world.admin.api("GET", f"{resource.name}?tenant={OTHER}&limit=200", world.admin.operator)
            assert OTHER in answer.text, resource.name
    assert set(WITHOUT_A_ROW) <= {resource.name for resource in world.nouns}


async def test_an_auditor_sees_everything_and_changes_nothing(world: World) -> None:
    """Of the gateway and of a tenant; no change gets as far as the trail."""
    before = await world.trail()
    for tenant in ("default", "acme"):
        token = world.tokens[tenant, Role.AUDITOR]
        for resource in world.nouns:
            if resource.is_of_gateway and tenant != "default":
                continue
            if resource.least <= Role.AUDITOR:
                keys = [*await world.keys(resource, token), "nothing"]
            for change in resource.changes:
                for key in keys[:3] + keys[-1:]:
                    refused = await world.make(resource, change, key, token)
                    # What is out of reach may also not be there.
                    assert refused.status_code in ((403,) if key != "nothing" else (403, 404)), (resource.name, change.name, refused.text)
    assert await world.trail() == before


async def test_an_operator_opens_no_doors(world: World) -> None:
    """What takes an owner is refused before anything is looked at."""
    before = await world.trail()
    seen = 0
    for resource in world.nouns:
        for change in resource.changes:
            if max(change.least, resource.least) is Role.OWNER:
                seen += 1
                assert (await world.make(resource, change, "nothing", world.tokens["default", Role.OPERATOR])).status_code == 403, (
                    resource.name
                )
    assert seen >= 4
    assert await world.trail() == before


async def test_a_tenants_owner_sees_nothing_of_another_tenant(world: World) -> None:
    """In lists, whatever they ask for; in things, by their very keys; the name of the other tenant is nowhere."""
    token = world.owners["acme"]
    for resource in world.nouns:
        if resource.is_of_gateway:
            assert (await world.admin.api("GET", resource.name, token)).status_code == 403, resource.name
            continue
        for form in ("json", "csv", "jsonl"):
            answer = await world.admin.api("GET", f"{resource.name}?format={form}", token)
            assert answer.status_code == 200, (resource.name, answer.text)
            assert OTHER not in answer.text, resource.name
        for asked in (f"tenant={OTHER}", f"tenant={OTHER}&count=1", f"tenant={OTHER}&format=csv"):
            assert (await world.admin.api("GET", f"{resource.name}?{asked}", token)).status_code == 403, resource.name
        theirs = set(await world.keys(resource, world.admin.operator, OTHER)) - set(await world.keys(resource, token))
        for key in theirs:
            answer = await world.admin.api("GET", f"{resource.name}/{quote(key, safe='')}", token)
            assert answer.status_code in (403, 404), (resource.name, key, answer.text)


async def test_a_tenants_owner_changes_nothing_of_another_tenant(world: World) -> None:
    """Nor adds anything to it; what the other tenant has is as it was."""
    token, before = world.owners["acme"], await world.trail()
    seen = {resource.name: await shown(world, resource) for resource in world.nouns if not resource.is_of_gateway}
    for resource in world.nouns:
        theirs = [] if resource.is_of_gateway else await world.keys(resource, world.admin.operator, OTHER)
        mine = [] if resource.is_of_gateway else await world.keys(resource, token)
        for change in resource.changes:
            takes_a_tenant = "tenant" in {each.name for each in change.fields}
            if change.is_of_list and not (takes_a_tenant or change.is_of_gateway or resource.is_of_gateway):
                continue
            for key in [""] if change.is_of_list else [*(set(theirs) - set(mine)), "nothing"]:
                refused = await world.make(resource, change, key, token)
                assert refused.status_code in (403, 404), (resource.name, change.name, key, refused.text)
    assert await world.trail() == before
    assert {name: await shown(world, resource) for resource in world.nouns if (name := resource.name) in seen} == seen


async def test_the_ai_gateways_addresses_ask_the_role_first(world: World) -> None:
    """Each takes its role and no less, of the gateway and of a tenant; a refusal comes before anything is looked at."""
    before, routes = await world.trail(), ai_administration(world.admin.gateway.administration).routes()
    changes = [each for each in routes if each.method != "GET"]
    for (tenant, role), token in world.tokens.items():
        for each in changes:
            answer = await world.admin.api(each.method, each.path.removeprefix("/").format(id="nothing"), token)
            takes = f"takes the role {each.least.title}" in answer.text
            assert takes is (role < each.least), (tenant, role, each.method, each.path, answer.text)
            assert not takes or answer.status_code == 403
    assert {each.path: each.least for each in changes if each.method == "PUT"} == {"/ai/config": Role.OWNER}
    assert all(each.least >= Role.OPERATOR for each in changes)
    assert len(changes) >= 4
    assert await world.trail() == before
    config = await world.admin.ask("GET", "config", world.tokens["default", Role.AUDITOR])
    assert (config.status_code, config.json()["version"]) == (200, 0)


async def shown(world: World, resource: Resource) -> str:
    """Return what the other tenant's list shows."""
    answer = await world.admin.api("GET", f"{resource.name}?tenant={OTHER}&limit=200", world.admin.operator)
    return json.dumps(answer.json()["items"])


async def test_no_other_credential_opens_any_address(world: World) -> None:
    """Nobody, garbage, a static token, tokens for MCP and models, a caller's key, a client's secret, a password's session."""
    admin = world.admin
    gateway = admin.gateway
    subject = (await gateway.store.subjects.of_tenant("default"))[0]
    await gateway.store.tenants.save(Tenant("default", "Gate", static_tokens_until="2999-01-01"))
    await gateway.tenants.load(gateway.store.tenants.all)
    static, _ = await gateway.authorization.static_tokens.mint("default", subject.subject_id, "x", frozenset({"mcp"}))
    caller, _ = await CallerKeyIssuer(gateway.store.caller_keys, gateway.store.security_events).mint("default", "bot")
    wide = frozenset({"mcp", "mcp:read", "llm:write", "admin", "admin:owner"})
    others = [await admin.token("default", subject.subject_id, kind, wide) for kind in ("mcp", "models")]
    for token in ("", "garbage", static, caller, *others, new_token("cs"), new_token("rat"), new_token("at")):
        for resource in world.nouns:
            paths = [("GET", resource.name), ("GET", f"{resource.name}/x"), ("GET", f"{resource.name}?format=csv")]
            paths += [("GET", "openapi.json"), ("GET", "nothing")]
            for method, path in paths:
                assert (await admin.api(method, path, token)).status_code == 401, (token[:7], path)
            for change in resource.changes:
                assert (await world.make(resource, change, "x", token)).status_code == 401, (token[:7], resource.name, change.name)
        for each in ai_administration(gateway.administration).routes():
            path = each.path.removeprefix("/").format(id="x")
            assert (await admin.api(each.method, path, token)).status_code == 401, (token[:7], path)
    cookies = await session_of_a_password(admin)
    for resource in world.nouns:
        answer = await admin.http.get(f"/admin/api/{resource.name}", headers={"cookie": cookies})
        assert answer.status_code == 401, resource.name


async def session_of_a_password(admin: Administration) -> str:
    """Sign somebody in by a password; return the cookies of the session."""
    email = "by-password@example.com"
    await admin.appoint("default", await add_person(admin.gateway, email))
    page = await admin.http.get("/account", follow_redirects=True)
    form = next(form for form in forms_of(page) if "password" in form.fields)
    headers = {"origin": NOWHERE, "sec-fetch-site": "same-origin"}
    answer = await admin.http.post(
        str(page.url.join(form.action)), data={**form.fields, "email": email, "password": PASSWORD}, headers=headers
    )
    assert answer.status_code == 303, answer.text
    return "; ".join(f"{name}={value}" for name, value in admin.http.cookies.items())
