"""How a missing account is put to each kind of client, and how a plan is found again that waited for one."""

from typing import Any

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import URL_ELICITATION_REQUIRED

from oauth.principal import Principal
from server.mcp.answers import ToolAnswer, UrlQuestion, answer
from server.mcp.request_state import Asked, RequestStates
from tools.operation import ClientInfo, ConnectionRequest, Outcome
from tools.plans.step_result import connection_to_wire

ADA = Principal("acme", "ada", "claude", frozenset({"mcp"}), "g1")
CRM = ConnectionRequest("crm", "needs_auth", "https://gw.test/connect/one", "connect crm")
HUB = ConnectionRequest("hubspot", "expired", "https://gw.test/connect/two", "connect hubspot again")
MODERN = ClientInfo("2026-07-28", True)
LEGACY = ClientInfo("2025-11-25", True)
PLAN: dict[str, Any] = {"steps": [{"id": "a", "api": "crm.contacts.list"}]}


def waiting() -> Outcome:
    """Return what a plan answers that needs two accounts and had begun."""
    wire = {"status": "needs_connection", "steps": {}, "connections": [connection_to_wire(each) for each in (CRM, HUB)], "resume": "x_1"}
    return Outcome("needs_connection", data=wire, bare=True, connection=CRM)


def test_all_missing_accounts_are_asked_for_in_one_round() -> None:
    """MCP 2026-07-28: inputRequests is a map, so nobody is asked twice for one plan."""
    question = answer(waiting(), MODERN)
    assert isinstance(question, UrlQuestion)
    asked = question.to_result()["inputRequests"]
    assert {key: each["params"]["url"] for key, each in asked.items()} == {"connect": CRM.url, "connect_2": HUB.url}
    assert question.resume == "x_1"
    assert question.providers == {"crm", "hubspot"}


def test_a_question_is_not_repeated_but_a_new_one_is_put() -> None:
    """A client that answered and whose account is still missing gets the link in words; another account is another question."""
    again = answer(waiting(), MODERN, asked={"crm"})
    assert isinstance(again, UrlQuestion)
    assert again.providers == {"hubspot"}
    for asked in ({"crm", "hubspot"}, None):
        told = answer(waiting(), MODERN, asked=asked)
        assert isinstance(told, ToolAnswer)
        assert "only the resume handle" in told.structured["note"]


def test_a_client_of_2025_gets_every_link_and_the_handle() -> None:
    """MCP 2025-11-25: the error's data lists elicitations, each with its id."""
    with pytest.raises(MCPError) as refused:
        answer(waiting(), LEGACY)
    error = refused.value.error
    assert error.code == URL_ELICITATION_REQUIRED
    assert [(each["url"], each["elicitationId"]) for each in error.data["elicitations"]] == [(CRM.url, "one"), (HUB.url, "two")]
    assert error.data["resume"] == "x_1"


def test_the_state_brings_back_what_was_asked() -> None:
    """It is sealed, so a client cannot choose another plan's handle."""
    states = RequestStates(b"k" * 32)
    asked = Asked(frozenset({"crm"}), "x_1")
    assert states.check(states.seal(ADA, "batch_execute", PLAN, asked), ADA, "batch_execute", PLAN) == asked
