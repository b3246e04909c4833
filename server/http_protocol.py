"""What a request head may be, before any of our code sees it: one Host, bounded, in time, and meant for us.

The parser refuses what is malformed (RFC 9112: two lengths, a length beside chunks, bare line feeds, folded lines). It leaves open
what is only wrong here, and it would keep a head that never ends.
"""

import asyncio
import re
from functools import lru_cache
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from server.whole_exchange import EXTENSION, WholeExchange

MAX_HEADERS = 100
MAX_HEAD_BYTES = 48 * 1024
HEAD_TIMEOUT_S = 20.0
#: how long a client may leave more of an answer unread than the transport holds
UNREAD_TIMEOUT_S = 120.0

#: RFC 3986 §3.2.2: a name, an IPv4 or bracketed IPv6 address, and perhaps a port; no user information, no list
_AUTHORITY = re.compile(rb"(?:[A-Za-z0-9._~-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{0,5})?")


class UnfitHead(Exception):
    """The parser turns it into 400 and a closed connection."""


class StrictHttp(HttpToolsProtocol):
    """uvicorn's connection with these bounds. `authority`: where we are served, which a target in absolute form must name."""

    authority = b""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._is_in_head = False
        #: of the head so far, without and with what is being read now; the latter may be more than the head
        self._head_bytes = self._most_head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._unread_timer: asyncio.TimerHandle | None = None
        #: since when there is nothing to do, by the clock of the loop; None: a request is coming in or under way
        self._idle_since: float | None = None
        #: the request that is being answered, or was last; `cycle` is the one that was read last, which may wait behind it
        self._active: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn declares it
        super().connection_made(transport)
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        # uvicorn tells only the request that was read last.
        if (active := self._active) is not None and active is not self.cycle:
            active.disconnected = not active.response_complete
            active.message_event.set()
        super().connection_lost(exc)
        self._stop_unread_timer()
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()

    def data_received(self, data: bytes) -> None:
        self._most_head_bytes = self._head_bytes + len(data)
        super().data_received(data)
        if self._is_in_head and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self.send_400_response("The request head is too large.")
            else:
                self._start_head_timer()

    def on_message_begin(self) -> None:
        self._is_in_head, self._head_bytes, self._idle_since = True, 0, None
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        self._stop_head_timer()
        _check(self.headers, self._most_head_bytes, self.url, self.authority)
        super().on_headers_complete()
        cycle = self.cycle
        if cycle is not None and cycle.scope is self.scope:
            cycle.scope["extensions"] = {EXTENSION: WholeExchange(cycle)}  # type: ignore[dict-item]  # uvicorn asks for a dict

    def on_response_complete(self) -> None:
        """Go on as uvicorn does, but without a timer for every response: one for each connection looks again when it has run out."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be read, but never in the place of another answer: requests before it are answered first, and then it ends."""
        pipeline, cycle = self.pipeline, self.cycle
        if pipeline and pipeline[0][0] is cycle and cycle.more_body:
            pipeline.popleft()  # Its body is what cannot be read.
        last = pipeline[0][0] if pipeline else self._active
        if last is None or last.response_complete:
            super().send_400_response(msg)
        elif last is not cycle or not cycle.more_body:
            self._is_in_head = last.keep_alive = False
            self._stop_head_timer()
        elif last.response_started:
            self.transport.close()
        else:
            super().send_400_response(msg)

    def pause_writing(self) -> None:
        super().pause_writing()
        # A client that never reads would keep its answer in memory for as long as it likes.
        self._unread_timer = self.loop.call_later(UNREAD_TIMEOUT_S, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_unread_timer()

    def _stop_unread_timer(self) -> None:
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._active = cycle
        super()._start_asgi_task(cycle, app)

    def _unset_keepalive_if_required(self) -> None:
        """Go on counting: bytes that begin no request are nothing to do (uvicorn would stop for each of them)."""

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that has had nothing to do for long enough."""
        self.timeout_keep_alive_task = None
        if self._idle_since is None or self.transport.is_closing():
            return
        left_s = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left_s > 0:
            self.timeout_keep_alive_task = self.loop.call_later(left_s, self.timeout_keep_alive_handler)
        else:
            self.transport.close()

    def _start_head_timer(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._head_is_late)

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self._active is not None and not self._active.response_complete:
            self._start_head_timer()  # Nothing is read while a request waits behind the one under way.
        else:
            self.transport.close()

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def strict_http(authority: str) -> type[StrictHttp]:
    """Return the protocol of a server that is served at `authority`."""

    class Served(StrictHttp):
        pass

    Served.authority = authority.lower().encode()
    return Served


def _check(headers: list[tuple[bytes, bytes]], most_bytes: int, target: bytes, authority: bytes) -> None:
    """Raise UnfitHead where a head is not for us (RFC 9112 §3.2: exactly one valid Host). `most_bytes`: it is not larger than this."""
    if len(headers) > MAX_HEADERS:
        raise UnfitHead
    if most_bytes > MAX_HEAD_BYTES and len(target) + sum(len(name) + len(value) for name, value in headers) > MAX_HEAD_BYTES:
        raise UnfitHead
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) != 1 or not _is_authority(hosts[0]):
        raise UnfitHead
    if not target.startswith((b"/", b"*")) and _authority_of(target) != authority:
        raise UnfitHead


@lru_cache(maxsize=256)
def _is_authority(host: bytes) -> bool:
    return _AUTHORITY.fullmatch(host.strip(b" \t")) is not None


def _authority_of(target: bytes) -> bytes:
    parts = httptools.parse_url(target)
    host: bytes = parts.host or b""
    bare = b"[" + host + b"]" if b":" in host else host
    return (bare if parts.port is None else b"%b:%d" % (bare, parts.port)).lower()
