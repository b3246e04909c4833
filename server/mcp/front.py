"""Sends what is for the MCP endpoint straight there: searching the URL table first costs a tenth of a call."""

from contextlib import suppress

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from server.discovery import CARD_PATHS
from server.error_responses import answer_unknown_exception


class McpFront:
    """`/mcp`, `/mcp/` and `/mcp/{tenant}` go to `guarded`, everything else (the server card too, and people with browsers) to `rest`.

    It decides on the raw path, as the guard behind it does, and never redirects: a redirect from `/mcp/` to `/mcp` would lose the
    body or the token in several clients.
    """

    def __init__(self, guarded: ASGIApp, rest: ASGIApp) -> None:
        self._guarded = guarded
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # decision 0018: it only recognises; the guard behind it looks at the path again.
        if scope["type"] == "http" and scope["path"] == "*":
            # RFC 9110 §9.3.7: of the server in general. No other method has this target (server/http/heads.py).
            await send({"type": "http.response.start", "status": 204, "headers": [(b"allow", b"GET, HEAD, POST, OPTIONS")]})
            await send({"type": "http.response.body", "body": b""})
            return
        if scope["type"] != "http" or not is_mcp(scope["path"]) or (scope["method"] == "GET" and is_browsing(scope)):
            await self._rest(scope, receive, send)
            return
        try:
            await self._guarded(scope, receive, send)
        except Exception as error:
            response = await answer_unknown_exception(Request(scope), error)
            # The answer may be under way already; then the server closes the connection, and the log has the reason.
            with suppress(RuntimeError):
                await response(scope, receive, send)


def is_mcp(path: str) -> bool:
    """Say whether `path` is the MCP endpoint of a tenant."""
    if path == "/mcp":
        return True
    if not path.startswith("/mcp/") or path in CARD_PATHS:
        return False
    # The raw path: what the Host header or a decoded slash could make of it never decides who is guarded.
    return "/" not in path[len("/mcp/") :].removesuffix("/")


def is_browsing(scope: Scope) -> bool:
    """Say whether a person looks at the address: only browsers ask for a page, and clients ask with a token or for events."""
    fields = dict(scope["headers"])
    accept = fields.get(b"accept", b"").lower()
    return b"text/html" in accept and b"text/event-stream" not in accept and b"authorization" not in fields
