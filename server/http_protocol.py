"""One connection: requests are told apart exactly as RFC 9112 tells them, in time, and within bounds.

The parser is never given a byte of a request before the line that begins it has been judged by server/http_heads.py; so where a
message ends is where the next one begins, for the parser and for us. It would also leave every body out of which it believes that
another protocol follows (`Connection: Upgrade`). We have no other protocol: an Upgrade is ignored, and the body read by its length
(RFC 9110 §7.8).
"""

import asyncio
from typing import Any

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from server.closing_answer import ClosingAnswer
from server.http_heads import BEGINNING_OF_LINE, MAX_HEAD_BYTES, REQUEST_LINE, UnfitHead, body_after
from server.whole_exchange import EXTENSION, WholeExchange

HEAD_TIMEOUT_S = 20.0
#: how long a client may leave more of an answer unread than the transport holds
UNREAD_TIMEOUT_S = 120.0
#: requests that wait behind the one that is being answered; what follows them stays unread
MAX_WAITING = 16

#: where in the stream the next byte is: before a request, in its head, in a body of known length, in chunks
_BETWEEN, _HEAD, _SIZED, _CHUNKED = range(4)


class _Flow(FlowControl):
    """Reading that stays paused while there is enough to do."""

    is_held = False

    def resume_reading(self) -> None:
        if not self.is_held:
            super().resume_reading()


class _NoFields(list[tuple[bytes, bytes]]):
    """Where trailers go: they are not part of the head (RFC 9110 §6.5.1), and nobody here reads them."""

    def append(self, field: tuple[bytes, bytes]) -> None:
        """Forget the field."""


_NO_FIELDS = _NoFields()


