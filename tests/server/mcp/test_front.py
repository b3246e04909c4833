"""What goes straight to the MCP endpoint, and what happens when it fails."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from server.mcp.front import McpFront, is_mcp


@pytest.mark.parametrize("path", ["/mcp", "/mcp/", "/mcp/acme", "/mcp/acme/"])
def test_every_form_of_the_endpoint_is_recognized(path: str) -> None:
    """Contract: `/mcp`, `/mcp/{tenant}`; `/mcp/` is the same resource."""
    assert is_mcp(path)


@pytest.mark.parametrize("path", ["/", "/mcpx", "/mcp/server-card", "/mcp/acme/x", "//mcp", "/MCP", "/.well-known/mcp/server-card.json"])
def test_other_paths_are_not(path: str) -> None:
    """The server card is public, although it looks like a tenant."""
    assert not is_mcp(path)


async def failing(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("the secret plan of tenant acme")


def test_a_fault_of_ours_answers_json_with_a_trace_id() -> None:
    """Unknown errors say "internal error" and a trace id, nothing of themselves."""
    with TestClient(McpFront(failing, Starlette()), raise_server_exceptions=False) as http:
        response = http.post("/mcp")
    assert response.status_code == 500
    assert response.json()["error_description"] == "internal error"
    assert len(response.json()["trace_id"]) == 32


def test_everything_else_is_the_url_tables() -> None:
    """One table for the rest."""
    with TestClient(McpFront(failing, Starlette())) as http:
        assert http.get("/elsewhere").status_code == 404


async def test_what_the_server_can_in_general_is_told() -> None:
    """RFC 9110 §9.3.7: `OPTIONS *` is about no resource; §8.6: no Content-Length in a 204."""
    sent = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    await McpFront(failing, Starlette())({"type": "http", "method": "OPTIONS", "path": "*", "headers": []}, receive, send)
    assert (sent[0]["status"], sent[0]["headers"]) == (204, [(b"allow", b"GET, HEAD, POST, OPTIONS")])
