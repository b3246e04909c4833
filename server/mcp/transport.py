"""The HTTP of one MCP request: who may send it, how much, and what can still change before the first byte goes out."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import orjson
from mcp_types import INVALID_REQUEST, PARSE_ERROR
from starlette.types import Message, Receive, Scope, Send

from server.mcp.duplicate_names import BLANKS_AND_ZEROS, names_in, repeated_name, repeated_name_in_turns
from server.origins import Callers
from server.request_body import LARGE_BODY_BYTES
from server.request_scope import EXTRA_HEADERS, REPLACEMENT, Headers


def foreign_caller(headers: Headers, callers: Callers) -> tuple[int, str] | None:
    """Return status and message for a request that is not meant for us, or comes from a web page that may not call (DNS rebinding)."""
    named = [value for name, value in headers if name == b"host"]
    # RFC 9110 §7.4 (421): a web page whose name was rebound to our address sends its own name here.
    if len(named) != 1 or not callers.takes_host(named[0]):
        return 421, "the Host header does not name this gateway; send requests to its base URL"
    # MCP 2026-07-28, transports: Origin MUST be validated, 403. All of them, if somebody sends two.
    if not all(callers.takes_origin(value) for name, value in headers if name == b"origin"):
        return 403, "the Origin header names a site that may not call; an operator can add it to ASCEND_ALLOWED_ORIGINS"
    return None


async def envelope_fault(body: bytes) -> tuple[int, str] | None:
    """Return code and message for a body that is no JSON-RPC 2.0 message of MCP, else None.

    The SDK's older leg takes a request whose id is null, a boolean, a fraction or an object for a notification, and answers other
    faults with its validator's own words.
    """
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError:
        return PARSE_ERROR, "the body is not JSON (RFC 8259) in UTF-8"
    # RFC 8259 §4: what is checked here must be what the SDK's parser keeps.
    if len(body) > LARGE_BODY_BYTES:
        await asyncio.sleep(0)
        name = await repeated_name_in_turns(body, names_in(message))
    else:
        name = repeated_name(body, body.translate(BLANKS_AND_ZEROS), names_in(message))
    if name is not None:
        shown = name[:60].encode(errors="replace").decode()
        return INVALID_REQUEST, f"an object of the body has '{shown}' twice; send each name once (RFC 8259 §4)"
    # MCP 2026-07-28: one message a POST; JSON-RPC 2.0 §6 has batches.
    if type(message) is not dict:
        return INVALID_REQUEST, "the body must be one JSON-RPC message, an object; batches are not part of MCP"
    # JSON-RPC 2.0 §4.
    if message.get("jsonrpc") != "2.0":
        return INVALID_REQUEST, 'jsonrpc must be "2.0"'
    if "method" in message:
        if type(message["method"]) is not str:
            return INVALID_REQUEST, "method must be a string"
        # JSON-RPC 2.0 §4.2 also has arrays, MCP has not.
        if type(message.get("params", {})) is not dict:
            return INVALID_REQUEST, "params must be an object"
        # MCP: never null. Taken for a notification, such a request would run and never be answered.
        if type(message.get("id", "")) not in (int, str):
            return INVALID_REQUEST, "id must be a string or an integer; leave it out of a notification"
    # JSON-RPC 2.0 §5: a response has a result or an error.
    elif "id" not in message or ("result" not in message and "error" not in message):
        return INVALID_REQUEST, "method is missing"
    return None


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives `body` again, then whatever follows (the disconnect that cancels a call)."""
    pending = [body]

    async def again() -> Message:
        if pending:
            return {"type": "http.request", "body": pending.pop(), "more_body": False}
        return await receive()

    return again


def held_start(scope: Scope, send: Send) -> Callable[[Message], Awaitable[None]]:
    """Return a `send` that keeps the response head back until the first byte of the body.

    An event stream commits to 200 before its handler has run. Held back, the handler can still add headers or replace the
    whole answer, which the 403 step-up needs (MCP authorization, "Runtime Insufficient Scope Errors").
    """
    head: list[Message] = []
    is_replaced = False

    async def hold(message: Message) -> None:
        nonlocal is_replaced
        if message["type"] == "http.response.start":
            # RFC 6750 §3.1: insufficient_scope is a 403, and a status that was sent cannot be taken back.
            head.append(message)
            return
        if is_replaced:
            return
        if head:
            start = head.pop()
            # What becomes of the connection is the server's to say, once.
            start["headers"] = [header for header in start["headers"] if header != (b"connection", b"keep-alive")]
            if (replacement := scope.get(REPLACEMENT)) is not None:
                is_replaced = True
                await send_whole(send, *replacement)
                return
            if extra := scope.get(EXTRA_HEADERS):
                start = {**start, "headers": [*start["headers"], *extra]}
            await send(start)
        await send(message)

    return hold


def trimmed(headers: Headers) -> Headers:
    """Return `headers` without the whitespace around values, which is no part of them (RFC 9110 §5.5) but which parsers leave in."""
    if any(value[-1:] in (b" ", b"\t") or value[:1] in (b" ", b"\t") for _, value in headers):
        return [(name, value.strip(b" \t")) for name, value in headers]
    return headers


async def send_whole(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """Send one complete response."""
    named = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": named})
    await send({"type": "http.response.body", "body": body})


async def send_rpc_error(send: Send, status: int, message: str, *, code: int = INVALID_REQUEST, headers: Headers = ()) -> None:
    """Send a JSON-RPC error that answers no particular request."""
    body = json.dumps({"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}}).encode()
    await send_whole(send, status, [(b"content-type", b"application/json"), *headers], body)
