"""The HTTP of one MCP request: who may send it, how much, and what can still change before the first byte goes out."""

import json
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import INVALID_REQUEST
from starlette.types import Message, Receive, Scope, Send

MAX_BODY_BYTES = 4 * 1024 * 1024
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

Headers = Sequence[tuple[bytes, bytes]]
#: scope keys: a whole answer that replaces the one under way; headers to add to it
REPLACEMENT = "ascend.replacement"
EXTRA_HEADERS = "ascend.extra_headers"


def transport_security(base_url: str) -> TransportSecuritySettings:
    """Return which `Host` and `Origin` headers are ours: the public origin, and every loopback form when that is loopback.

    The list keeps DNS rebinding out (MCP transports, "Security Warning").
    """
    parts = urlsplit(base_url)
    default_port = {"http": 80, "https": 443}[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    hosts, origins = [parts.netloc], [base_url]
    if parts.port in (None, default_port):
        hosts += [host, f"{host}:{default_port}"]
    if host in LOOPBACK:
        hosts += [form for name in LOOPBACK for form in (name, f"{name}:*")]
        origins += [form for name in LOOPBACK for form in (f"{parts.scheme}://{name}", f"{parts.scheme}://{name}:*")]
    return TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=origins)


async def read_body(receive: Receive, max_bytes: int = MAX_BODY_BYTES) -> bytes | None:
    """Return the whole body; None where it is larger than allowed, and then the rest is left unread."""
    chunks: list[bytes] = []
    total = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        total += len(chunk)
        if total > max_bytes:
            return None
        chunks.append(chunk)
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


class ClientGone(Exception):
    """The client closed the connection before its request was whole: there is nobody to answer."""


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
            head.append(message)
            return
        if is_replaced:
            return
        if head:
            start = head.pop()
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
