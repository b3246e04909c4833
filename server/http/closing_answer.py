"""Answers whose end is the end of the connection."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


class ClosingAnswer:
    """An ASGI application around `app` for a request of HTTP/1.0, which `cycle` answers; the cycle closes by itself.

    Such a client cannot read chunks (RFC 9112 §6.1, §6.3).
    """

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
                    # RFC 9112 §6.1: no Transfer-Encoding to HTTP/1.0; the end of the connection is the end of the answer (§6.3, rule 8).
                    cycle.chunked_encoding = False
            elif not self._has_length:
                # uvicorn counts what is left of a known length: here it is always just this piece.
                cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        await self._app(scope, receive, send_plainly)


class UnaskedBody:
    """An ASGI application around `app` for a request whose client waits to be told to send the body (RFC 9110 §10.1.1).

    An answer that comes without having asked for it ends the connection: the client may send the body all the same, or go on with its
    next request, and nobody but the client knows which of them the next bytes are.
    """

    def __init__(self, app: ASGIApp, cycle: RequestResponseCycle) -> None:
        self._app = app
        self._cycle = cycle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_last(message: Message) -> None:
            cycle = self._cycle
            # RFC 9110 §10.1.1: a final answer before the body came; §9.3 of RFC 9112 lets the connection go on only where its end is known.
            if cycle.waiting_for_100_continue and cycle.more_body and message["type"] == "http.response.start":
                cycle.keep_alive = False
            await send(message)

        await self._app(scope, receive, send_last)
