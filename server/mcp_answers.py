"""Outcome of a call -> what an MCP client of its era and capabilities understands."""

import json
from dataclasses import dataclass

import orjson
from mcp.shared.exceptions import MCPError
from mcp_types import URL_ELICITATION_REQUIRED
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from tools.operation import ClientFacts, ConnectionRequest, Json, Outcome
from tools.results import to_wire

#: the request in an InputRequiredResult that asks the person to connect an account
CONNECT_KEY = "connect"


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """A CallToolResult: structured content, already encoded, and text for clients and models that read only that.

    `missing_scopes`: answer HTTP 403 instead, where the response has not begun.
    """

    structured: Json
    structured_json: bytes
    text: str
    is_error: bool
    missing_scopes: frozenset[str] = frozenset()

    def to_result(self) -> dict[str, Json]:
        """Return the result as JSON values."""
        return {
            "resultType": "complete",
            "content": [{"type": "text", "text": self.text}],
            "structuredContent": self.structured,
            "isError": self.is_error,
        }

    def to_members(self) -> bytes:
        """Return the members of the result's JSON object, encoded, so that a large answer is encoded once."""
        is_error = b"true" if self.is_error else b"false"
        text = encoded(self.text)
        return b'"resultType":"complete","content":[{"type":"text","text":%b}],"structuredContent":%b,"isError":%b' % (
            text,
            self.structured_json,
            is_error,
        )


@dataclass(frozen=True, slots=True)
class UrlQuestion:
    """An InputRequiredResult that sends the person to a page (MCP 2026-07-28, multi-round-trip requests)."""

    request: ConnectionRequest
    missing_scopes: frozenset[str] = frozenset()
    #: sealed; comes back with the client's retry
    state: str = ""

    def to_result(self) -> dict[str, Json]:
        """Return the result as JSON values."""
        question = {"method": "elicitation/create", "params": {"mode": "url", "message": self.request.message, "url": self.request.url}}
        result: dict[str, Json] = {"resultType": "input_required", "inputRequests": {CONNECT_KEY: question}}
        return result | ({"requestState": self.state} if self.state else {})

    def to_members(self) -> bytes:
        """Return the members of the result's JSON object, encoded."""
        return encoded(self.to_result())[1:-1]


Answer = ToolAnswer | UrlQuestion


def answer(outcome: Outcome, client: ClientFacts, *, retried: bool) -> Answer:
    """Return the answer to one call.

    `retried`: the client already answered an earlier question about this call. What it answered proves nothing, so the
    outcome was made anew; a client whose account is still missing now gets the link as a plain result instead of a
    second question, which would loop.

    Raises:
        MCPError: -32042 for a 2025-11-25 client that can open URLs and must open one first.
    """
    request = outcome.connection
    if outcome.status == "needs_connection" and request is not None and client.elicits_url:
        if client.protocol_version in MODERN_PROTOCOL_VERSIONS:
            if not retried:
                return UrlQuestion(request)
        elif client.protocol_version >= "2025-11-25":
            raise MCPError(URL_ELICITATION_REQUIRED, request.message, _elicitation_data(request))
    structured = to_wire(outcome)
    structured_json = encoded(structured)
    return ToolAnswer(
        structured,
        structured_json,
        outcome.text if outcome.text is not None else structured_json.decode(),
        outcome.status == "error",
        outcome.error.missing_scopes if outcome.error is not None and outcome.error.code == "insufficient_scope" else frozenset(),
    )


def encoded(value: Json) -> bytes:
    """Return `value` as JSON without spaces."""
    try:
        return orjson.dumps(value)
    except TypeError:
        # Integers beyond 64 bits and lone surrogates are JSON (RFC 8259 §8.2), and orjson refuses them.
        return json.dumps(value, separators=(",", ":")).encode()


def _elicitation_data(request: ConnectionRequest) -> dict[str, Json]:
    # The flow in the URL is already unique and unguessable, so its last segment names this elicitation.
    elicitation_id = request.url.rstrip("/").rpartition("/")[2]
    return {"elicitations": [{"mode": "url", "message": request.message, "url": request.url, "elicitationId": elicitation_id}]}
