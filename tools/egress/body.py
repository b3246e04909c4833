"""Read an upstream's body, inflated, and never more of it than was asked for."""

import os
import zlib
from collections import deque
from collections.abc import Iterator

import aiohttp

from tools.errors import UpstreamFailed
from tools.operation import Failure
from tools.turns import in_turns

_CHUNK_BYTES = 64 * 1024
#: what comes out of one step at most, how many members it may begin, and how much goes in where others wait
_STEP_BYTES, _STEP_MEMBERS, _PIECE_BYTES = 1 << 20, 64, 16 * 1024
_ENCODINGS = frozenset({"gzip", "x-gzip", "deflate"})
#: what some servers write there and what is no encoding: the charset, how mail is carried, how an object was uploaded
_NO_ENCODINGS = frozenset(
    {"", "identity", "none", "utf-8", "utf8", "iso-8859-1", "us-ascii", "binary", "8bit", "7bit", "text", "plain", "aws-chunked"}
)
#: an encoding of an encoding is lawful (RFC 9110 §8.4); more of them are an attack
MAX_ENCODINGS = 3
#: Window bits for zlib: gzip or zlib, told by its header; and the headerless form that some servers call deflate.
_BY_HEADER, _HEADERLESS = 47, -15
_GZIP_MAGIC = b"\x1f\x8b"


def failed(authority: str, code: str, what: str, *, retryable: bool = False, sent: bool = True) -> UpstreamFailed:
    """Return the failure of a call to `authority`; path and query stay out of it, they may hold secrets."""
    return UpstreamFailed(Failure(code, f"{authority} {what}", retryable=retryable, sent=sent))


def unreachable(authority: str, error: OSError | None) -> UpstreamFailed:
    """Return the failure of a call that found no connection, with the system's reason where it has one."""
    number = error.errno if error is not None else None
    reason = f": {os.strerror(number).lower()}" if number is not None and number > 0 else ""
    return failed(authority, "upstream_unreachable", f"could not be reached{reason}", retryable=True, sent=False)


async def read_body(response: aiohttp.ClientResponse, max_body_bytes: int) -> bytes:
    """Return the decoded body. Raises UpstreamFailed as soon as either form of it is over the limit."""
    authority = response.url.raw_authority
    inflating = inflating_of(response.headers.get("Content-Encoding", ""), max_body_bytes, authority)
    if inflating is None:
        length = response.content_length
        # RFC 9112 §6.3, rule 1: these have a length and no body.
        if length is None or response.method == "HEAD" or response.status == 304:
            return await _read_plain(response, max_body_bytes)
        # Before a byte is read, where the upstream says so itself.
        if length > max_body_bytes:
            raise too_large(authority, max_body_bytes)
        return await response.content.read()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        inflating.feed(chunk)
    return await inflating.rest() if inflating.is_behind else inflating.finish()


def inflating_of(content_encoding: str, max_body_bytes: int, authority: str) -> "Inflating | None":
    """Return what inflates a body, or None for a plain one. Raises UpstreamFailed for an encoding that nobody asked for.

    Encodings are listed in the order in which they were applied (RFC 9110 §8.4).
    """
    named = _named(content_encoding)
    if not named:
        return None
    # RFC 9110 §12.5.3: not in our Accept-Encoding, and unread bytes must not pass for an answer.
    if len(named) > MAX_ENCODINGS or not _ENCODINGS.issuperset(named):
        shown = content_encoding.strip().lower()[:40]
        raise failed(authority, "upstream_malformed", f"answered in the encoding {shown!r}, which was not asked for")
    inflating = None
    for encoding in named:
        inflating = Inflating(encoding, max_body_bytes, authority, inflating)
    return inflating


def is_plain(content_encoding: str) -> bool:
    """Say whether a Content-Encoding names none that bytes would have to be taken out of."""
    return not _named(content_encoding)


def _named(content_encoding: str) -> list[str]:
    return [name for each in content_encoding.split(",") if (name := each.strip().lower()) not in _NO_ENCODINGS]