class StrictHttp(HttpToolsProtocol):
    """uvicorn's connection with these rules. `authority`: where we are served, which a target in absolute form must name."""

    authority = b""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._stage = _BETWEEN
        #: of a sized body, what has not come
        self._left_bytes = 0
        #: of a head, or of what surrounds chunks, since the last byte of a body
        self._overhead_bytes = 0
        #: read but not parsed: the beginning of a request line, or what follows too many requests
        self._rest = b""
        #: what comes now is nothing: it follows a refusal, or a request that ends the connection
        self._is_over = False
        #: the parser reads, once more and without its Upgrade, a head that we know
        self._is_again = False
        self._head_timer: asyncio.TimerHandle | None = None
        self._unread_timer: asyncio.TimerHandle | None = None
        #: since when there is nothing to do, by the clock of the loop; None: a request is coming in or under way
        self._idle_since: float | None = None
        #: the request that is being answered, or was last; `cycle` is the one that was read last, which may wait behind it
        self._active: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn declares it
        super().connection_made(transport)
        self.flow: _Flow = _Flow(transport)
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
        if self._rest:
            data, self._rest = self._rest + data, b""
        try:
            self._read(data)
        except (httptools.HttpParserError, UnfitHead):
            self.logger.warning("Invalid HTTP request received.")
            self.send_400_response("Invalid HTTP request received.")
        else:
            if (self._stage == _HEAD or self._rest) and not self.transport.is_closing():
                self._start_head_timer()

    def _read(self, data: bytes) -> None:
        """Give the parser `data`, in pieces of which none reaches beyond a request. Raises UnfitHead."""
        at, size = 0, len(data)
        while at < size and not self._is_over:
            if self._stage == _BETWEEN:
                while data.startswith(b"\r\n", at):  # RFC 9112 §2.2
                    at += 2
                if at == size:
                    return
                if len(self.pipeline) >= MAX_WAITING:
                    self._rest, self.flow.is_held = data[at:], True
                    self.flow.pause_reading()
                    return
                if REQUEST_LINE.match(data, at) is None:
                    if size - at > MAX_HEAD_BYTES or BEGINNING_OF_LINE.fullmatch(data, at) is None:
                        raise UnfitHead
                    self._rest = data[at:]
                    return
                self._stage, self._overhead_bytes = _HEAD, 0
                end = _after_empty_line(data, at)
            elif self._stage == _SIZED:
                end = min(at + self._left_bytes, size)
            else:
                # The empty line may have begun in what came before.
                near = data.find(b"\n", at, at + 3)
                end = near + 1 if near >= 0 else _after_empty_line(data, at)
            self._feed(data[at:end])
            at = end

    def _feed(self, piece: bytes) -> None:
        stage = self._stage
        if stage == _SIZED:
            self._left_bytes -= len(piece)
        else:
            self._overhead_bytes += len(piece)
            if stage == _HEAD and self._overhead_bytes > MAX_HEAD_BYTES:
                raise UnfitHead
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            self._read_on_without_upgrade()
        if stage == _CHUNKED:
            if self._stage == _BETWEEN:
                # A trailer may have told the old one of the connection's end.
                self.parser = httptools.HttpRequestParser(self)
            elif self._overhead_bytes > MAX_HEAD_BYTES:
                raise UnfitHead  # Trailers and chunk extensions without end would be kept by the parser.

    def _read_on_without_upgrade(self) -> None:
        """Have a new parser read the body; the old one takes the head for the whole message."""
        self.parser = httptools.HttpRequestParser(self)
        framing = b"Transfer-Encoding: chunked" if self._stage == _CHUNKED else b"Content-Length: %d" % self._left_bytes
        self._is_again = True
        self.parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n\r\n" % framing)

    def on_message_begin(self) -> None:
        if self._stage != _HEAD and not self._is_again:
            raise UnfitHead  # The parser and we disagree, which must not be.
        self._idle_since = None
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if self._is_again:
            self._is_again, self.headers = False, _NO_FIELDS
            return
        self._stop_head_timer()
        version = self.parser.get_http_version()
        length, self.expect_100_continue = body_after(self.parser.get_method(), self.url, version, self.headers, self.authority)
        self._stage, self._left_bytes, self._overhead_bytes = (_CHUNKED, 0, 0) if length is None else (_SIZED, length, 0)
        super().on_headers_complete()
        self.headers = _NO_FIELDS
        cycle = self.cycle
        if cycle.scope is self.scope:
            cycle.scope["extensions"] = {EXTENSION: WholeExchange(cycle)}  # type: ignore[dict-item]  # uvicorn asks for a dict

    def on_body(self, body: bytes) -> None:
        self._overhead_bytes = 0
        cycle = self.cycle
        if cycle.response_complete:
            return
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return  # Only its head is.
        cycle = self.cycle
        self._stage, self._is_over = _BETWEEN, not cycle.keep_alive
        if not cycle.response_complete:
            cycle.more_body = False
            cycle.message_event.set()

    def on_response_complete(self) -> None:
        """Go on as uvicorn does, but without a timer for every response: one for each connection looks again when it has run out."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
            if self.flow.is_held and len(self.pipeline) < MAX_WAITING // 2:
                self.flow.is_held = False
                self.data_received(b"")
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be read, but never in the place of another answer: requests before it are answered first, and then it ends."""
        self._is_over = True
        pipeline, cycle = self.pipeline, self.cycle
        if pipeline and pipeline[0][0] is cycle and cycle.more_body:
            pipeline.popleft()  # Its body is what cannot be read.
        last = pipeline[0][0] if pipeline else self._active
        if last is None or last.response_complete:
            super().send_400_response(msg)
        elif last is not cycle or not cycle.more_body:
            last.keep_alive = False
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
        if cycle.scope["http_version"] == "1.0":
            app = ClosingAnswer(app, cycle)
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


def _after_empty_line(data: bytes, at: int) -> int:
    """Return where the first empty line ends, else where `data` does: only there can a head or chunks end (RFC 9112 §2.1, §7.1)."""
    end = data.find(b"\r\n\r\n", at)
    return len(data) if end < 0 else end + 4
