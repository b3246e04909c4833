"""Outcome of a call -> what an MCP client of its era and capabilities understands."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import orjson
from mcp.shared.exceptions import MCPError
from mcp_types import URL_ELICITATION_REQUIRED
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from server.mcp.tasks.wire import TaskAnswer
from server.request_scope import Headers
from tools.dispatch.wire import text_of, to_wire
from tools.operation import ClientInfo, ConnectionRequest, Json, Outcome
from tools.value_objects import value_object

#: the request in an InputRequiredResult that asks the person to connect an account; further ones are numbered
CONNECT_KEY = "connect"
HOW_TO_CONNECT = "show the person the url as a link: they open it in a browser, sign in to this gateway and connect the account"
#: headers and body of the 403 that asks for more scopes (RFC 6750 §3.1)
StepUpAnswer = tuple[Headers, bytes]
LINK_FACTS = "The link serves only this person, for ten minutes"


@value_object
class ToolAnswer:
    """A CallToolResult: structured content, already encoded, and text for clients and models that read only that.

    `step_up`: headers and body of an HTTP 403 to answer instead, where the response has not begun. `task`: long work that goes on.
    """

    structured: Json
    structured_json: bytes
    text: str
    is_error: bool
    step_up: StepUpAnswer | None = None
    task: str | None = None

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
    """An InputRequiredResult that sends the person to a page for each account (MCP 2026-07-28, multi-round-trip requests)."""

    requests: tuple[ConnectionRequest, ...]
    #: of a plan that had begun: what runs the rest of it
    resume: str | None = None
    step_up: StepUpAnswer | None = None
    #: sealed; comes back with the client's retry
    state: str = ""

    @property
    def providers(self) -> frozenset[str]:
        """Whose accounts are asked for."""
        return frozenset(request.provider for request in self.requests)

    def to_result(self) -> dict[str, Json]:
        """Return the result as JSON values."""
        questions = {
            CONNECT_KEY if place == 1 else f"{CONNECT_KEY}_{place}": {
                "method": "elicitation/create",
                "params": {"mode": "url", "message": request.message, "url": request.url},
            }
            for place, request in enumerate(self.requests, 1)
        }
        result: dict[str, Json] = {"resultType": "input_required", "inputRequests": questions}
        return result | ({"requestState": self.state} if self.state else {})

    def to_members(self) -> bytes:
        """Return the members of the result's JSON object, encoded."""
        return encoded(self.to_result())[1:-1]


@dataclass(frozen=True, slots=True)
class FormQuestion:
    """An InputRequiredResult that asks in the client's own words for forms. `then`: arguments of the call once all was accepted."""

    requests: Mapping[str, Json]
    then: Mapping[str, Json]
    step_up: None = None

    def to_result(self) -> dict[str, Json]:
        """Return the result as JSON values."""
        return {"resultType": "input_required", "inputRequests": dict(self.requests)}

    def to_members(self) -> bytes:
        """Return the members of the result's JSON object, encoded."""
        return encoded(self.to_result())[1:-1]


Answer = ToolAnswer | UrlQuestion | FormQuestion | TaskAnswer


def answer(outcome: Outcome, client: ClientInfo, *, asked: Collection[str] | None = (), step_up: StepUpAnswer | None = None) -> Answer:
    """Return the answer to one call.

    `asked`: providers about which the client already answered a question; None: about all. What it answered proves nothing, so
    the outcome was made anew; a client whose account is still missing now gets the link as a plain result instead of the same
    question again, which would loop.

    Raises:
        MCPError: -32042 for a 2025-11-25 client that can open URLs and must open one first.
    """
    structured = to_wire(outcome)
    if outcome.status == "needs_connection" and outcome.connection is not None:
        requests = _requests(outcome.connection, structured)
        # MCP 2026-07-28: nothing is asked that the client did not declare.
        if client.elicits_url:
            resume = structured.get("resume")
            if client.protocol_version in MODERN_PROTOCOL_VERSIONS:
                # MCP 2026-07-28, multi-round-trip requests: asked once; a second time would be a loop without a person.
                fresh = tuple(request for request in requests if asked is not None and request.provider not in asked)
                if fresh:
                    return UrlQuestion(fresh, resume)
            elif client.protocol_version >= "2025-11-25":
                # MCP 2025-11-25, URL elicitation; the later revision must not be sent this code.
                raise MCPError(URL_ELICITATION_REQUIRED, "; ".join(each.message for each in requests), _elicitation_data(requests, resume))
        structured = {**structured, "note": _instructions(structured)}
    structured_json = _around(structured, outcome.data_json)
    return ToolAnswer(
        structured,
        structured_json,
        text_of(outcome, structured, structured_json),
        outcome.status == "error",
        step_up,
        outcome.task,
    )


def encoded(value: Json) -> bytes:
    """Return `value` as JSON without spaces."""
    try:
        return orjson.dumps(value)
    except TypeError:
        # Integers beyond 64 bits and lone surrogates are JSON (RFC 8259 §8.2), and orjson refuses them.
        return json.dumps(value, separators=(",", ":")).encode()


def _around(structured: Mapping[str, Json], data_json: bytes | None) -> bytes:
    """Return `structured` as JSON, with the bytes of its `data` that were measured where there are any: no answer is encoded twice."""
    if data_json is None:
        return encoded(structured)
    try:
        # decision 0018: the bytes that were measured.
        return orjson.dumps({**structured, "data": orjson.Fragment(data_json)})
    except TypeError:  # a lone surrogate beside the data
        return encoded(structured)


def _instructions(structured: Mapping[str, Json]) -> str:
    # A plan that had begun must not begin again: its resume handle alone runs the rest.
    then = "then send only the resume handle" if "resume" in structured else "then send the same call again"
    return f"{HOW_TO_CONNECT}; {structured.get('note', then)}. {LINK_FACTS}"


def _requests(first: ConnectionRequest, structured: Mapping[str, Json]) -> list[ConnectionRequest]:
    """Return all accounts that are missing: a plan names each, with the first among them."""
    return [ConnectionRequest(**each) for each in structured.get("connections", ())] or [first]


def _elicitation_data(requests: list[ConnectionRequest], resume: str | None) -> dict[str, Json]:
    # The flow in the URL is already unique and unguessable, so its last segment names this elicitation.
    elicitations = [
        # MCP 2025-11-25: names the elicitation, and proves nothing
        {"mode": "url", "message": each.message, "url": each.url, "elicitationId": each.url.rstrip("/").rpartition("/")[2]}
        for each in requests
    ]
    return {"elicitations": elicitations} | ({"resume": resume} if resume else {})
