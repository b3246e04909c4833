"""Onboarding from inside the conversation: a real MCP client asks, its person connects the CRM, the same call goes through."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import mcp_types as types
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from server.app import Gateway
from server.demo.app import build
from server.demo.grants import OAuthClient, OAuthSettings
from server.demo.provider import register
from tests.flows.person import Person
from tests.gateway import EMAIL, PASSWORD, add_person, bring_openapi, mcp_client, served, token_for
from tests.server.demo.listening import listening
from tests.server.mcp.requests import URL_MODE, modern_body, modern_headers
from tests.waiting import until

CRM_CLIENT = OAuthClient("ascend", "s3cret")
PLAN = {
    "steps": [
        {"id": "ada", "api": "crm.contacts.search", "args": {"query": "Ada Lovelace"}},
        {"id": "deals", "api": "crm.deals.list", "args": {"contact_id": {"$ref": "ada.data.results[0].id"}, "stage": "open"}},
    ],
    "return": "steps.deals.data.results[].name",
}


@dataclass
class Onboarding:
    gateway: Gateway
    crm_url: str
    token: str
    connected: int = 0

    @asynccontextmanager
    async def client(self, mode: Any, *, elicits: bool) -> AsyncIterator[Client]:
        """Give an SDK client; with `elicits` it opens URLs for its person, who connects the account there."""

        async def open_for_person(_context: Any, params: Any) -> types.ElicitResult:
            assert isinstance(params, types.ElicitRequestURLParams)
            await self.walk(params.url)
            return types.ElicitResult(action="accept")

        callback: Any = open_for_person if elicits else None
        async with mcp_client(self.gateway, self.token, mode=mode, elicitation_callback=callback) as client:
            yield client

    async def walk(self, url: str) -> None:
        """Open `url` as the person does: sign in, continue to the CRM, allow, come back."""
        async with httpx2.AsyncClient(timeout=20) as browser:
            assert "<h1>Connected</h1>" in await Person(EMAIL, PASSWORD, owner_id="own_3").walk(browser, url)
        self.connected += 1


@pytest.fixture
async def onboarding(tmp_path: Path) -> AsyncIterator[Onboarding]:
    """A whole gateway and a CRM that asks for consent."""
    with listening(build(oauth=OAuthSettings(CRM_CLIENT))) as crm_url:
        async with served(tmp_path / "data", egress_allow=(urlsplit(crm_url).netloc,)) as gateway:
            await bring_openapi(gateway, f"{crm_url}/openapi.json", "crm")
            await register(gateway.connections.registrations, crm_url, CRM_CLIENT)
            yield Onboarding(gateway, crm_url, await token_for(gateway, await add_person(gateway)))


async def call(client: Client, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert isinstance(result, types.CallToolResult)
    assert isinstance(result.structured_content, dict), result
    return result.structured_content


SEARCH = {"api": "crm.contacts.search", "args": {"query": "Ada Lovelace"}}


async def test_a_client_of_today_opens_the_link_and_the_same_call_goes_through(onboarding: Onboarding) -> None:
    """Issue 6: 2026-07-28 InputRequiredResult in URL mode; after connecting, no more questions."""
    async with onboarding.client("2026-07-28", elicits=True) as client:
        found = await call(client, "call_api", SEARCH)
        assert found["status"] == "ok", found
        assert found["data"]["results"][0]["last_name"] == "Lovelace"
        again = await call(client, "call_api", SEARCH)
    assert (again["status"], onboarding.connected) == ("ok", 1)


async def test_a_client_of_2025_gets_the_error_that_names_the_link(onboarding: Onboarding) -> None:
    """Issue 6: 2025-11-25 error -32042."""
    async with onboarding.client("legacy", elicits=True) as client:
        with pytest.raises(MCPError) as refused:
            await call(client, "call_api", SEARCH)
        assert refused.value.error.code == types.URL_ELICITATION_REQUIRED
        [elicitation] = refused.value.error.data["elicitations"]
        await onboarding.walk(elicitation["url"])
        assert (await call(client, "call_api", SEARCH))["status"] == "ok"


@pytest.mark.parametrize("mode", ["2026-07-28", "legacy"])
async def test_a_client_that_opens_nothing_gets_link_and_instructions(onboarding: Onboarding, mode: str) -> None:
    """Issue 6: a plain result for every client that declares neither."""
    async with onboarding.client(mode, elicits=False) as client:
        needed = await call(client, "call_api", SEARCH)
        assert needed["status"] == "needs_connection"
        url = needed["connection"]["url"]
        assert url.startswith(f"{onboarding.gateway.settings.base_url}/connect/")
        assert (await call(client, "call_api", SEARCH))["connection"]["url"] == url
        await onboarding.walk(url)
        assert (await call(client, "call_api", SEARCH))["status"] == "ok"


async def test_a_batch_that_needs_an_account_goes_on_after_it_is_connected(onboarding: Onboarding) -> None:
    """Issue 6: in the middle of a batch_execute (which resumes)."""
    async with onboarding.client("2026-07-28", elicits=True) as client:
        done = await call(client, "batch_execute", PLAN)
    assert (done["status"], onboarding.connected) == ("completed", 1)
    assert sorted(done["returned"]) == ["Analytical engine design study", "Difference engine maintenance"]


async def test_discovery_says_what_is_missing_and_then_that_it_is_ready(onboarding: Onboarding) -> None:
    """three-tools.md: readiness inside discovery."""
    async with onboarding.client("2026-07-28", elicits=False) as client:
        before = await call(client, "discover_apis", {"ids": ["crm.contacts.search"]})
        assert before["results"][0]["connection"]["status"] == "needs_auth"
        needed = await call(client, "connections.connect", {"provider": "crm", "alias": "work"})
        await onboarding.walk(needed["connection"]["url"])
        told = await call(client, "connections.connect", {"provider": "crm", "alias": "work"})
        assert told["data"]["connected"]["account"] == "work"
        after = await call(client, "discover_apis", {"ids": ["crm.contacts.search"]})
        assert after["results"][0]["connection"]["status"] == "ready"
        listed = await call(client, "connections.list", {})
        assert [(row["account"], row["status"], row["default"]) for row in listed["data"]["accounts"]] == [("work", "ready", True)]
        assert listed["data"]["connectable"] == ["crm"]
        await call(client, "connections.rename", {"provider": "crm", "account": "work", "alias": "home"})
        gone = await call(client, "connections.disconnect", {"provider": "crm", "account": "home"})
        if gone["status"] == "needs_confirmation":
            assert gone["confirmation"]["message"].endswith("account: home? It can be connected again at any time")
            confirmed = {"provider": "crm", "account": "home"}
            gone = await call(
                client, "call_api", {"api": "connections.disconnect", "args": confirmed, "confirm": gone["confirmation"]["confirm"]}
            )
        assert gone["data"] == {"disconnected": "home", "revoked_at_provider": True}
        assert (await call(client, "call_api", SEARCH))["status"] == "needs_connection"


async def test_an_api_with_a_key_can_be_connected_as_soon_as_it_is_imported(onboarding: Onboarding, tmp_path: Path) -> None:
    """An agent that reads the list must not conclude that only registered providers can be connected."""
    scheme = {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}}
    paths = {"/bread": {"get": {"operationId": "bread", "responses": {}}}}
    whole = {"openapi": "3.1.0", "info": {}, "servers": [{"url": "https://bakery.example"}], "paths": paths}
    document = tmp_path / "bakery.json"
    document.write_text(json.dumps({**whole, "components": {"securitySchemes": scheme}, "security": [{"key": []}]}), encoding="utf-8")
    await bring_openapi(onboarding.gateway, document, "bakery")
    async with onboarding.client("2026-07-28", elicits=False) as client:
        listed = await call(client, "connections.list", {})
        assert (listed["data"]["accounts"], listed["data"]["connectable"]) == ([], ["bakery", "crm"])
        needed = await call(client, "connections.connect", {"provider": "bakery"})
        assert needed["status"] == "needs_connection"


async def test_a_call_survives_a_token_that_ended_early(onboarding: Onboarding) -> None:
    """Issue 6: an upstream 401 re-reads the vault once; a refreshed token is used without the caller noticing."""
    async with onboarding.client("2026-07-28", elicits=True) as client:
        await call(client, "call_api", SEARCH)
        connections = onboarding.gateway.connections
        [connection] = await connections.store.connections.load()
        await connections.store.connections.ask_refresh("default", connection.account_id, 0)

        async def is_refreshed() -> bool:
            return (await connections.store.connections.load())[0].version > 1

        await until(is_refreshed)
        assert (await call(client, "call_api", SEARCH))["status"] == "ok"
    async with httpx2.AsyncClient(timeout=30) as scraper:
        metrics = (await scraper.get(f"{onboarding.gateway.settings.base_url}/metrics")).text
    assert 'ascend_connections{state="ready"} 1.0' in metrics
    assert 'ascend_connection_refreshes_total{outcome="refreshed"} 1.0' in metrics
    assert "ascend_connection_earliest_expiry_seconds 1" in metrics


async def test_a_state_that_was_changed_stops_the_call_before_it_runs(onboarding: Onboarding) -> None:
    """E8, over HTTP: JSON-RPC error, no tool execution; the state that was given opens the way for its own call only."""
    url = onboarding.gateway.settings.mcp_url("default")
    headers = {**modern_headers("tools/call", "call_api"), "authorization": f"Bearer {onboarding.token}"}

    async def ask(client: httpx2.AsyncClient, arguments: dict[str, Any], **more: Any) -> dict[str, Any]:
        params = {"name": "call_api", "arguments": arguments, **more}
        response = await client.post(url, headers=headers, json=modern_body("tools/call", params, capabilities=URL_MODE))
        answered: dict[str, Any] = response.json()
        return answered

    async with httpx2.AsyncClient(timeout=20) as client:
        first = (await ask(client, SEARCH))["result"]
        assert first["resultType"] == "input_required"
        await onboarding.walk(first["inputRequests"]["connect"]["params"]["url"])
        retry = {"inputResponses": {"connect": {"action": "accept"}}, "requestState": first["requestState"]}
        given = first["requestState"]
        changed = ("y" if given[0] == "x" else "x") + given[1:]
        for arguments, state in ((SEARCH, changed), ({**SEARCH, "args": {"query": "Bob"}}, given)):
            refused = await ask(client, arguments, **{**retry, "requestState": state})
            assert (refused["error"]["code"], "requestState" in refused["error"]["message"]) == (types.INVALID_PARAMS, True)
        done = await ask(client, SEARCH, **retry)
        assert done["result"]["structuredContent"]["status"] == "ok"
