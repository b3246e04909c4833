"""Outcome of a call -> what an MCP client of its era and capabilities understands."""

import json
from collections.abc import Mapping
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
class Answer:
    """The result of a `tools/call` as JSON. `missing_scopes`: answer HTTP 403 instead, where the response has not begun."""

    result: dict[str, Json]
    missing_scopes: frozenset[str] = frozenset()


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
                return Answer(_input_required(request))
        elif client.protocol_version >= "2025-11-25":
            raise MCPError(URL_ELICITATION_REQUIRED, request.message, _elicitation_data(request))
    structured = to_wire(outcome)
    missing = outcome.error.missing_scopes if outcome.error is not None and outcome.error.code == "insufficient_scope" else frozenset()
    text = outcome.text if outcome.text is not None else compact(structured)
    return Answer(tool_result(structured, text, is_error=outcome.status == "error"), missing)


def tool_result(structured: Mapping[str, Json], text: str, *, is_error: bool) -> dict[str, Json]:
    """Return a CallToolResult: the structured content, and the same as text for clients and models that read only that."""
    return {
        "resultType": "complete",
        "content": [{"type": "text", "text": text}],
        "structuredContent": structured,
        "isError": is_error,
    }


def compact(value: Json) -> str:
    """Return `value` as JSON without spaces."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        # Integers beyond 64 bits are JSON, and orjson refuses them.
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _input_required(request: ConnectionRequest) -> dict[str, Json]:
    question = {"method": "elicitation/create", "params": {"mode": "url", "message": request.message, "url": request.url}}
    return {"resultType": "input_required", "inputRequests": {CONNECT_KEY: question}}


def _elicitation_data(request: ConnectionRequest) -> dict[str, Json]:
    # The flow in the URL is already unique and unguessable, so its last segment names this elicitation.
    elicitation_id = request.url.rstrip("/").rpartition("/")[2]
    return {"elicitations": [{"mode": "url", "message": request.message, "url": request.url, "elicitationId": elicitation_id}]}
