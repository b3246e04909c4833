"""Where requests end, exactly as RFC 9112 tells it.

The parser is never given a byte of a request before the line that begins it has been judged by server/http/heads.py; so where a
message ends is where the next one begins, for the parser and for us. It would also leave every body out of which it believes that
another protocol follows (`Connection: Upgrade`). An Upgrade is ignored, and the body read by its length (RFC 9110 §7.8), unless the
application takes the connection over while it answers.
"""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from server.http.buffered_exchange import EXTENSION, BufferedExchange
from server.http.heads import BEGINNING_OF_LINE, MAX_HEAD_BYTES, NO_FIELDS, REQUEST_LINE, UnfitHead, body_after

#: requests that wait behind the one that is being answered; what follows them stays unread
# RFC 9112 §9.3.2: pipelining, and each request that waits holds its head and body in memory
MAX_WAITING = 16

#: where in the stream the next byte is: before a request, in its head, in a body of known length, in chunks
_BETWEEN, _HEAD, _SIZED, _CHUNKED = range(4)


class HeldReading(FlowControl):
    """uvicorn's flow control, in which reading stays paused while `is_held`, whoever wants to read on."""

    is_held = False

    def resume_reading(self) -> None:
        # decision 0024: uvicorn resumes after each answer, which would let the queue grow again at once.
        if not self.is_held:
            super().resume_reading()


