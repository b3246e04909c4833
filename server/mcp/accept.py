"""The media types of MCP: of a body JSON; of an answer the one that the client takes, where it does not take both (RFC 9110 §12.5.1).

MCP has clients list `application/json` and `text/event-stream`. Many list one, or nothing, which means any. The SDK answers only
those that list both, so it is told that they do, and what it says is put into the type that was asked for.
"""

import re
from typing import Final, NamedTuple

import orjson
from starlette.types import Message, Send

from server.mcp.transport import send_whole
from server.request_scope import Headers

BOTH: Final = b"application/json, text/event-stream"
#: both, as clients write it; any other spelling is read by `accepted`
# decision 0018
PLAIN_ACCEPTS: Final = frozenset({BOTH, b"text/event-stream, application/json", b"*/*"})
_JSON: Final = frozenset({"application/json", "application/*", "*/*"})
_EVENTS: Final = frozenset({"text/event-stream", "text/*", "*/*"})
_NEVER: Final = re.compile(r"q\s*=\s*0(?:\.0*)?")
_EVENT_END: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r")


class Accepted(NamedTuple):
    """Which of the two types of MCP a client takes."""

    json: bool
    events: bool


def accepted(headers: Headers) -> Accepted:
    """Return what the Accept headers take; none of them: everything."""
    values = [value.decode("latin-1").lower() for name, value in headers if name == b"accept"]
    ranges = [part.strip() for value in values for part in value.split(",") if part.strip()]
    # RFC 9110 §12.5.1: no Accept means any type.
    if not ranges:
        return Accepted(json=True, events=True)
    wanted = set()
    for media_range in ranges:
        media_type, *parameters = (piece.strip() for piece in media_range.split(";"))
        # RFC 9110 §12.4.2: q=0 means not acceptable; the order of preference does not matter with two.
        if not any(_NEVER.fullmatch(parameter) for parameter in parameters):
            wanted.add(media_type)
    return Accepted(json=not wanted.isdisjoint(_JSON), events=not wanted.isdisjoint(_EVENTS))


def with_both(headers: Headers) -> Headers:
    """Return `headers` with an Accept that the SDK answers."""
    return [*(header for header in headers if header[0] != b"accept"), (b"accept", BOTH)]


def json_type(headers: Headers) -> Headers | None:
    """Return `headers` with the type of JSON as the SDK compares it, where that or none was sent; None for any other type."""
    named = {value.partition(b";")[0].strip(b" \t").lower() for name, value in headers if name == b"content-type"}
    if named - {b"application/json"}:
        return None
    return [*(header for header in headers if header[0] != b"content-type"), (b"content-type", b"application/json")]


def in_type(send: Send, takes: Accepted) -> Send:
    """Return a `send` that puts answers into the one type that is taken, or leaves them as they are."""
    if takes.json and takes.events:
        return send
    return _as_json(send) if takes.json else _as_events(send)


def _as_json(send: Send) -> Send:
    """An event stream becomes its last message, which is the answer; what came before told of progress."""
    head: list[Message] = []
    pending, answer = b"", b""

    async def send_json(message: Message) -> None:
        nonlocal pending, answer
        if message["type"] == "http.response.start":
            if _type_of(message).startswith(b"text/event-stream"):
                head.append(message)
                return
        elif head:
            # HTML, server-sent events §9.2.5: an event ends at an empty line, with any of three line ends.
            *events, pending = _EVENT_END.split(pending + message.get("body", b""))
            for event in events:
                answer = _answer_in(event) or answer
            if not message.get("more_body", False):
                start = head.pop()
                kept = [header for header in start["headers"] if header[0].lower() not in (b"content-type", b"content-length")]
                await send_whole(send, start["status"], [(b"content-type", b"application/json"), *kept], answer)
            return
        await send(message)

    return send_json


def _as_events(send: Send) -> Send:
    """A JSON answer becomes the one event of a stream; refusals stay what they are."""
    head: list[Message] = []
    body = b""

    async def send_events(message: Message) -> None:
        nonlocal body
        if message["type"] == "http.response.start":
            # A refusal keeps its status and type: clients look for the challenge of a 401 before they look at a body.
            if message["status"] == 200 and _type_of(message).startswith(b"application/json"):
                head.append(message)
                return
        elif head:
            body += message.get("body", b"")
            if not message.get("more_body", False):
                start = head.pop()
                kept = [header for header in start["headers"] if header[0].lower() not in (b"content-type", b"content-length")]
                stream = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache, no-transform"), *kept]
                await send_whole(send, 200, stream, b"event: message\r\ndata: %b\r\n\r\n" % body)
            return
        await send(message)

    return send_events


def _type_of(start: Message) -> bytes:
    return next((value.lower() for name, value in start["headers"] if name.lower() == b"content-type"), b"")


def _answer_in(event: bytes) -> bytes:
    """Return the JSON-RPC response that an event carries; nothing of a comment or a notification."""
    # HTML, server-sent events §9.2.6: one blank after the colon is not data.
    lines = [line[5:].removeprefix(b" ") for line in event.splitlines() if line.startswith(b"data:")]
    data = b"\n".join(lines)
    try:
        message = orjson.loads(data)
    except orjson.JSONDecodeError:
        return b""
    return data if isinstance(message, dict) and ("result" in message or "error" in message) else b""
