"""An ASGI extension of our server: a request that is whole already, answered with a response that is.

Most calls are so. ASGI takes a body and an answer in pieces, through two events and two messages that every layer may look into; for
a small call that costs as much as everything that is done with it.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from starlette.types import Scope
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

#: key in `scope["extensions"]`
EXTENSION: Final = "ascend.whole"
MAX_BODY_BYTES: Final = 64 * 1024
#: how long an answer waits for the rest of a small body
REST_OF_BODY_S: Final = 1.0
_PHRASES: Final = {status.value: status.phrase for status in HTTPStatus}
#: RFC 9110 §15: three digits are a status, also where nobody registered it (529: Anthropic's overload); RFC 9112 §4: a phrase may be empty
_STATUS_LINES: Final = {status: b"HTTP/1.1 %d %b\r\n" % (status, _PHRASES.get(status, "").encode()) for status in range(200, 600)}


class BufferedExchange(RequestResponseCycle):
    """One request on one connection, as uvicorn answers it. What the short way declines goes that of ASGI, as if nobody had asked."""

    #: of a request that asks for another protocol: gives the connection over, where nothing came behind the request
    switching: Callable[[Callable[[bytes], None]], bool] | None = None

    def take_body(self) -> bytes | None:
        """Take the request body, where all of it is here; else None, and `receive` has it."""
        # decision 0018: what is not whole and small goes the way of ASGI, which keeps its time and size limits.
        if self.more_body or self.disconnected or len(self.body) > MAX_BODY_BYTES:
            return None
        body = bytes(self.body)
        self.body = bytearray()
        # As `receive` would leave it: what comes next is the end of the connection.
        self.message_event.clear()
        return body

    def answer(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> bool:
        """Send a whole response in one write; False: nothing was sent, and `send` has to. Header values are ours, not a caller's."""
        return self.answer_lines(status, _lines((*self.default_headers, *headers)), body)

    def answer_lines(self, status: int, lines: bytes, body: bytes) -> bool:
        """Do so with header lines that are whole already, and with no others but the length."""
        # decision 0018: only recognised here; a closing connection and a slow reader (write_paused) are ASGI's to handle.
        if self.response_started or self.disconnected or not self.keep_alive or self.flow.write_paused or self.more_body:
            return False
        status_line = _STATUS_LINES.get(status)
        if status_line is None:
            return False
        self.response_started = self.response_complete = True
        # decision 0018: the scope holds what holds it, which only the garbage collector would free.
        self.scope["extensions"] = {}
        # RFC 9110 §10.1.1: the body is here, so nobody waits for 100 any more.
        self.waiting_for_100_continue = False
        # RFC 9112 §6.3: whatever followed the head of an answer to HEAD would be read as the next answer.
        sent = body if self.scope["method"] != "HEAD" else b""
        # decision 0018: one write. RFC 9112 §6.2: with its length, so that the connection lives on.
        self.transport.write(b"%b%bcontent-length: %d\r\n\r\n%b" % (status_line, lines, len(body), sent))
        self.message_event.set()
        self.on_response()
        return True

    def switch(self, lines: bytes, take: Callable[[bytes], None]) -> bool:
        """Answer 101 (RFC 9110 §7.8); from now on `take` gets what the client sends, and `write` and `end` are what it gets.

        False: nothing was sent; the client asked for no other protocol, or is gone, or did not wait for the answer.
        """
        if self.switching is None or self.response_started or self.disconnected or not self.switching(take):
            return False
        self.response_started, self.keep_alive = True, False
        self.transport.write(b"HTTP/1.1 101 Switching Protocols\r\n%b\r\n" % lines)
        return True

    async def write(self, data: bytes) -> None:
        """Send bytes of the other protocol; waits while the client does not read."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        self.transport.write(data)

    def end(self) -> None:
        """End the connection when what was written is sent."""
        self.response_complete = True
        self.transport.close()

    def break_off(self) -> None:
        """End the connection in the middle of an answer, whose end nobody knows: the client must not take what it got for whole."""
        # RFC 9112 §8: an incomplete message, seen as such by its length or its missing last chunk
        self.response_complete = True
        self.transport.abort()

    async def send(self, message: ASGISendEvent) -> None:
        """Send as uvicorn does, but begin no answer in the middle of a small body.

        A refusal needs no body, and could overtake it. Proxies written in Go (Caddy, Traefik) then stop to read from their caller, find
        their own request broken off and pass on the head of our answer without its body (seen in one of twenty).
        """
        if self.more_body and not self.response_started and not self.waiting_for_100_continue:
            with suppress(TimeoutError):
                async with asyncio.timeout(REST_OF_BODY_S):
                    while self.more_body and not self.disconnected and len(self.body) <= MAX_BODY_BYTES:
                        self.message_event.clear()
                        await self.message_event.wait()
            self.message_event.set()
        await super().send(message)


# decision 0018.
@lru_cache(maxsize=64)
def _lines(headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """Return the lines of a response head; most answers of one second have the same."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


def buffered_exchange(scope: Scope) -> BufferedExchange | None:
    """Return the extension, where the server has it (a test's own transport does not)."""
    extensions = scope.get("extensions")
    return extensions.get(EXTENSION) if extensions else None
