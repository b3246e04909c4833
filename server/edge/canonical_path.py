"""A path as it is matched and as it is sent on: one spelling, so that no backend reads another path than the one that was judged."""

import re
from typing import Final

from server.edge.refusals import EdgeRefused

#: nothing to decode, nothing that two readers see in two ways
_PLAIN: Final = re.compile(rb"(?:/[A-Za-z0-9._~!$&'()*+,=:@-]+)+/?|/")
_DOTS: Final = re.compile(rb"/\.{1,2}(?:/|;|$)")
_ESCAPE: Final = re.compile(rb"%(..?)?")
#: RFC 3986 §2.3
_UNRESERVED: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
#: slash, backslash and controls; and a percent sign before what spells a dot or a slash for whoever decodes twice
_UNSAFE: Final = re.compile(rb"%(?:2[Ff]|5[Cc]|[01][0-9A-Fa-f]|7[Ff]|25(?:2[EeFf]|5[Cc]|00))")


def canonical(raw: bytes) -> bytes:
    """Return a raw path with its unreserved characters decoded and its other escapes in upper case (RFC 3986 §6.2.2).

    Raises EdgeRefused for what servers read in different ways: dot segments, empty segments, encoded slashes, backslashes, controls.
    """
    if _PLAIN.fullmatch(raw) is None:
        if b"\\" in raw or _UNSAFE.search(raw):
            raise _refused("it has a backslash, an encoded slash or a control character")
        raw = _ESCAPE.sub(_unescaped, raw)
        if b"//" in raw:
            raise _refused("it has an empty segment (//)")
    if b"/." in raw and _DOTS.search(raw):
        raise _refused("it has a segment of dots")
    return raw


def without_parameters(path: bytes) -> bytes:
    """Return a path as servers see it that take `;…` off its segments (RFC 3986 §3.3)."""
    return b"/".join(segment.partition(b";")[0] for segment in path.split(b"/"))


def _unescaped(match: re.Match[bytes]) -> bytes:
    try:
        byte = int(match[1] or b"", 16)
    except ValueError as error:
        raise _refused("it has a percent sign without two hexadecimal digits") from error
    # int() would also take a sign or a blank.
    if len(match[0]) != 3 or not match[1].isalnum():
        raise _refused("it has a percent sign without two hexadecimal digits")
    return bytes((byte,)) if byte in _UNRESERVED else match[0].upper()


def _refused(why: str) -> EdgeRefused:
    return EdgeRefused(400, "invalid_path", f"this path is not passed on: {why}; send it in its plain spelling")
