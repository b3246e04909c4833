"""The console by an identity provider: only in the way that `admin_acr` asks for, proven just now, by whoever has a role."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from oauth.administration.roles import Role
from oauth.sign_in.identity_provider_secrets import IdentityProviderSecrets
from oauth.sign_in.identity_providers import IdentityProvider
from oauth.sign_in.subjects import Subject
from server.admin.nouns.person_changes import PersonChanges
from server.admin.refusals import AdminRefused
from server.app import Gateway
from tests.gateway import opened, save_tenant
from tests.oauth.sign_in.loopback_provider import LoopbackProvider, running_provider
from tests.server.admin.ways_in.console_browser import ORIGIN, ConsoleBrowser, person
from tests.server.pages.form_browser import forms_of

GRACE = Subject("default", "sub_grace", "grace@corp.example", "Grace", identity_provider="corp")


@dataclass
class World:
    gateway: Gateway
    provider: LoopbackProvider
    entry: IdentityProvider
    browser: ConsoleBrowser

    def says(self, **claims: Any) -> None:
        """Have the provider say this of the next sign-in, beside that it was just now."""
        self.provider.claim_changes = {"auth_time": int(time.time()), **claims}

    async def away(self, path: str = "/admin/sign-in") -> str:
        """Choose the provider on the page at `path`; return where its own site sends the browser back to."""
        [form] = [each for each in forms_of(await self.browser.get(path)) if each.action.endswith("/provider")]
        answer = await self.browser.post(form.action, form.fields | dict(form.buttons))
        assert answer.status_code == 303, answer.text
        async with httpx2.AsyncClient(timeout=30) as http:
            back = (await http.get(answer.headers["location"])).headers["location"]
        assert back.startswith(f"{ORIGIN}/admin/sign-in/callback/default/corp?")
        return str(back.removeprefix(ORIGIN))

    async def sign_in(self, path: str = "/admin/sign-in") -> httpx2.Response:
        return await self.browser.get(await self.away(path))

    async def role(self, role: Role = Role.OPERATOR) -> None:
        await PersonChanges(self.gateway.store, ORIGIN).give(GRACE, role, "test")

    async def failures(self) -> list[str]:
        rows = await self.gateway.store.audit_trail.security_events()
        return [str(row.facts.get("reason")) for row in rows if row.action == "sign_in_failed"]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Grace came by `corp` before, and has no role yet."""
    with running_provider() as provider:
        async with opened(tmp_path, egress_allow=(f"127.0.0.1:{provider.server.port}",)) as gateway:
            entry = IdentityProvider("default", "corp", "Corp SSO", provider.issuer, provider.client_id, admin_acr=("phr", "mfa"))
            await IdentityProviderSecrets(gateway.connections.vault).keep(entry, provider.client_secret, "operator")
            await gateway.store.identities.save_provider(entry)
            [default] = gateway.tenants.all()
            await save_tenant(gateway, replace(default, sign_in=default.sign_in | {"federation"}))
            await gateway.store.identities.link_new(GRACE, provider.issuer, provider.person.sub)
            await person(gateway, "owner@example.com")
            yield World(gateway, provider, entry, ConsoleBrowser(gateway))


@pytest.mark.parametrize("claims", [{"acr": "phr"}, {"amr": ["pwd", "mfa"]}])
async def test_who_signed_in_as_is_asked_for_is_in_with_role_and_reach(world: World, claims: dict[str, Any]) -> None:
    await world.role()
    world.says(**claims)
    answer = await world.sign_in("/admin/sign-in?to=/admin/calls")
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/calls")
    assert await world.browser.is_in()
    page = await world.browser.get("/admin/people")
    assert "grace@corp.example" in page.text
    [asked] = world.provider.authorization_requests
    assert (asked["acr_values"], asked["max_age"], asked["prompt"]) == ("phr mfa", "0", "login")
    signed_in = [row for row in await world.gateway.store.audit_trail.security_events() if row.action == "sign_in"]
    assert (signed_in[0].subject, signed_in[0].facts["method"], signed_in[0].facts["at"]) == (GRACE.subject_id, "federation", "console")


