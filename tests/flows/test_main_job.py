"""The main job, end to end: a real gateway process, the demo CRM, the SDK's client, a person who signs in and allows."""

from typing import Any

import pytest
from mcp import Client

from tests.flows.gateway_process import RunningGateway
from tests.flows.mcp_client import MemoryTokenStorage, connected
from tests.flows.person import Person


@pytest.fixture
def person(gateway: RunningGateway) -> Person:
    return Person(gateway.email, gateway.password)


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert isinstance(result.structured_content, dict), result
    return result.structured_content


def test_serve_prints_how_to_connect(gateway: RunningGateway) -> None:
    """Issue: the URL, the line for Claude Code, and the sign-in of the demo user."""
    assert f"ready {gateway.mcp_url}" in gateway.output
    assert f"claude mcp add --transport http ascend {gateway.mcp_url}" in gateway.output
    assert gateway.email
    assert gateway.password


@pytest.mark.parametrize("mode", ["auto", "legacy", "2026-07-28"])
async def test_a_client_signs_in_finds_an_operation_and_runs_it(gateway: RunningGateway, person: Person, mode: str) -> None:
    """discover_apis then call_api answers "find the contact Ada and list her open deals", in both protocol eras."""
    async with connected(gateway.mcp_url, person, mode) as client:
        tools = await client.list_tools()
        assert [tool.name for tool in tools.tools] == ["discover_apis", "call_api", "batch_execute"]
        found = await call(client, "discover_apis", query=["find a contact by name", "list the deals of a contact"])
        ids = [hit["id"] for hit in found["results"]]
        assert "crm.contacts.search" in ids
        assert "crm.contacts.deals.list" in ids
        contacts = await call(client, "call_api", api="crm.contacts.search", args={"query": "Ada"})
        assert contacts["status"] == "ok", contacts
        ada = contacts["data"]["results"][0]
        deals = await call(client, "call_api", api="crm.contacts.deals.list", args={"contact_id": ada["id"], "stage": "open"})
        assert deals["status"] == "ok", deals
        assert len(deals["data"]["results"]) >= 1
        assert {deal["stage"] for deal in deals["data"]["results"]} == {"open"}


async def test_one_batch_does_the_same_with_a_reference(gateway: RunningGateway, person: Person) -> None:
    """The second step takes the contact's id from the first step's answer, and only `return` comes back."""
    async with connected(gateway.mcp_url, person) as client:
        answer = await call(
            client,
            "batch_execute",
            steps=[
                {"id": "ada", "api": "crm.contacts.search", "args": {"query": "Ada"}},
                {"id": "deals", "api": "crm.deals.list", "args": {"contact_id": {"$ref": "ada.data.results[0].id"}, "stage": "open"}},
            ],
            **{"return": "steps.deals.data.results[].name"},
        )
        assert answer["status"] == "completed", answer
        assert all(step["ok"] for step in answer["steps"].values())
        assert answer["returned"]
        assert all(isinstance(name, str) for name in answer["returned"])


async def test_a_write_asks_for_more_scope_and_then_runs(gateway: RunningGateway, person: Person) -> None:
    """403 insufficient_scope names the scope; the client asks the person again and repeats the call (step-up)."""
    storage = MemoryTokenStorage()
    async with connected(gateway.mcp_url, person, "2026-07-28", storage) as client:
        found = await call(client, "call_api", api="crm.contacts.search", args={"query": "Ada"})
        ada = found["data"]["results"][0]
        assert storage.tokens is not None
        assert "mcp:write" not in (storage.tokens.scope or "").split()
        created = await call(client, "call_api", api="crm.notes.create", args={"about_id": ada["id"], "text": "met at the fair"})
        assert created["status"] == "ok", created
        assert storage.tokens is not None
        assert {"mcp:write", "crm:write"} & set((storage.tokens.scope or "").split())


async def test_an_unknown_operation_and_a_wrong_argument_say_what_to_do(gateway: RunningGateway, person: Person) -> None:
    """Unknown: did_you_mean. Wrong: path, value, rule, example."""
    async with connected(gateway.mcp_url, person) as client:
        unknown = await call(client, "call_api", api="crm.contact.serch", args={})
        assert unknown["error"]["code"] == "unknown_operation"
        assert any(name.startswith("crm.contacts") for name in unknown["error"]["did_you_mean"])
        wrong = await call(client, "call_api", api="crm.deals.list", args={"stage": "sleeping"})
        (fault,) = wrong["error"]["faults"]
        assert fault["path"].endswith("stage")
        assert fault["value"] == "sleeping"
        assert {"rule", "example"} <= set(fault)
