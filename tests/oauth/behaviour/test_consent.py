"""facts/oauth-behaviour.md §4: what the authorization server decides of consent (pages have tests of their own)."""

from typing import Any
from urllib.parse import urlencode

import anyio
import httpx2
import pytest

from oauth.tokens.own_grants import OwnGrants
from tests.oauth.gateway import MCP2, OAuthGateway, Pkce, answer_of, form_of, parameters

WEB = "https://app.example/cb"
DIRECT = {"sec-fetch-site": "none"}


async def go(browser: httpx2.AsyncClient, client: dict[str, Any], headers: dict[str, str] = DIRECT, **changes: Any) -> str:
    """Send the browser to /authorize and return where it is sent on."""
    query = parameters(client["client_id"], Pkce(), redirect_uri=WEB)
    query = {name: value for name, value in (query | changes).items() if value is not None}
    response = await browser.get(f"/authorize?{urlencode(query)}", headers=headers)
    location: str = response.headers["location"]
    return location


async def remembered(gate: OAuthGateway, browser: httpx2.AsyncClient) -> dict[str, Any]:
    """Return a client that the person of this browser has allowed."""
    client = await gate.register(redirect_uris=[WEB, "https://other.example/cb"])
    await gate.sign_in(browser)
    await gate.answer(browser, await go(browser, client))
    return client


async def test_a_remembered_yes_is_not_asked_again_where_that_is_safe(gate: OAuthGateway) -> None:
    """facts/oauth.md §2.7; positive control of C13 and C14."""
    async with gate.browser() as browser:
        client = await remembered(gate, browser)
        assert (await go(browser, client)).startswith(f"{WEB}?code=asc_ac_")
        assert (await go(browser, client, scope="mcp")).startswith(f"{WEB}?code=asc_ac_")
        assert (await go(browser, client, prompt="none")).startswith(f"{WEB}?code=asc_ac_")


@pytest.mark.parametrize(
    "changes",
    [{"redirect_uri": "https://other.example/cb"}, {"scope": "mcp mcp:read mcp:write"}, {"prompt": "consent"}],
    ids=str,
)
async def test_c13_anything_more_is_asked_again(gate: OAuthGateway, changes: dict[str, str]) -> None:
    """oauth-behaviour C13: other redirect URI, larger scope."""
    async with gate.browser() as browser:
        client = await remembered(gate, browser)
        assert (await go(browser, client, DIRECT, **changes)).startswith("/consent?request=")


async def test_c13_another_client_and_another_tenant_are_asked_again(gate: OAuthGateway) -> None:
    """oauth-behaviour C13, M2."""
    async with gate.browser() as browser:
        client = await remembered(gate, browser)
        other = await gate.register(redirect_uris=[WEB])
        assert (await go(browser, other)).startswith("/consent?request=")
        assert (await go(browser, client, resource=MCP2)).startswith("/login?request=")
        await gate.sign_in(browser, tenant="acme")
        assert (await go(browser, client, resource=MCP2)).startswith("/consent?request=")


@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {}, {"sec-fetch-site": "none", "sec-purpose": "prefetch"}],
    ids=str,
)
async def test_c14_c1_a_person_sent_by_another_site_is_asked(gate: OAuthGateway, headers: dict[str, str]) -> None:
    """oauth-behaviour C14 (GHSA-6x8h-498w-gv8c), C1."""
    async with gate.browser() as browser:
        client = await remembered(gate, browser)
        assert (await go(browser, client, headers)).startswith("/consent?request=")


async def test_loopback_and_app_uris_are_always_asked(gate: OAuthGateway) -> None:
    """facts/oauth.md §2.6: anybody can claim such a client_id."""
    for uri in ("http://127.0.0.1:3333/callback", "cursor://anysphere.cursor-mcp/oauth/callback"):
        client = await gate.register(redirect_uris=[uri])
        async with gate.browser() as browser:
            await gate.sign_in(browser)
            await gate.answer(browser, await go(browser, client, redirect_uri=uri))
            assert (await go(browser, client, redirect_uri=uri)).startswith("/consent?request=")


async def test_an_old_session_is_asked(gate: OAuthGateway) -> None:
    """facts/oauth.md §2.7: silent only within twelve hours."""
    async with gate.browser() as browser:
        client = await remembered(gate, browser)
        for _ in range(13):
            gate.clock.now += 3600
            last = await go(browser, client)
        assert last.startswith("/consent?request=")


async def test_a_yes_that_was_withdrawn_is_asked_again(gate: OAuthGateway) -> None:
    """oauth-behaviour F8: withdrawing ends the grants and the memory of them."""
    async with gate.browser() as browser:
        client = await remembered(gate, browser)
        await OwnGrants(gate.grants, gate.client_store).revoke_all("default", "ada-default", "subject")
        assert (await go(browser, client)).startswith("/consent?request=")


async def test_c8_another_browser_cannot_open_the_request(gate: OAuthGateway) -> None:
    """oauth-behaviour C8: session fixation."""
    client = await gate.register(redirect_uris=[WEB])
    async with gate.browser() as alice, gate.browser() as mallory:
        await gate.sign_in(alice)
        await gate.sign_in(mallory, "mallory@example.com")
        location = await go(mallory, client)
        response = await alice.get(location)
        assert response.status_code in (400, 403)
        assert "Probe" not in response.text


