"""Where the body of one request comes from and its answer goes, and which web pages may read it (Fetch, CORS protocol)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.types import Receive, Scope, Send

from server.http.buffered_exchange import BufferedExchange, buffered_exchange
from server.model_api.paths import ModelPath
from server.origins import Callers
from server.request_scope import ALLOWED_HEADERS, CORS, Headers
from tools.ai_gateway.replies import WholeReply

#: `*`: no cookie counts here, so a page may read whatever it is sent: what the call was, and how its limits stand
CROSS_ORIGIN: Final = (
    (b"access-control-allow-origin", CORS["access-control-allow-origin"].encode()),
    (b"access-control-expose-headers", b"*"),
)
_PREFLIGHT: Final = {"access-control-allow-headers": f"X-Api-Key, {ALLOWED_HEADERS}", "access-control-max-age": "86400"}


@dataclass(frozen=True, slots=True)
class Wire:
    """One request. `added`: what every answer says to the browser that asks for a page, if any does."""

    receive: Receive
    send: Send
    whole: BufferedExchange | None
    added: Headers = ()

    @classmethod
    def of(cls, scope: Scope, receive: Receive, send: Send, callers: Callers) -> "Wire":
        origins = [value for name, value in scope["headers"] if name == b"origin"]
        # As at /mcp (server/bearer.py): a page that may not call learns nothing, not even from refusals.
        is_taken = bool(origins) and all(callers.takes_origin(origin) for origin in origins)
        return cls(receive, send, buffered_exchange(scope), CROSS_ORIGIN if is_taken else ())

    async def answer(self, reply: WholeReply) -> None:
        """Send an answer that is whole."""
        headers = [(b"content-type", harmless(reply.content_type).encode("latin-1", "replace")), *self.added, *encoded(reply.headers)]
        if _kind(reply.content_type) != "application/json":
            headers.append((b"x-content-type-options", b"nosniff"))
        # decision 0018: one write.
        if self.whole is not None and self.whole.answer(reply.status, headers, reply.body):
            return
        headers.append((b"content-length", str(len(reply.body)).encode()))
        await self.send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": reply.body})

    async def preflight(self, path: ModelPath) -> None:
        """Say what may be asked at an address, to pages that may ask (RFC 9110 §9.3.7)."""
        allow = {"allow": path.allow}
        told = allow | _PREFLIGHT | {"access-control-allow-methods": path.allow} if self.added else allow
        await self.send({"type": "http.response.start", "status": 204, "headers": [*self.added, *encoded(told)]})
        await self.send({"type": "http.response.body", "body": b""})


def harmless(content_type: str) -> str:
    """Return a provider's word for what it sent, or one under which no browser runs it: it would run as a page of ours."""
    # One line becomes one header, and one type: of a list browsers take the last that they know (Fetch §3.4).
    kind, parameters = _kind(content_type), content_type.partition(";")[2]
    is_one = content_type.isprintable() and "," not in content_type
    if not is_one or kind.endswith(("xml", "javascript", "pdf")) or kind.startswith("multipart/"):
        return "application/octet-stream"
    if kind.startswith("text/") and kind != "text/event-stream":
        return f"text/plain;{parameters}" if parameters else "text/plain"
    return content_type


def _kind(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
