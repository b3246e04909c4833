"""What goes to a backend of what a caller sent: its own words, and ours about the caller in the place of any that claim to be ours."""

import re
from collections.abc import Iterable
from typing import Final

from server.edge.refusals import EdgeRefused
from server.request_scope import Headers

#: RFC 9110 §7.6.1: of this connection; and what we say anew
_NOT_PASSED_ON: Final = frozenset(
    {
        b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer",
        b"transfer-encoding", b"upgrade", b"http2-settings", b"host", b"content-length", b"expect", b"forwarded", b"x-real-ip",
        b"x-original-url", b"x-rewrite-url", b"x-http-method-override", b"via", b"x-gateway-version", b"traceparent",
        # what other proxies call the caller's address, the method and the host
        b"true-client-ip", b"x-true-client-ip", b"x-client-ip", b"x-cluster-client-ip", b"x-originating-ip", b"x-remote-ip",
        b"x-remote-addr", b"cf-connecting-ip", b"cf-connecting-ipv6", b"fastly-client-ip", b"x-forwarded", b"x-http-method",
        b"x-method-override", b"x-host", b"x-original-host",
    }
)  # fmt: skip
#: who the caller is and where it comes from is for us to say
_OURS: Final = (b"x-forwarded-", b"x-user-", b"sec-websocket-")
#: our tokens (oauth/tokens/formats.py) and the cookies of our pages are for us alone
_OWN_TOKEN: Final = b"asc_"
OWN_COOKIE: Final = re.compile(rb"(?:__Host-|__Secure-)?ascend_", re.IGNORECASE)
#: a request that passed so many of us goes in a circle
MAX_HOPS: Final = 5
_VIA: Final = b"ascend-gateway"


def passed_on(headers: Headers) -> list[tuple[bytes, bytes]]:
    """Return the fields of a request that go on. Raises EdgeRefused for one that goes in a circle."""
    nominated = nominated_by(headers)
    kept: list[tuple[bytes, bytes]] = []
    for name, value in headers:
        if is_ours(name) or name in nominated:
            if name == b"via" and value.count(_VIA) >= MAX_HOPS:
                raise EdgeRefused(508, "loop_detected", "this route leads back to this gateway; correct its backends")
            continue
        if name == b"cookie":
            value = _without_own(value)
            if not value:
                continue
        elif name == b"authorization" and _is_own_token(value):
            continue
        kept.append((name, value))
    return kept


def is_ours(name: bytes) -> bool:
    """Say whether a backend never gets a caller's own field of this name."""
    # `X_User_Id` is `X-User-Id` to whoever reads fields as CGI does (RFC 3875 §4.1.18).
    return name in _NOT_PASSED_ON or name.startswith(_OURS) or b"_" in name


def head_lines(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return fields as the lines of a head."""
    return b"".join([b"%b: %b\r\n" % field for field in fields])


def via(headers: Headers) -> bytes:
    """Return what Via says to the backend (RFC 9110 §7.6.3): whom it passed before, and us."""
    before = [value for name, value in headers if name == b"via"]
    return b", ".join((*before, b"1.1 " + _VIA))


def nominated_by(headers: Headers) -> frozenset[bytes]:
    """Return the options of every Connection field; fields of such names are of that connection, too (RFC 9110 §7.6.1)."""
    nominated = frozenset[bytes]()
    for name, value in headers:
        if name == b"connection" and (lower := value.lower()) not in (b"keep-alive", b"close"):
            nominated = nominated.union(option.strip() for option in lower.split(b","))
    return nominated


def _without_own(cookies: bytes) -> bytes:
    return b"; ".join(pair for each in cookies.split(b";") if (pair := each.strip()) and OWN_COOKIE.match(pair) is None)


def _is_own_token(authorization: bytes) -> bool:
    return authorization.partition(b" ")[2].strip().startswith(_OWN_TOKEN)
