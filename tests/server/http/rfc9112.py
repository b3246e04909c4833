"""RFC 9112 read once more, as plainly as it can be: which requests does a stream of bytes hold?

It shares nothing with the server under test and takes no liberty that the RFC leaves to a recipient. Where it is stricter than the
server may be, the server is asked to be as strict.
"""

import re
import string
from dataclasses import dataclass
from typing import Literal, NamedTuple

TOKEN = frozenset(b"!#$%&'*+-.^_`|~" + (string.ascii_letters + string.digits).encode())
VISIBLE = frozenset(range(0x21, 0x7F))
IN_VALUES = VISIBLE | frozenset(range(0x80, 0x100)) | frozenset(b" \t")
ABSOLUTE = re.compile(rb"(?i)http://[^/?]*")
HOST = re.compile(rb"([A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]*)?")


class Request(NamedTuple):
    method: bytes
    target: bytes
    body: bytes


@dataclass(frozen=True)
class Reading:
    """`end`: more may follow, the last request ended the connection, or what follows is no request."""

    requests: list[Request]
    end: Literal["open", "closed", "bad"]


class Bad(Exception):
    """The stream breaks a rule."""


class Short(Exception):
    """The stream ends before the request does."""


def read(stream: bytes) -> Reading:
    """Return the whole requests of `stream`, and how it ends."""
    rest, requests = _Rest(stream), list[Request]()
    try:
        while True:
            request, is_last = _request(rest)
            requests.append(request)
            if is_last:
                return Reading(requests, "closed")
    except Short:
        return Reading(requests, "open")
    except Bad:
        return Reading(requests, "bad")


class _Rest:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def take(self, size: int) -> bytes:
        if len(self._data) < size:
            raise Short
        taken, self._data = self._data[:size], self._data[size:]
        return taken

    def line(self) -> bytes:
        """§2.2: a line ends with CR and LF, and holds neither."""
        line, found, rest = self._data.partition(b"\n")
        if not found:
            raise Short
        self._data = rest
        if not line.endswith(b"\r") or b"\r" in line[:-1]:
            raise Bad
        return line[:-1]

    def skip_empty_lines(self) -> None:
        while self._data.startswith(b"\r\n"):
            self._data = self._data[2:]


def _request(rest: _Rest) -> tuple[Request, bool]:
    rest.skip_empty_lines()
    words = rest.line().split(b" ")
    _must(len(words) == 3)
    method, target, version = words
    _must(method != b"" and TOKEN.issuperset(method) and method != b"CONNECT")
    _must(target != b"" and VISIBLE.issuperset(target) and b"#" not in target)
    _must(version in (b"HTTP/1.0", b"HTTP/1.1"))
    fields = _fields(rest)
    hosts = _values(fields, b"host")
    # §3.2: required of HTTP/1.1 alone
    _must((len(hosts) == 1 and HOST.fullmatch(hosts[0]) is not None) or (not hosts and version == b"HTTP/1.0"))
    request = Request(method, _origin_form(method, target), _body(rest, fields, version))
    options = [option.strip(b" \t").lower() for value in _values(fields, b"connection") for option in value.split(b",")]
    return request, version == b"HTTP/1.0" or b"close" in options


def _origin_form(method: bytes, target: bytes) -> bytes:
    """§3.2.2, §3.2.4: what an absolute form names at its server, which is its root or the server itself where it has no path."""
    if (absolute := ABSOLUTE.match(target)) is None:
        return target
    path = target[absolute.end() :]
    return path if path.startswith(b"/") else b"*" if method == b"OPTIONS" and not path else b"/" + path


def _fields(rest: _Rest) -> list[tuple[bytes, bytes]]:
    """§5: `name:value` until an empty line; no blank before the colon, no folded line."""
    fields = []
    while line := rest.line():
        name, colon, value = line.partition(b":")
        _must(colon == b":" and name != b"" and TOKEN.issuperset(name) and IN_VALUES.issuperset(value))
        fields.append((name.lower(), value.strip(b" \t")))
    return fields


def _body(rest: _Rest, fields: list[tuple[bytes, bytes]], version: bytes) -> bytes:
    """§6.3, where one length is one length and the one coding is `chunked`."""
    lengths, codings = _values(fields, b"content-length"), _values(fields, b"transfer-encoding")
    if codings:
        _must(version == b"HTTP/1.1" and not lengths and [coding.lower() for coding in codings] == [b"chunked"])
        return _chunks(rest)
    if not lengths:
        return b""
    _must(len(lengths) == 1 and re.fullmatch(rb"[0-9]+", lengths[0]) is not None)
    return rest.take(int(lengths[0]))


def _chunks(rest: _Rest) -> bytes:
    """§7.1: sizes in hexadecimal, perhaps with extensions; then fields that are not part of the head."""
    body = b""
    while True:
        head = re.fullmatch(rb"([0-9A-Fa-f]+)(?:[ \t]*;.*)?", rest.line(), re.DOTALL)
        _must(head is not None)
        assert head is not None
        size = int(head[1], 16)
        if size == 0:
            _fields(rest)
            return body
        body += rest.take(size)
        _must(rest.take(2) == b"\r\n")


def _values(fields: list[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    return [value for field, value in fields if field == name]


def _must(is_right: bool) -> None:
    if not is_right:
        raise Bad