async def _read_plain(response: aiohttp.ClientResponse, max_body_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        size += len(chunk)
        if size > max_body_bytes:
            raise too_large(response.url.raw_authority, max_body_bytes)
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


class Inflating:
    """One compressed body, piece by piece, so that a bomb is noticed at the limit and holds nobody up until then.

    What comes out of a piece is bounded: what inflates to more is inflated by `rest`, a step at a time. A body that only says that
    it is compressed, as some proxies leave it, is taken as it is. `within`: what inflates the result.
    """

    def __init__(self, encoding: str, max_body_bytes: int, authority: str, within: "Inflating | None" = None) -> None:
        self._encoding, self._max_body_bytes, self._authority, self._within = encoding, max_body_bytes, authority, within
        self._inflater: zlib._Decompress | None = None
        #: the first bytes, until there are enough to tell what they are
        self._first: bytes | None = b""
        self._is_plain = False
        self._chunks: list[bytes] = []
        self._left_bytes = max_body_bytes
        self._behind = deque[bytes]()

    @property
    def is_behind(self) -> bool:
        """Say whether something was fed and is not inflated yet."""
        return bool(self._behind) or self._within is not None

    def feed(self, packed: bytes) -> None:
        """Take a piece, and inflate one step of what there is. Raises UpstreamFailed."""
        if self._first is not None:
            packed = self._first + packed
            if len(packed) < len(_GZIP_MAGIC):
                self._first = packed
                return
            self._first = None
            self._begin(packed)
        if self._behind:
            self._add(packed)
            packed = self._behind.popleft()
        if (left := self._step(packed)) is not None:
            self._add(left, is_next=True)

    def _add(self, packed: bytes, *, is_next: bool = False) -> None:
        pieces = [packed[at : at + _PIECE_BYTES] for at in range(0, len(packed), _PIECE_BYTES)] or [b""]
        if is_next:
            self._behind.extendleft(reversed(pieces))
        else:
            self._behind.extend(pieces)

    async def rest(self) -> bytes:
        """Return the whole body. Raises UpstreamFailed."""
        async for _ in in_turns(self._steps()):
            pass
        body = self.finish()
        if self._within is None:
            return body
        self._within.feed(body)
        return await self._within.rest()

    def _begin(self, packed: bytes) -> None:
        """Tell by its first bytes what a body is: gzip (RFC 1952 §2.3.1), zlib (RFC 1950 §2.2), deflate without a header, or plain."""
        if packed.startswith(_GZIP_MAGIC) or ((packed[0] & 0x0F) == 8 and int.from_bytes(packed[:2]) % 31 == 0):
            self._inflater = zlib.decompressobj(_BY_HEADER)
        elif self._encoding == "deflate" and _is_deflate(packed):
            self._inflater = zlib.decompressobj(_HEADERLESS)
        else:
            self._is_plain = True

    def _take(self, inflated: bytes) -> None:
        self._left_bytes -= len(inflated)
        if self._left_bytes < 0:
            raise too_large(self._authority, self._max_body_bytes)
        self._chunks.append(inflated)

    def _steps(self) -> Iterator[None]:
        while self._behind:
            if (left := self._step(self._behind.popleft())) is not None:
                self._behind.appendleft(left)
            yield

    def _step(self, packed: bytes) -> bytes | None:
        """Inflate one step, and return what of `packed` is left for the next; None: nothing is."""
        if self._is_plain:
            self._take(packed)
            return None
        room = _STEP_BYTES
        for _ in range(_STEP_MEMBERS):
            if self._inflater is None:
                if not packed or packed[0] != _GZIP_MAGIC[0]:
                    return None  # What follows the last member is none of it, as gzip itself has it.
                self._inflater = zlib.decompressobj(_BY_HEADER)
            most = min(self._left_bytes + 1, room)
            try:
                inflated = self._inflater.decompress(packed, most)
            except zlib.error as error:
                raise failed(self._authority, "upstream_malformed", f"says its answer is {self._encoding}, which it is not") from error
            room -= len(inflated)
            self._take(inflated)
            if not self._inflater.eof:
                # What is full may have more to give, also where all of `packed` went in.
                return self._inflater.unconsumed_tail if len(inflated) == most else None
            # RFC 1952 §2.2: a gzip body may be several members, one after the other.
            packed = self._inflater.unused_data
            if not packed:
                return None
            self._inflater = None
            # gzip pads to a block with zeros, which begin no member.
            packed = packed.lstrip(b"\0")
            if room <= 0:
                break
        return packed

    def finish(self) -> bytes:
        if self._first:
            self._take(self._first)
        # RFC 1952 §2.3.1, RFC 1950 §2.2: without its checksum nobody knows that it is whole.
        if self._inflater is not None and not self._inflater.eof:
            raise failed(self._authority, "upstream_reset", "broke off its compressed answer", retryable=True)
        return b"".join(self._chunks)


def _is_deflate(packed: bytes) -> bool:
    """Say whether bytes begin what is deflate without a header: text hardly ever does, and never ends where its bytes end."""
    trial = zlib.decompressobj(_HEADERLESS)
    try:
        trial.decompress(packed[:_CHUNK_BYTES], _CHUNK_BYTES)
    except zlib.error:
        return False
    return not trial.unused_data


def too_large(authority: str, max_body_bytes: int) -> UpstreamFailed:
    """Return the failure of an answer that is over the limit."""
    return failed(
        authority, "upstream_too_large", f"answered with more than {max_body_bytes} bytes; ask for less, for example by a smaller page"
    )
