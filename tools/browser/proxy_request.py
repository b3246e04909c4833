"""Heads of requests as a browser sends them to a proxy, and of answers as they go back: one exchange a connection."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

MAX_HEAD_BYTES: Final = 64 * 1024
#: RFC 9110 §7.6.1: of one connection, not of the message
_OF_THE_CONNECTION: Final = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"proxy-authorization", b"proxy-authenticate", b"te", b"trailer", b"upgrade"}
)


class BadHead(ValueError):
    """It cannot be read in one way only."""


@dataclass(frozen=True, slots=True)
class ProxyRequest:
    """`url`: where it leads, for CONNECT with https and nothing behind the authority (RFC 9110 §9.3.6)."""

    method: str
    url: str
    fields: Sequence[tuple[bytes, bytes]] = field(repr=False)
    body_bytes: int

    @property
    def is_tunnel(self) -> bool:
        return self.method == "CONNECT"

    def head(self, target: str) -> bytes:
        """Return the head for the origin, whose `target` is the path with its query (RFC 9112 §3.2.1)."""
        return f"{self.method} {target} HTTP/1.1\r\n".encode() + _lines(self.fields)


def read_request(head: bytes) -> ProxyRequest:
    """Read a request's head, with its empty line. Raises BadHead."""
    first, fields = _parts(head)
    words = first.split(b" ")
    # RFC 9112 §3: three words, and nothing that another parser would take for a fourth.
    if len(words) != 3 or not words[2].startswith(b"HTTP/1.") or not head.isascii():
        raise BadHead("request line")
    method, target = words[0].decode(), words[1].decode()
    lengths = {value for name, value in fields if name.lower() == b"content-length"}
    # RFC 9112 §6.3: a body whose end is not told by one length would let its rest pass as another request; no browser sends any here.
    if len(lengths) > 1 or any(name.lower() == b"transfer-encoding" for name, _ in fields):
        raise BadHead("length")
    length = lengths.pop() if lengths else b"0"
    if not length.isdigit() or len(length) > 12:
        raise BadHead("length")
    return ProxyRequest(method, f"https://{target}/" if method == "CONNECT" else target, fields, int(length))


def last_of_its_connection(head: bytes) -> tuple[int, bytes]:
    """Return the status of an answer, and its head with the word that nothing follows it on this connection. Raises BadHead."""
    first, fields = _parts(head)
    words = first.split(b" ", 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or len(words[1]) != 3 or not words[1].isdigit():
        raise BadHead("status line")
    return int(words[1]), first + b"\r\n" + _lines(fields)


def _parts(head: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    fields = []
    for line in lines:
        name, colon, value = line.partition(b":")
        # RFC 9112 §5.1, §5.2: no blank before the colon, no folded lines; §2.2: no bare CR or LF.
        if not colon or not name or name != name.strip() or b"\r" in line or b"\n" in line or b"\0" in line:
            raise BadHead("field")
        fields.append((name, value.strip()))
    return first, fields


def _lines(fields: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Return the lines of a head that ends its connection."""
    kept = [name + b": " + value + b"\r\n" for name, value in fields if name.lower() not in _OF_THE_CONNECTION]
    return b"".join(kept) + b"connection: close\r\n\r\n"
