"""An answer to HTTP/1.0: never in chunks, which such a client cannot read; its end is the end of the connection (RFC 9112 §6.1, §6.3)."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


class ClosingAnswer:
    """An ASGI application around `app` for one request, which `cycle` answers; the cycle closes by itself."""

    def __init__(self, app: ASGIApp, cycle: RequestResponseCycle) -> None:
        self._app = app
        self._cycle = cycle
        self._has_length = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_plainly(message: Message) -> None:
            cycle = self._cycle
            if message["type"] == "http.response.start":
                self._has_length = any(name.lower() == b"content-length" for name, _ in message.get("headers", ()))
                if not self._has_length:
                    cycle.chunked_encoding = False
            elif not self._has_length:
                # uvicorn counts what is left of a known length: here it is always just this piece.
                cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        await self._app(scope, receive, send_plainly)
