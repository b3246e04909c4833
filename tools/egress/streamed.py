"""An upstream's answer read as it comes: for streams of events, which nobody may wait for to be whole."""

import asyncio
import zlib
from collections.abc import Callable

import aiohttp
from multidict import CIMultiDictProxy

from tools.egress.body import failed, is_plain, too_large
from tools.egress.client import Egress, OutboundRequest, OutboundResponse, failure_of, own_headers
from tools.errors import ToolError

#: what one piece may inflate to, in steps; an event has less, and a bomb more
_MAX_PIECE_BYTES = 4 << 20
_STEP_BYTES = 256 * 1024
_BY_HEADER = 47
#: of a body as it came: events may be of three bytes, and each costs a microsecond
_PIECE_BYTES = 16 * 1024
#: RFC 1952 §2.3.1, RFC 1950 §2.2: all that our Accept-Encoding names
_ENCODINGS = frozenset({"gzip", "x-gzip", "deflate"})


class StreamedResponse:
    """Status and headers are here; the body comes by `read_some`. Whoever has it closes it, once, whatever happened."""

    __slots__ = (
        "_deadline",
        "_failure_of",
        "_inflated_bytes",
        "_inflater",
        "_is_inflating",
        "_is_late",
        "_looks_at",
        "_release",
        "_response",
        "_timer",
        "headers",
        "status",
    )

    def __init__(self, response: aiohttp.ClientResponse, failure_of: Callable[[Exception], Exception], release: Callable[[], None]) -> None:
        """`failure_of` puts a transport's error into our words; `release` gives the place of this call back."""
        self._response, self._failure_of, self._release = response, failure_of, release
        self.status = response.status
        self.headers: CIMultiDictProxy[str] = response.headers
        self._inflater: zlib._Decompress | None = None
        #: of the last piece; there may be more in it
        self._inflated_bytes, self._is_inflating = 0, False
        #: loop time until which somebody waits now; None: nobody does
        self._deadline: float | None = None
        #: one for the whole body, not one a piece: setting one costs a tenth of what a piece does
        self._timer: asyncio.TimerHandle | None = None
        self._looks_at, self._is_late = 0.0, False
        encoding = response.headers.get("Content-Encoding", "")
        if not is_plain(encoding):
            if encoding.strip().lower() not in _ENCODINGS:
                what = f"answered in the encoding {encoding.strip()[:40]!r}, which was not asked for"
                raise failed(response.url.raw_authority, "upstream_malformed", what)
            self._inflater = zlib.decompressobj(_BY_HEADER)

    @property
    def is_at_end(self) -> bool:
        """All of the body has been read."""
        return self._response.content.at_eof()

    async def read_some(self) -> bytes:
        """Return what has come, decoded, as soon as there is something; b"" is the end. Raises UpstreamFailed."""
        while True:
            if self._inflater is not None and self._is_inflating:
                await asyncio.sleep(0)
                piece = self._inflate(self._inflater, self._inflater.unconsumed_tail)
            else:
                piece = await self._read()
                if not piece:
                    return b""
                if self._inflater is not None:
                    self._inflated_bytes = 0
                    piece = self._inflate(self._inflater, piece)
            if piece:
                return piece

    async def read_by(self, deadline: float) -> bytes:
        """Return what `read_some` does. Raises TimeoutError where nothing came by `deadline` (loop time); then nothing more is read."""
        self._deadline = deadline
        if self._timer is None or deadline < self._looks_at:
            self._look_at(deadline)
        try:
            return await self.read_some()
        except ToolError as error:
            if self._is_late:
                raise TimeoutError from error
            raise
        finally:
            self._deadline = None

    async def read_all(self, max_body_bytes: int) -> bytes:
        """Return the rest of the body, decoded. Raises UpstreamFailed, also for one that is larger than allowed."""
        pieces: list[bytes] = []
        size = 0
        while piece := await self.read_some():
            size += len(piece)
            if size > max_body_bytes:
                raise too_large(self._response.url.raw_authority, max_body_bytes)
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """Give the connection back where its answer was read to the end; else end it, and with it what the upstream still works on."""
        if self._timer is not None:
            self._timer.cancel()
        self._response.close()
        self._release()

    def _look_at(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._looks_at = when
        self._timer = asyncio.get_running_loop().call_at(when, self._look)

    def _look(self) -> None:
        """End the waiting of who has waited long enough; whoever began later has time left."""
        self._timer = None
        if self._deadline is None:
            return
        if self._deadline > self._looks_at:
            self._look_at(self._deadline)
            return
        self._is_late = True
        self._response.content.set_exception(TimeoutError())

    async def _read(self) -> bytes:
        try:
            piece = await self._response.content.read(_PIECE_BYTES)
            # More is here already, so reading on would not wait: whoever else has something to do comes first.
            if len(piece) == _PIECE_BYTES:
                await asyncio.sleep(0)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._failure_of(error) from error
        # Without its checksum nobody knows that a compressed body is whole.
        if not piece and self._inflater is not None and not self._inflater.eof:
            raise failed(self._response.url.raw_authority, "upstream_reset", "broke off its compressed answer", retryable=True)
        return piece

    def _inflate(self, inflater: "zlib._Decompress", piece: bytes) -> bytes:
        """Return the next step of a piece, or of what it left unconsumed."""
        authority = self._response.url.raw_authority
        try:
            inflated = inflater.decompress(piece, _STEP_BYTES)
        except zlib.error as error:
            raise failed(authority, "upstream_malformed", "says its answer is compressed, which it is not") from error
        self._inflated_bytes += len(inflated)
        # A full step may have more behind it, even where all of the piece is consumed.
        self._is_inflating = len(inflated) == _STEP_BYTES
        if self._is_inflating and self._inflated_bytes > _MAX_PIECE_BYTES:
            raise too_large(authority, _MAX_PIECE_BYTES)
        return inflated


async def open_streamed(egress: Egress, request: OutboundRequest, deadline: float) -> StreamedResponse:
    """Send `request` and return when its answer begins; no redirects, no retries. `deadline` (loop time) bounds the wait for a place.

    Raises EgressRefused where the address may not be called, Busy where no place became free in time (nothing was sent then),
    UpstreamFailed where there is no answer. Whoever waits bounds the wait for the answer; cancelled, nothing stays open.
    """
    target = egress.rules.target(request.url)
    headers = own_headers(request.headers)
    if not egress.places.take(target.origin, request.holder):
        await egress.places.wait(target.origin, request.holder, deadline)

    def release() -> None:
        egress.places.release(target.origin, request.holder)

    try:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=request.timeout_s)
        response = await egress.open(request.method, target, headers, request.body, timeout)
        try:
            return StreamedResponse(response, lambda error: failure_of(error, target), release)
        except BaseException:
            response.close()
            raise
    except BaseException:
        release()
        raise


async def send_once(egress: Egress, request: OutboundRequest, deadline: float) -> OutboundResponse:
    """Send `request` once and return its whole answer by `deadline` (loop time); no redirects. `timeout_s` bounds the connecting alone.

    Raises EgressRefused, Busy, UpstreamFailed, TimeoutError.
    """
    return await egress.exchange(request, egress.rules.target(request.url), own_headers(request.headers), request.body, deadline)