async def test_c10_a_request_is_answered_once(gate: OAuthGateway) -> None:
    """oauth-behaviour C10: after completion, after ten minutes."""
    client = await gate.register(redirect_uris=[WEB])
    async with gate.browser() as browser:
        await gate.sign_in(browser)
        location = await go(browser, client)
        page = await browser.get(location)
        form = form_of(page.text) | {"decision": "allow"}
        assert (await browser.post("/consent", data=form)).status_code == 303
        assert (await browser.get(location)).status_code in (400, 410)
        gate.clock.now += 31
        assert (await browser.post("/consent", data=form)).status_code in (400, 410)
        late = await go(browser, client, headers={})
        gate.clock.now += 601
        assert (await browser.get(late)).status_code in (400, 410)
    assert len(await gate.grants.list_grants("default")) == 1


async def test_c11_a_double_submit_gets_one_code(gate: OAuthGateway) -> None:
    """oauth-behaviour C11; claude-ai-mcp#562."""
    client = await gate.register(redirect_uris=[WEB])
    locations: list[str] = []
    async with gate.browser() as browser:
        await gate.sign_in(browser)
        form = form_of((await browser.get(await go(browser, client))).text) | {"decision": "allow"}

        async def submit() -> None:
            locations.append((await browser.post("/consent", data=form)).headers["location"])

        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(submit)
    assert len(set(locations)) == 1
    assert len(await gate.grants.list_grants("default")) == 1


async def test_c22_two_tabs_do_not_mix(gate: OAuthGateway) -> None:
    """oauth-behaviour C22."""
    first, second = await gate.register(redirect_uris=[WEB]), await gate.register(redirect_uris=["https://second.example/cb"])
    async with gate.browser() as browser:
        await gate.sign_in(browser)
        one = await go(browser, first, state="one")
        two = await go(browser, second, state="two", redirect_uri="https://second.example/cb")
        answered_two, answered_one = await gate.answer(browser, two), await gate.answer(browser, one)
    assert answer_of(answered_one)["state"] == "one"
    assert answered_one.headers["location"].startswith(WEB)
    assert answer_of(answered_two)["state"] == "two"
    assert answered_two.headers["location"].startswith("https://second.example/cb")


async def test_a_no_goes_back_as_access_denied(gate: OAuthGateway) -> None:
    """RFC 6749 §4.1.2.1; RFC 9207."""
    client = await gate.register(redirect_uris=[WEB])
    async with gate.browser() as browser:
        await gate.sign_in(browser)
        answer = answer_of(await gate.answer(browser, await go(browser, client), "deny"))
    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", "xyz", gate.settings.base_url)
    assert "code" not in answer


async def test_nobody_grants_more_than_they_may_use(gate: OAuthGateway) -> None:
    """issue 3, Scopes: what the subject may use bounds what the client gets."""
    gate.allowed[("default", "ada-default")] = frozenset({"mcp", "crm:read"})
    client = await gate.register()
    assert (await gate.tokens(client["client_id"], scope="mcp mcp:read mcp:write crm:destructive"))["scope"] == "crm:read mcp"
    gate.allowed[("default", "bob-default")] = frozenset()
    async with gate.browser() as browser:
        await gate.sign_in(browser, "bob@example.com")
        started = await gate.authorize(browser, client["client_id"], Pkce())
        assert answer_of(await gate.answer(browser, started.headers["location"]))["error"] == "access_denied"


@pytest.mark.parametrize(("first", "second", "was"), [("allow", "deny", "allowed"), ("deny", "allow", "denied")])
async def test_the_other_answer_after_the_first_is_told_that_it_came_too_late(
    gate: OAuthGateway, first: str, second: str, was: str
) -> None:
    """C11 is for the same answer twice: a no right after a yes must not look as if it had counted."""
    client = await gate.register(redirect_uris=[WEB])
    async with gate.browser() as browser:
        await gate.sign_in(browser)
        location = await go(browser, client)
        form = form_of((await browser.get(location)).text)
        answered = await browser.post("/consent", data=form | {"decision": first})
        repeated = await browser.post("/consent", data=form | {"decision": first})
        late = await browser.post("/consent", data=form | {"decision": second})
        forged = await browser.post("/consent", data=form | {"decision": second, "csrf": "x"})
    assert repeated.headers["location"] == answered.headers["location"]
    assert late.status_code == 409
    assert f"This request was {was} a moment ago" in late.text
    assert "location" not in late.headers
    assert forged.status_code == 403


async def test_both_answers_at_once_are_one_answer_and_one_refusal(gate: OAuthGateway) -> None:
    """The row decides, not who looked first."""
    client = await gate.register(redirect_uris=[WEB])
    async with gate.browser() as browser:
        await gate.sign_in(browser)
        form = form_of((await browser.get(await go(browser, client))).text)
        statuses = []

        async def answer(decision: str) -> None:
            statuses.append((await browser.post("/consent", data=form | {"decision": decision})).status_code)

        async with anyio.create_task_group() as group:
            group.start_soon(answer, "allow")
            group.start_soon(answer, "deny")
    assert sorted(statuses) == [303, 409]