@pytest.mark.parametrize("claims", [{}, {"acr": "1"}, {"acr": "PHR"}, {"amr": "pwd"}, {"amr": ["phr mfa"]}, {"acr": {"phr": 1}}])
async def test_a_weaker_sign_in_is_told_what_is_missing(world: World, claims: dict[str, Any]) -> None:
    await world.role(Role.OWNER)
    world.says(**claims)
    answer = await world.sign_in()
    assert answer.status_code == 403
    assert "it should say phr or mfa" in answer.text
    assert "Corp SSO" in answer.text
    assert not await world.browser.is_in()
    assert (await world.failures())[0].startswith("neither acr nor amr has one of phr, mfa")


@pytest.mark.parametrize(
    ("auth_time", "reason"),
    [
        (None, "auth_time is missing"),
        (-700, "auth_time is not of just now"),
        (120, "auth_time is not of just now"),
        (True, "auth_time is missing"),
    ],
)
async def test_a_session_at_the_provider_is_no_proof_of_who_sits_there(world: World, auth_time: int | None, reason: str) -> None:
    await world.role()
    at = auth_time if auth_time is None or auth_time is True else int(time.time()) + auth_time
    world.says(acr="phr", auth_time=at)
    assert (await world.sign_in()).status_code == 403
    assert (await world.failures())[0].startswith(reason)
    assert not await world.browser.is_in()


async def test_who_has_no_role_or_no_account_stays_out_and_gets_none(world: World) -> None:
    world.says(acr="phr")
    assert (await world.sign_in()).status_code == 403
    world.provider.person.sub = "2002"
    assert (await world.sign_in()).status_code == 403
    assert await world.failures() == ["nobody here is linked to them", "they administer nothing"]
    assert len([each for each in await world.gateway.store.subjects.of_tenant("default") if each.identity_provider]) == 1


async def test_an_answer_serves_one_browser_once_and_this_door_alone(world: World) -> None:
    """RFC 9700 §4.7; and what began at the door of everybody does not end here, nor the other way round."""
    await world.role()
    world.says(acr="phr")
    back = await world.away()
    assert (await ConsoleBrowser(world.gateway).get(back)).status_code == 403
    assert (await world.browser.get(back)).status_code == 403, "spent by the other browser"
    elsewhere = (await world.away()).replace("/admin/sign-in/callback", "/login/callback")
    assert (await world.browser.get(elsewhere)).status_code in (303, 400)
    assert not await world.browser.is_in()


async def test_what_ends_the_way_in_ends_who_came_by_it(world: World) -> None:
    """The role, the person, the provider, and other settings of it: read anew at each request."""
    store = world.gateway.store
    endings: dict[str, Callable[[], Awaitable[object]]] = {
        "role": lambda: PersonChanges(store, ORIGIN).take(GRACE, "test"),
        "person": lambda: store.subjects.save(replace(GRACE, disabled=True)),
        "settings": lambda: store.identities.save_provider(replace(world.entry, admin_acr=("other",))),
        "provider": lambda: store.identities.remove_provider("default", "corp"),
    }
    for name, end in endings.items():
        await store.identities.save_provider(world.entry)
        await store.subjects.save(GRACE)
        await world.role()
        world.says(acr="phr")
        assert (await world.sign_in()).status_code == 303, name
        assert await world.browser.is_in(), name
        await end()
        assert not await world.browser.is_in(), name


async def test_a_proof_is_renewed_at_the_provider_by_the_same_person(world: World) -> None:
    await world.role(Role.OWNER)
    world.says(acr="phr")
    await world.sign_in()
    page = await world.browser.get("/admin/step-up?to=/admin/people")
    assert "identity provider" in page.text
    before = world.browser.session
    answer = await world.sign_in("/admin/step-up?to=/admin/people")
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/people")
    assert world.browser.session not in (None, before)
    assert parse_qs(urlsplit(str(answer.request.url)).query)["state"]
    other = Subject("default", "sub_eve", "eve@corp.example", "Eve", identity_provider="corp")
    await world.gateway.store.identities.link_new(other, world.provider.issuer, "3003")
    await PersonChanges(world.gateway.store, ORIGIN).give(other, Role.OWNER, "test")
    world.provider.person.sub = "3003"
    assert (await world.sign_in("/admin/step-up?to=/admin/people")).status_code == 403


async def test_a_provider_that_is_not_asked_for_more_opens_nothing(world: World) -> None:
    plain = replace(world.entry, admin_acr=())
    await world.gateway.store.identities.save_provider(plain)
    assert "Corp SSO" not in (await world.browser.get("/admin/sign-in")).text
    with pytest.raises(AdminRefused, match="opens no console"):
        await world.role()
