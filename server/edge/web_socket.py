"""WebSockets: the handshake is judged on both sides (RFC 6455 §4), then bytes pass as they are until one side ends."""

import asyncio
import base64
import hashlib
import re
from collections import deque
from typing import Final

from server.edge.backends.forwarding import Answer, BrokenOff, CallerGone
from server.edge.incoming import Incoming
from server.edge.open_sockets import OpenSockets
from server.edge.refusals import EdgeRefused
from server.edge.request_headers import head_lines, nominated_by
from server.edge.route import Route
from tools.egress.relay_answer import Fields

#: without a byte in either direction; whoever wants to stay sends a ping
IDLE_S: Final = 900.0
#: sent by a caller and not yet taken by the backend: then the caller waits in its own TCP window
MAX_AHEAD_BYTES: Final = 256 * 1024
#: RFC 6455 §1.3
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#: RFC 6455 §4.1: sixteen bytes
_KEY: Final = re.compile(rb"[A-Za-z0-9+/]{22}==")
_PASSED_ON: Final = frozenset({b"sec-websocket-key", b"sec-websocket-version", b"sec-websocket-protocol", b"sec-websocket-extensions"})
_UPGRADE: Final = (b"upgrade", b"websocket")


def handshake(route: Route, request: Incoming, own_origin: bytes) -> Fields | None:
    """Return the fields that ask a backend for a WebSocket; None where none is asked for, or the route has none.

    Raises EdgeRefused for a handshake that is none, and for one that a page of another origin began: no browser asks first, and
    the backend's cookies would come along.
    """
    if not route.config.websocket or request.value_of(b"upgrade").strip().lower() != b"websocket" or request.exchange is None:
        return None
    key, version = request.value_of(b"sec-websocket-key"), request.value_of(b"sec-websocket-version")
    if request.method != b"GET" or b"upgrade" not in nominated_by(request.headers) or _KEY.fullmatch(key) is None:
        raise EdgeRefused(400, "invalid_handshake", "this is no handshake of a WebSocket (RFC 6455 §4.1)")
    if version != b"13":
        raise EdgeRefused(426, "invalid_handshake", "WebSockets are of version 13", {"sec-websocket-version": "13", "upgrade": "websocket"})
    origin = request.value_of(b"origin")
    if origin and not (route.cors.allows(origin) if route.cors is not None else origin == own_origin):
        raise EdgeRefused(403, "origin_not_allowed", "pages of this origin may not call this address")
    asked = [field for field in request.headers if field[0] in _PASSED_ON]
    return [(b"connection", b"Upgrade"), _UPGRADE, *asked]


async def pass_bytes(route: Route, request: Incoming, answer: Answer, fields: Fields, sockets: OpenSockets) -> None:
    """Answer 101 and pass bytes in both directions, while the caller's token and the route last, until both are silent for `IDLE_S`.

    Raises EdgeRefused where the backend did not answer this handshake; after it CallerGone, and BrokenOff where the backend's
    connection broke.
    """
    exchange, connection = request.exchange, answer.connection
    told = dict(answer.head.fields)
    expected = base64.b64encode(hashlib.sha1(request.value_of(b"sec-websocket-key") + _GUID, usedforsecurity=False).digest())
    if exchange is None or told.get(b"sec-websocket-accept") != expected or told.get(b"upgrade", b"").lower() != b"websocket":
        # RFC 6455 §4.1: whatever it speaks, it did not agree to this.
        raise EdgeRefused(502, "backend_failed", "the backend of this route switched to something that is no WebSocket")
    to_backend = _ToBackend(request, answer)
    lines = head_lines([(b"connection", b"Upgrade"), _UPGRADE, *fields, *request.added])
    if not exchange.switch(lines, to_backend.take):
        raise EdgeRefused(400, "invalid_handshake", "more came before the answer to the handshake", {"connection": "close"})
    connection.timeout_s = IDLE_S
    sending = asyncio.create_task(to_backend.run())
    try:
        async with sockets.holding(route, request, answer.backend.url) as limit:
            while piece := await connection.read():
                await exchange.write(piece)
        if limit.expired():
            # Not when it is all sent: a caller who does not read would stay.
            exchange.break_off()
    except CallerGone:
        raise
    except TimeoutError:
        return  # Nobody said anything for so long: an end like any other.
    except Exception as error:
        # 101 is out: nothing can be answered any more.
        raise BrokenOff(answer.backend, error) from error
    finally:
        sending.cancel()
        exchange.end()


class _ToBackend:
    """What a caller sends, on its way to the backend."""

    def __init__(self, request: Incoming, answer: Answer) -> None:
        self._request, self._connection = request, answer.connection
        self._pieces = deque[bytes]()
        self._bytes = 0
        self._more = asyncio.Event()

    def take(self, data: bytes) -> None:
        """Called by the caller's connection for whatever comes."""
        self._pieces.append(data)
        self._bytes += len(data)
        if self._bytes > MAX_AHEAD_BYTES and self._request.exchange is not None:
            self._request.exchange.flow.pause_reading()
        self._more.set()

    async def run(self) -> None:
        try:
            while True:
                await self._more.wait()
                self._more.clear()
                while self._pieces:
                    piece = self._pieces.popleft()
                    self._bytes -= len(piece)
                    await self._connection.write(piece)
                if self._request.exchange is not None:
                    self._request.exchange.flow.resume_reading()
        except Exception as error:
            self._connection.give_up(error)
