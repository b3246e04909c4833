"""Onboarding with a real gateway process and the demo as newcomers get it: ask -> link -> consent at the CRM -> answer, in every client."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import mcp_types as types
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from tests.flows.connecting import connect, new_person, token_of
from tests.flows.gateway_process import RunningGateway
from tests.flows.mcp_client import connected
from tests.flows.person import Person
from tests.server.mcp.requests import LEGACY, URL_MODE, events, legacy_body, legacy_headers, modern_body, modern_headers

SEARCH: dict[str, Any] = {"api": "crm.contacts.search", "args": {"query": "Ada"}}
PLAN: dict[str, Any] = {
    "steps": [
        {"id": "ada", "api": "crm.contacts.search", "args": {"query": "Ada"}},
        {"id": "deals", "api": "crm.deals.list", "args": {"contact_id": {"$ref": "ada.data.results[0].id"}, "stage": "open"}},
    ],
    "return": "steps.deals.data.results[].name",
}
#: loses its account half-way: what a revocation at the wrong moment does, at a moment that a test can choose
LOSING: dict[str, Any] = {
    "steps": [
        {"id": "ada", "api": "crm.contacts.search", "args": {"query": "Ada"}},
        {"id": "lose", "api": "connections.disconnect", "args": {"provider": "crm", "account": "first"}, "depends_on": ["ada"]},
        {"id": "deals", "api": "crm.owners.me.get", "args": {}, "depends_on": ["lose"]},
    ],
    "return": "steps.deals.data.name",
}
OPEN_DEALS = ["Analytical engine design study", "Difference engine maintenance"]


@pytest.fixture
def gateway(protected: RunningGateway) -> RunningGateway:
    return protected


@pytest.fixture
async def person(gateway: RunningGateway, request: pytest.FixtureRequest) -> Person:
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")
    return await new_person(gateway, f"{name[-60:].strip('-')}@example.com")


@asynccontextmanager
async def client_of(gateway: RunningGateway, person: Person, mode: Any, *, opens: bool, owner_id: str = "own_1") -> AsyncIterator[Client]:
    """Give an SDK client with every scope; one that `opens` URLs has them opened by its person, who connects `owner_id`."""

    async def open_for_person(_context: Any, params: Any) -> types.ElicitResult:
        assert isinstance(params, types.ElicitRequestURLParams)
        assert "Connected" in await connect(person, params.url, owner_id)
        return types.ElicitResult(action="accept")

    callback: Any = open_for_person if opens else None
    async with (
        httpx2.AsyncClient(headers={"authorization": f"Bearer {await token_of(gateway, person)}"}, timeout=30) as http,
        Client(streamable_http_client(gateway.mcp_url, http_client=http), mode=mode, elicitation_callback=callback) as client,
    ):
        yield client


async def call(client: Client, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert isinstance(result, types.CallToolResult)
    assert isinstance(result.structured_content, dict), result
    return result.structured_content


async def test_a_newcomer_signs_in_asks_connects_and_gets_the_answer(gateway: RunningGateway) -> None:
    """README: OAuth sign-in of the client, then discovery with readiness, the link, consent at the CRM, and the same call."""
    newcomer = Person(gateway.email, gateway.password)
    async with connected(gateway.mcp_url, newcomer) as client:
        found = await call(client, "discover_apis", {"query": ["find a contact by name", "list the deals of a contact"]})
        entry = next(hit for hit in found["results"] if hit["id"] == "crm.contacts.search")
        assert entry["connection"]["status"] == "needs_auth"
        assert "link" in found["hint"]
        prices = await call(client, "call_api", {"api": "crm.products.list", "args": {}})
        assert prices["status"] == "ok", prices
        needed = await call(client, "call_api", SEARCH)
        assert needed["status"] == "needs_connection"
        assert "show the person the url" in needed["note"]
        assert "Mara Lindqvist" in await connect(newcomer, needed["connection"]["url"])
        done = await call(client, "batch_execute", PLAN)
        assert sorted(done["returned"]) == OPEN_DEALS
        found = await call(client, "discover_apis", {"ids": ["crm.contacts.search"]})
        assert found["results"][0]["connection"]["status"] == "ready"
        assert "hint" not in found


async def test_a_client_of_today_is_asked_once_and_the_same_call_goes_through(gateway: RunningGateway, person: Person) -> None:
    """MCP 2026-07-28: InputRequiredResult in URL mode with a sealed requestState, from call_api and from a plan."""
    async with client_of(gateway, person, "2026-07-28", opens=True) as client:
        assert (await call(client, "batch_execute", PLAN))["status"] == "completed"
        assert (await call(client, "call_api", SEARCH))["status"] == "ok"


async def test_a_client_of_2025_gets_the_error_that_names_the_link(gateway: RunningGateway, person: Person) -> None:
    """MCP 2025-11-25: error -32042, from call_api and from a plan; afterwards no more questions."""
    async with client_of(gateway, person, "legacy", opens=True) as client:
        links = []
        for tool, arguments in (("call_api", SEARCH), ("batch_execute", PLAN)):
            with pytest.raises(MCPError) as refused:
                await call(client, tool, arguments)
            assert refused.value.error.code == types.URL_ELICITATION_REQUIRED
            [elicitation] = refused.value.error.data["elicitations"]
            links.append(elicitation["url"])
        await connect(person, links[0])
        assert (await call(client, "call_api", SEARCH))["status"] == "ok"
        assert (await call(client, "batch_execute", PLAN))["status"] == "completed"


@pytest.mark.parametrize("mode", ["2026-07-28", "legacy"])
async def test_a_client_that_opens_nothing_shows_the_link(gateway: RunningGateway, person: Person, mode: str) -> None:
    """three-tools.md: a normal result with the link and what to do; asking again gives the same link."""
    async with client_of(gateway, person, mode, opens=False) as client:
        needed = await call(client, "call_api", SEARCH)
        planned = await call(client, "batch_execute", PLAN)
        assert planned["status"] == "needs_connection"
        assert "only the resume handle" in planned["note"]
        assert planned["connections"][0]["url"] == needed["connection"]["url"]
        await connect(person, needed["connection"]["url"])
        assert (await call(client, "call_api", SEARCH))["status"] == "ok"
        resumed = await call(client, "batch_execute", {"resume": planned["resume"]})
        assert sorted(resumed["returned"]) == OPEN_DEALS


@pytest.mark.parametrize(("mode", "opens"), [("2026-07-28", True), ("legacy", True), ("2026-07-28", False)])
async def test_a_plan_that_loses_its_account_half_way_goes_on_from_there(
    gateway: RunningGateway, person: Person, mode: str, opens: bool
) -> None:
    """Issue 6: in the middle of a batch_execute, which resumes. Run from the start again, it would disconnect the new account, too."""
    async with client_of(gateway, person, mode, opens=opens, owner_id="own_2") as client:
        first = await call(client, "connections.connect", {"provider": "crm", "alias": "first"}) if not opens else None
        if first is not None:
            await connect(person, first["connection"]["url"])
        else:
            await connected_as(gateway, person, "first")
        asked = await call(client, "batch_execute", LOSING)
        plan = {**LOSING, "confirm": asked["confirmation"]["confirm"]} if asked["status"] == "needs_confirmation" else LOSING
        done = await run_to_the_end(client, person, plan)
        assert done["status"] == "completed", done
        assert done["returned"] == "Tomás Ferreira"
        listed = await call(client, "connections.list", {"provider": "crm"})
        assert len(listed["data"]["accounts"]) == 1


async def run_to_the_end(client: Client, person: Person, plan: dict[str, Any]) -> dict[str, Any]:
    """Do what each kind of client does: the SDK answers the question itself, -32042 is opened by hand, a plain link by its handle."""
    try:
        done = await call(client, "batch_execute", plan)
    except MCPError as question:
        await connect(person, question.error.data["elicitations"][0]["url"], "own_2")
        return await call(client, "batch_execute", plan)
    if done["status"] != "needs_connection":
        return done
    assert done["steps"]["ada"]["ok"]
    await connect(person, done["connections"][0]["url"], "own_2")
    return await call(client, "batch_execute", {"resume": done["resume"]})


async def connected_as(gateway: RunningGateway, person: Person, alias: str) -> None:
    answer = await raw(gateway, await token_of(gateway, person), "connections.connect", {"provider": "crm", "alias": alias}, {})
    await connect(person, answer["result"]["structuredContent"]["connection"]["url"])


async def raw(
    gateway: RunningGateway, token: str, tool: str, arguments: Mapping[str, Any], capabilities: Mapping[str, Any], **more: Any
) -> dict[str, Any]:
    """Send one 2026-07-28 call by hand."""
    headers = {**modern_headers("tools/call", tool), "authorization": f"Bearer {token}"}
    body = modern_body("tools/call", {"name": tool, "arguments": dict(arguments), **more}, capabilities=capabilities)
    async with httpx2.AsyncClient(timeout=20) as http:
        answer: dict[str, Any] = (await http.post(gateway.mcp_url, headers=headers, json=body)).json()
        return answer


async def test_a_raw_client_of_today_is_believed_only_what_the_store_says(gateway: RunningGateway, person: Person) -> None:
    """An "accept" before anything is connected is answered with the link in words; the state serves this call alone."""
    token = await token_of(gateway, person)
    first = (await raw(gateway, token, "call_api", SEARCH, URL_MODE))["result"]
    assert (first["resultType"], list(first["inputRequests"])) == ("input_required", ["connect"])
    accepted = {"inputResponses": {"connect": {"action": "accept"}}, "requestState": first["requestState"]}
    too_early = (await raw(gateway, token, "call_api", SEARCH, URL_MODE, **accepted))["result"]["structuredContent"]
    assert too_early["status"] == "needs_connection"
    assert too_early["connection"]["url"] == first["inputRequests"]["connect"]["params"]["url"]
    other = await raw(gateway, token, "call_api", {**SEARCH, "args": {"query": "Bob"}}, URL_MODE, **accepted)
    assert other["error"]["code"] == types.INVALID_PARAMS
    await connect(person, too_early["connection"]["url"])
    done = (await raw(gateway, token, "call_api", SEARCH, URL_MODE, **accepted))["result"]["structuredContent"]
    assert done["status"] == "ok"


@pytest.mark.parametrize(
    ("version", "name", "capabilities", "is_asked"),
    [
        (LEGACY, "probe", URL_MODE, True),
        (LEGACY, "probe", {"elicitation": {}}, False),
        (LEGACY, "claude-code", URL_MODE, False),
        (LEGACY, "Anthropic/ClaudeAI", URL_MODE, False),
        ("2025-06-18", "probe", URL_MODE, False),
    ],
)
async def test_a_raw_client_of_an_earlier_era_gets_what_it_understands(
    gateway: RunningGateway, person: Person, version: str, name: str, capabilities: Mapping[str, Any], is_asked: bool
) -> None:
    """-32042 only where it is declared, exists (2025-11-25) and is not known to be declared wrongly (server/client_quirks.py)."""
    async with httpx2.AsyncClient(timeout=20) as http:
        headers = {**legacy_headers(version), "authorization": f"Bearer {await token_of(gateway, person)}"}
        hello = {"protocolVersion": version, "capabilities": dict(capabilities), "clientInfo": {"name": name, "version": "1"}}
        begun = await http.post(gateway.mcp_url, headers=headers, json=legacy_body("initialize", hello))
        if session_id := begun.headers.get("mcp-session-id"):
            headers["mcp-session-id"] = session_id
        body = legacy_body("tools/call", {"name": "call_api", "arguments": SEARCH}, request_id=2)
        response = await http.post(gateway.mcp_url, headers=headers, json=body)
    answer = events(response.text)[-1] if "event-stream" in response.headers["content-type"] else response.json()
    if is_asked:
        assert answer["error"]["code"] == types.URL_ELICITATION_REQUIRED
    else:
        assert answer["result"]["structuredContent"]["status"] == "needs_connection"
        assert "/connect/" in answer["result"]["content"][0]["text"]
