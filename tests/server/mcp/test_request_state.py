"""The state of a question to the person: what opens it, and what a client's own word about itself is worth."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError

from oauth.principal import Principal
from server.mcp.client_capabilities import QUIRKS, corrected, of_meta, of_session_id
from server.mcp.request_state import TTL_S, RequestStates
from tools.operation import ClientInfo

ADA = Principal("acme", "ada", "claude", frozenset({"mcp"}), "g1")
ARGUMENTS = {"api": "crm.contacts.search", "args": {"query": "Ada"}}
KEY = b"k" * 32


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_state_opens_for_its_call_on_any_node_and_again_after_a_lost_answer() -> None:
    """MCP 2026-07-28: integrity, principal, request; a retry of the retry is the same call."""
    state = RequestStates(KEY).seal(ADA, "call_api", ARGUMENTS)
    other_node = RequestStates(KEY)
    for _ in range(2):
        other_node.check(state, ADA, "call_api", {"args": {"query": "Ada"}, "api": "crm.contacts.search"})


@pytest.mark.parametrize(
    ("principal", "tool", "arguments"),
    [
        (replace(ADA, subject="bob"), "call_api", ARGUMENTS),
        (replace(ADA, tenant_id="globex"), "call_api", ARGUMENTS),
        (replace(ADA, client_id="cursor"), "call_api", ARGUMENTS),
        (ADA, "batch_execute", ARGUMENTS),
        (ADA, "call_api", {**ARGUMENTS, "args": {"query": "Bob"}}),
    ],
)
def test_a_state_of_another_person_client_tool_or_call_is_refused(principal: Principal, tool: str, arguments: Mapping[str, Any]) -> None:
    """E8: swapped between users, from another tool call."""
    states = RequestStates(KEY)
    with pytest.raises(MCPError, match="requestState"):
        states.check(states.seal(ADA, "call_api", ARGUMENTS), principal, tool, arguments)


def test_every_changed_character_is_noticed() -> None:
    """E8: modified."""
    states = RequestStates(KEY)
    state = states.seal(ADA, "call_api", ARGUMENTS)
    for place in range(len(state) - 1):
        changed = state[:place] + ("A" if state[place] != "A" else "B") + state[place + 1 :]
        with pytest.raises(MCPError):
            states.check(changed, ADA, "call_api", ARGUMENTS)
    for odd in ("", "A", "é", "x" * 5000, state + state):
        with pytest.raises(MCPError):
            states.check(odd, ADA, "call_api", ARGUMENTS)


def test_an_old_state_is_refused() -> None:
    """E8: expired."""
    clock = Clock()
    states = RequestStates(KEY, clock)
    state = states.seal(ADA, "call_api", ARGUMENTS)
    clock.now += TTL_S + 1
    with pytest.raises(MCPError):
        states.check(state, ADA, "call_api", ARGUMENTS)


@pytest.mark.parametrize(
    ("name", "version", "opens"),
    [
        ("claude-code", "2026-07-28", True),
        ("claude-code", "2025-11-25", False),
        ("Anthropic/ClaudeAI", "2025-11-25", False),
        ("cursor (via mcp-remote 0.1.37)", "2026-07-28", False),
        ("cursor", "2025-11-25", True),
    ],
)
def test_a_client_that_declares_what_it_does_not_do_gets_the_plain_link(name: str, version: str, opens: bool) -> None:
    """Issue 6: a small table of clients that declare URL elicitation wrongly, with sources."""
    assert corrected(ClientInfo(version, True, name, "1")).elicits_url is opens
    assert not corrected(ClientInfo(version, False, name, "1")).elicits_url
    capabilities: dict[str, Any] = {"elicitation": {"url": {}}}
    meta = {
        "io.modelcontextprotocol/clientCapabilities": capabilities,
        "io.modelcontextprotocol/clientInfo": {"name": name, "version": "1"},
    }
    assert of_meta(meta, version).elicits_url is opens
    assert all(quirk.source for quirk in QUIRKS)


def test_an_unknown_session_id_declares_nothing() -> None:
    """A forged id changes only how questions reach the forger's own person."""
    assert not of_session_id("c1.e30.x", "2025-11-25").elicits_url
