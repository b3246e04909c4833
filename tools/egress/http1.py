"""One HTTP/1.1 connection to an upstream that carries one exchange at a time (RFC 9112).

It lives on only after a whole, well-formed answer with nothing behind it; any fault, cancellation or byte too many ends it, so
that no answer is ever taken for the answer to another request.
"""

import asyncio
from collections.abc import Callable
from enum import Enum
from functools import lru_cache
from typing import NamedTuple, cast

import httptools
from multidict import CIMultiDict, CIMultiDictProxy

from tools.egress.body import Inflating, failed, inflating_of, too_large
from tools.egress.status import no_status
from tools.errors import UpstreamFailed

#: All that is not body: heads, chunk sizes, trailers. Link and Content-Security-Policy headers of real upstreams are long.
MAX_OVERHEAD_BYTES = 128 * 1024
_CHUNK_OVERHEAD_BYTES = 64
#: an exchange that must end sooner has a timer of its own
PRECISE_S = 5.0
_BODILESS = frozenset({204, 304})  # RFC 9112 §6.3, rule 1


class Http1Response(NamedTuple):
    """A whole answer, decoded."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes


class ClosedUnanswered(Exception):
    """The connection ended before the first byte of an answer."""


class _Stage(Enum):
    IDLE = 0
    HEAD = 1
    BODY = 2
    WHOLE = 3


class Http1Connection(asyncio.Protocol):
    """Speaks HTTP/1.1 on one transport. The parser calls the `on_…` methods; a new one is made for every exchange."""

    __slots__ = (
        "_answer",
        "_authority",
        "_body_bytes",
        "_chunk_count",
        "_chunks",
        "_deadline",
        "_failure",
        "_headers",
        "_inflating",
        "_is_keep_alive",
        "_loop",
        "_max_body_bytes",
        "_on_lost",
        "_parser",
        "_received_bytes",
        "_stage",
        "_status",
        "_transport",
        "idle_since",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, authority: str, on_lost: Callable[["Http1Connection"], None]) -> None:
        self._loop, self._authority, self._on_lost = loop, authority, on_lost
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._answer: asyncio.Future[Http1Response] | None = None
        self._is_keep_alive = False
        self._deadline = self.idle_since = 0.0
        self._reset(0)

    @property
    def is_made(self) -> bool:
        """Say whether it was connected; `on_lost` is called for such a connection, and only for such."""
        return self._transport is not None

    @property
    def is_reusable(self) -> bool:
        """Say whether another request may go over it."""
        transport = self._transport
        return self._is_keep_alive and transport is not None and not transport.is_closing() and transport.get_write_buffer_size() == 0

    async def exchange(self, message: bytes, max_body_bytes: int, deadline: float) -> Http1Response:
        """Send a whole request and return its whole answer. `deadline`: by the clock of the loop.

        Raises UpstreamFailed, TimeoutError, and ClosedUnanswered where the connection ended without a word. After
        any of these the connection is closed; after an answer, `is_reusable` says whether another request may follow.
        """
        transport = self._transport
        if transport is None or transport.is_closing():
            raise ClosedUnanswered
        self._reset(max_body_bytes)
        self._stage = _Stage.HEAD
        self._parser = parser = httptools.HttpResponseParser(self)
        # What aiohttp's parser lets pass, so that an upstream works the same on either path. Framing stays strict.
        parser.set_dangerous_leniencies(lenient_headers=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True)
        waiting: asyncio.Future[Http1Response] = self._loop.create_future()
        self._answer = waiting
        self._deadline = deadline
        # A timer costs as much as the parser; for one that is far away, the pool's ticking is exact enough.
        timer = self._loop.call_at(deadline, self._expire) if deadline - self._loop.time() < PRECISE_S else None
        is_whole = False
        try:
            transport.write(message)
            answer = await waiting
            if self._inflating is not None and self._inflating.is_behind:
                async with asyncio.timeout_at(deadline):
                    answer = answer._replace(body=await self._inflating.rest())
            is_whole = True
            return answer
        finally:
            if timer is not None:
                timer.cancel()
            self._parser = self._answer = None
            self._stage = _Stage.IDLE
            if waiting.done() and not waiting.cancelled():
                # Whoever is cancelled in this very moment does not ask for it.
                waiting.exception()
            if not is_whole:
                self.abort()

    def abort(self) -> None:
        """Close at once; what is still to be sent is dropped."""
        self._is_keep_alive = False
        if self._transport is not None:
            self._transport.abort()

    def _reset(self, max_body_bytes: int) -> None:
        self._max_body_bytes = max_body_bytes
        self._stage = _Stage.IDLE
        self._status = 0
        self._headers: list[tuple[str, str]] = []
        self._chunks: list[bytes] = []
        self._inflating: Inflating | None = None
        self._failure: UpstreamFailed | None = None
        self._received_bytes = self._body_bytes = self._chunk_count = 0
        self._is_keep_alive = False

    def expire(self, now: float) -> None:
        """Give up the exchange whose deadline is past; called every now and then, for those that have no timer."""
        if now >= self._deadline:
            self._expire()

    def _expire(self) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(TimeoutError())

    # Called by the loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are asyncio's in all but the class.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        parser = self._parser
        if parser is None:  # RFC 9112 §9.2
            # Nobody asked: an answer to come must not begin with this.
            self.abort()
            return
        self._received_bytes += len(data)
        try:
            parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._is_keep_alive = False
            if self._stage is not _Stage.WHOLE and self._failure is None:
                self._failure = self._malformed("answered with something that is not HTTP as we understand it")
        if self._received_bytes > MAX_OVERHEAD_BYTES and self._failure is None and self._overhead_bytes() > MAX_OVERHEAD_BYTES:
            self._failure = self._malformed(f"answered with more than {MAX_OVERHEAD_BYTES} bytes that are no body")
        if self._stage is _Stage.WHOLE or self._failure is not None:
            self._settle()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_keep_alive = False
        answer = self._answer
        if answer is not None and not answer.done():
            if self._stage is _Stage.BODY and exc is None and self._ends_with_connection():  # RFC 9112 §8: else it is incomplete
                self._settle()
            elif self._received_bytes == 0:
                answer.set_exception(ClosedUnanswered())
            else:
                answer.set_exception(broken_off(self._authority))
        self._on_lost(self)

    # Called by the parser.

    def on_message_begin(self) -> None:
        if self._stage is _Stage.WHOLE:  # RFC 9112 §9.2: a second answer to one request
            self._is_keep_alive = False

    def on_header(self, name: bytes, value: bytes) -> None:
        # What comes later are trailers, or belongs to an answer that nobody asked for.
        if self._stage is _Stage.HEAD:
            self._headers.append((_name(name), value.strip(b" \t").decode("utf-8", "surrogateescape")))

    def on_headers_complete(self) -> None:
        parser = self._parser
        if self._stage is not _Stage.HEAD or parser is None:
            return
        status = self._status = parser.get_status_code()
        # RFC 9110 §15; decision 0018: the words for it are looked for where there is something to say.
        if not 100 <= status <= 599:
            self._failure = no_status(self._authority, status)
            return
        if status < 200:
            if status == 101:  # RFC 9110 §15.2.2: we sent no Upgrade
                self._failure = self._malformed(f"switched protocols unasked (status {status})")
            return
        self._stage = _Stage.BODY
        self._is_keep_alive = parser.should_keep_alive()  # RFC 9112 §9.3
        encoding = length = ""
        for name, value in self._headers:
            lower = name.lower()
            if lower == "content-encoding":
                encoding = encoding or value
            elif lower == "content-length":
                length = value
        if encoding:
            try:
                self._inflating = inflating_of(encoding, self._max_body_bytes, self._authority)
            except UpstreamFailed as failure:
                self._failure = failure
        if self._inflating is None and status not in _BODILESS and length.isdecimal() and int(length) > self._max_body_bytes:
            self._failure = too_large(self._authority, self._max_body_bytes)

    def on_chunk_header(self) -> None:
        self._chunk_count += 1

    def on_body(self, body: bytes) -> None:
        if self._failure is not None or self._stage is not _Stage.BODY:
            return
        self._body_bytes += len(body)
        # Packed, a body without content may be a little larger than what is in it.
        slack = 0 if self._inflating is None else MAX_OVERHEAD_BYTES
        if self._body_bytes > self._max_body_bytes + slack:
            self._failure = too_large(self._authority, self._max_body_bytes)
        elif self._inflating is None:
            self._chunks.append(body)
        else:
            try:
                self._inflating.feed(body)
            except UpstreamFailed as failure:
                self._failure = failure

    def on_message_complete(self) -> None:
        if self._stage is _Stage.BODY:
            self._stage = _Stage.WHOLE
        elif self._stage is _Stage.HEAD:
            # An interim answer (RFC 9110 §15.2); the one that counts follows.
            self._headers = []

    def _settle(self) -> None:
        """Hand over the answer or what went wrong with it; nothing is read after it."""
        self._parser, answer = None, self._answer
        if answer is None or answer.done():
            return
        try:
            if self._failure is not None:
                raise self._failure
            # What is not inflated yet is work for `exchange`, which can let others have their turn.
            is_behind = self._inflating is not None and self._inflating.is_behind
            body = b"".join(self._chunks) if self._inflating is None else b"" if is_behind else self._inflating.finish()
        except UpstreamFailed as failure:
            self._is_keep_alive = False
            answer.set_exception(failure)
            return
        answer.set_result(Http1Response(self._status, CIMultiDictProxy(CIMultiDict(self._headers)), body))

    def _overhead_bytes(self) -> int:
        return self._received_bytes - self._body_bytes - self._chunk_count * _CHUNK_OVERHEAD_BYTES  # RFC 9112 §7.1

    def _ends_with_connection(self) -> bool:
        """Say whether the answer has no length of its own (RFC 9112 §6.3, rule 8)."""
        names = {name.lower() for name, _ in self._headers}
        return not names & {"content-length", "transfer-encoding"}

    def _malformed(self, what: str) -> UpstreamFailed:
        return failed(self._authority, "upstream_malformed", what)


@lru_cache(maxsize=128)  # A name may have 64 KiB.
def _name(name: bytes) -> str:
    """Return a header name as text; the same few come all the time."""
    return name.decode("utf-8", "surrogateescape")


def broken_off(authority: str) -> UpstreamFailed:
    """Return the failure of a connection that ended before its answer."""
    return failed(authority, "upstream_reset", "broke off the connection before its answer was complete", retryable=True)
