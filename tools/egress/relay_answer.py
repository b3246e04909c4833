"""The answer to one relayed request as it comes over a connection: its head, then pieces of its body, nothing decoded (RFC 9112)."""

from collections import deque
from enum import Enum
from typing import Final, NamedTuple

import httptools

from tools.egress.body import failed
from tools.egress.status import no_status
from tools.errors import UpstreamFailed

#: of an answer's head; those of real backends are long
MAX_HEAD_BYTES: Final = 128 * 1024

Fields = list[tuple[bytes, bytes]]


class RelayHead(NamedTuple):
    """Status and header fields of an answer, names in lower case."""

    status: int
    fields: Fields


class Stage(Enum):
    """What comes next: the head, pieces of the body, nothing, or bytes of another protocol."""

    HEAD = 0
    BODY = 1
    WHOLE = 2
    TUNNEL = 3


class RelayAnswer:
    """`is_keep_alive`: the connection may carry another exchange when this one is whole. The parser calls the `on_…` methods."""

    __slots__ = (
        "_authority", "_head_bytes", "_is_head_only", "_is_upgrade_asked", "_parser", "fields", "is_keep_alive", "pieces", "pieces_bytes",
        "stage", "status",
    )  # fmt: skip

    def __init__(self, authority: str, *, is_head_only: bool, is_upgrade_asked: bool) -> None:
        self._authority, self._is_head_only, self._is_upgrade_asked = authority, is_head_only, is_upgrade_asked
        # No leniency: what two parsers could read in two ways is a fault of the backend (RFC 9112 §11.1).
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self.stage = Stage.HEAD
        self.status = self._head_bytes = self.pieces_bytes = 0
        self.fields: Fields = []
        self.pieces = deque[bytes]()
        self.is_keep_alive = False

    @property
    def is_untouched(self) -> bool:
        """Say whether not a byte of it has come."""
        return self._head_bytes == 0

    @property
    def ends_with_connection(self) -> bool:
        """Say whether it has no length of its own (RFC 9112 §6.3, rule 8)."""
        return self.stage is Stage.BODY and not {name for name, _ in self.fields} & {b"content-length", b"transfer-encoding"}

    def feed(self, data: bytes) -> None:
        """Take what has come. Raises UpstreamFailed."""
        if self.stage is Stage.TUNNEL:
            self._keep(data)
            return
        if self.stage is Stage.HEAD:
            self._head_bytes += len(data)
        if self._parser is None:
            self.is_keep_alive = False  # RFC 9112 §9.2: nobody asked for it.
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._begin_tunnel(data[upgrade.args[0] :])
        except httptools.HttpParserCallbackError as error:
            raise (error.__context__ if isinstance(error.__context__, UpstreamFailed) else error) from None
        except httptools.HttpParserError as error:
            if self.stage is not Stage.WHOLE:
                raise self._malformed("answered with something that is not HTTP as we understand it") from error
            self.is_keep_alive = False
        if self.stage is Stage.HEAD and self._head_bytes > MAX_HEAD_BYTES:
            raise self._too_long()

    def take(self) -> bytes:
        """Return what is here of the body."""
        pieces = self.pieces
        taken = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self.pieces_bytes = 0
        return taken

    # Called by the parser.

    def on_message_begin(self) -> None:
        if self.stage is Stage.WHOLE:  # RFC 9112 §9.2: a second answer to one request
            self.is_keep_alive = False

    def on_header(self, name: bytes, value: bytes) -> None:
        # What comes later are trailers, which nobody here passes on (RFC 9110 §6.5.1), or an answer that nobody asked for.
        if self.stage is Stage.HEAD:
            self.fields.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        parser = self._parser
        if self.stage is not Stage.HEAD or parser is None:
            return
        status = parser.get_status_code()
        if (failure := no_status(self._authority, status)) is not None:
            raise failure
        if status < 200:
            if status == 101 and not self._is_upgrade_asked:  # RFC 9110 §7.8: we sent no Upgrade
                raise self._malformed("switched protocols unasked (status 101)")
            self.status = status if status == 101 else 0
            return
        if self._head_bytes > MAX_HEAD_BYTES and sum(len(name) + len(value) for name, value in self.fields) > MAX_HEAD_BYTES:
            raise self._too_long()
        # RFC 9112 §6.1: we sent no TE, so nothing but chunks may be around the body; taken off, another coding would be content.
        if any(name == b"transfer-encoding" and value.strip().lower() != b"chunked" for name, value in self.fields):
            raise self._malformed("answered in a transfer coding that was not asked for")
        self.status, self.stage = status, Stage.BODY
        self.is_keep_alive = parser.should_keep_alive()  # RFC 9112 §9.3
        if self._is_head_only:  # RFC 9110 §9.3.2: a length and no body, which the parser is not told
            self.stage, self._parser = Stage.WHOLE, None

    def on_body(self, body: bytes) -> None:
        if self.stage is Stage.BODY:
            self._keep(body)
        else:
            self.is_keep_alive = False

    def on_message_complete(self) -> None:
        if self.stage is Stage.BODY:
            self.stage = Stage.WHOLE
        elif self.stage is Stage.HEAD and self.status != 101:
            # An interim answer (RFC 9110 §15.2); the one that counts follows.
            self.fields = []

    def _keep(self, data: bytes) -> None:
        self.pieces.append(data)
        self.pieces_bytes += len(data)

    def _begin_tunnel(self, rest: bytes) -> None:
        """Pass bytes on as they are from here on: both sides speak another protocol now."""
        if self.status != 101:
            raise self._malformed("switched protocols without saying so")
        self.stage, self._parser = Stage.TUNNEL, None
        if rest:
            self._keep(rest)

    def _too_long(self) -> UpstreamFailed:
        return self._malformed(f"answered with a head of more than {MAX_HEAD_BYTES} bytes")

    def _malformed(self, what: str) -> UpstreamFailed:
        return failed(self._authority, "upstream_malformed", what)