class FramedHttp(HttpToolsProtocol):
    """uvicorn's connection with this framing. `authorities`: where we are served, which a target in absolute form must name; `authority`:
    the one that we call ourselves. `is_draining`: the server ends, and every answer is the last of its connection."""

    authorities: frozenset[bytes] = frozenset()
    authority = b""
    is_draining = False

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
        #: where bytes go once another protocol is spoken
        self._taken_by: Callable[[bytes], None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn declares it
        super().connection_made(transport)
        self.flow: HeldReading = HeldReading(transport)

    def head_begun(self) -> None:
        """A part of a head has come."""

    def head_ended(self) -> None:
        """A head is whole, and about to be judged."""

    def refuse(self) -> None:
        """Take nothing more from the client."""
        self._is_over = True

    def read_on(self) -> None:
        """Read what was left when too many requests waited, where few enough do now."""
        if self.flow.is_held and len(self.pipeline) < MAX_WAITING // 2:
            self.flow.is_held = False
            self.data_received(b"")

    def data_received(self, data: bytes) -> None:
        if self._taken_by is not None:
            self._taken_by(data)
            return
        if self._rest:
            data, self._rest = self._rest + data, b""
        try:
            self._read(data)
        except (httptools.HttpParserError, UnfitHead):
            self.logger.warning("Invalid HTTP request received.")
            self.send_400_response("Invalid HTTP request received.")
        else:
            if (self._stage == _HEAD or self._rest) and not self.transport.is_closing():
                self.head_begun()

    def _read(self, data: bytes) -> None:
        """Give the parser `data`, in pieces of which none reaches beyond a request. Raises UnfitHead."""
        at, size = 0, len(data)
        while at < size and not self._is_over:
            if self._stage == _BETWEEN:
                while data.startswith(b"\r\n", at):  # RFC 9112 §2.2
                    at += 2
                if at == size:
                    return
                # decision 0024; TCP then tells the client to wait.
                if len(self.pipeline) >= MAX_WAITING:
                    self._rest, self.flow.is_held = data[at:], True
                    self.flow.pause_reading()
                    return
                # RFC 9112 §3, decision 0024: judged before the parser sees a byte of it, which is more lenient than we are.
                if REQUEST_LINE.match(data, at) is None:
                    if size - at > MAX_HEAD_BYTES or BEGINNING_OF_LINE.fullmatch(data, at) is None:
                        raise UnfitHead
                    self._rest = data[at:]
                    return
                # RFC 9112 §2.1: a head ends at its empty line; the piece that is fed ends there too.
                self._stage, self._overhead_bytes = _HEAD, 0
                end = _after_empty_line(data, at)
            elif self._stage == _SIZED:
                # RFC 9112 §6.2: not a byte beyond the length, which is the next request's (§11.2, smuggling).
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
            # RFC 6585 §5 has 431 for it; 400 and the end spare the parser.
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
        # RFC 9110 §7.8: a server may ignore Upgrade. The body is then framed as the head said (decision 0024).
        framing = b"Transfer-Encoding: chunked" if self._stage == _CHUNKED else b"Content-Length: %d" % self._left_bytes
        self._is_again = True
        if isinstance(self.cycle, BufferedExchange):
            self.cycle.switching = self._switch
        self.parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n\r\n" % framing)

    def _switch(self, take: Callable[[bytes], None]) -> bool:
        """Give what comes from here on to `take`; not where something has come already, which would be read as both."""
        # RFC 6455 §4.1: a client waits for the answer; one that does not may be hiding a request in its frames, or frames in a request.
        if self._stage != _BETWEEN or self._rest or self.pipeline or self._is_over:
            return False
        self._taken_by = take
        return True

    def on_message_begin(self) -> None:
        # RFC 9112 §11.2.
        if self._stage != _HEAD and not self._is_again:
            raise UnfitHead  # The parser and we disagree, which must not be.
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        # RFC 9110 §5.1: names compare without case.
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if self._is_again:
            self._is_again, self.headers = False, NO_FIELDS
            return
        self.head_ended()
        parser, scope = self.parser, self.scope
        version, method = parser.get_http_version(), parser.get_method()
        # RFC 9112 §6.3, by our own reading; the parser's is only believed where both agree.
        length, awaits_continue = body_after(method, self.url, version, self.headers, self.authorities, self.authority)
        self._stage, self._left_bytes, self._overhead_bytes = (_CHUNKED, 0, 0) if length is None else (_SIZED, length, 0)
        self.headers = NO_FIELDS
        raw_path, query = _path_and_query(method, self.url)
        path = raw_path.decode("ascii")
        scope["method"], scope["http_version"] = method.decode("ascii"), version
        # RFC 3986 §2.4: decoded once. Twice would make `%252e` a dot behind the checks.
        scope["path"], scope["raw_path"] = unquote(path) if "%" in path else path, raw_path
        scope["query_string"] = query
        before, self.cycle = (
            self.cycle,
            BufferedExchange(
                scope=scope,
                transport=self.transport,
                flow=self.flow,
                logger=self.logger,
                access_logger=self.access_logger,
                access_log=self.access_log,
                default_headers=self.server_state.default_headers,
                message_event=asyncio.Event(),
                expect_100_continue=awaits_continue,
                # RFC 9112 §9.3: `Connection: close`; no keep-alive of HTTP/1.0, which proxies pass on blindly (appendix C.2.2)
                keep_alive=version != "1.0" and parser.should_keep_alive() and not self.is_draining,
                on_response=self.on_response_complete,
            ),
        )
        scope["extensions"] = {EXTENSION: self.cycle}  # type: ignore[dict-item]  # uvicorn asks for a dict
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            # RFC 9112 §9.3.2: answers in the order of the requests.
            self.pipeline.appendleft((self.cycle, self.app))

    def on_body(self, body: bytes) -> None:
        self._overhead_bytes = 0
        cycle = self.cycle
        if cycle.response_complete:
            return
        cycle.body += body
        # Who sends faster than it is read waits in its own TCP window, not in our memory.
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


def _path_and_query(method: bytes, target: bytes) -> tuple[bytes, bytes]:
    """Return the two as they were sent: most targets are nothing else (RFC 9112 §3.2.1); others have been judged, too."""
    if target.startswith(b"/"):
        path, _, query = target.partition(b"?")
        return path, query
    parts = httptools.parse_url(target)
    # RFC 9110 §4.2.3, §7.1: an absolute form without a path is about the root, and with OPTIONS about the server.
    return parts.path or (b"*" if method == b"OPTIONS" and parts.query is None else b"/"), parts.query or b""


def _after_empty_line(data: bytes, at: int) -> int:
    """Return where the first empty line ends, else where `data` does: only there can a head or chunks end (RFC 9112 §2.1, §7.1)."""
    end = data.find(b"\r\n\r\n", at)
    return len(data) if end < 0 else end + 4
