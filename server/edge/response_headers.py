"""What comes back to a caller of what a backend sent."""

from typing import Final

from server.edge.request_headers import OWN_COOKIE, nominated_by
from server.identity import VERSION
from tools.egress.relay_answer import Fields

#: RFC 9110 §7.6.1; and what a backend may not say for all of this host, the pages and sessions of the gateway included
_NOT_PASSED_ON: Final = frozenset(
    {
        b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"te", b"trailer", b"transfer-encoding", b"upgrade",
        b"alt-svc", b"clear-site-data", b"service-worker-allowed", b"strict-transport-security", b"public-key-pins",
        b"nel", b"report-to", b"reporting-endpoints", b"accept-ch", b"critical-ch", b"set-login", b"secure-session-registration",
        b"x-gateway-version", b"x-accel-redirect", b"x-sendfile", b"x-cache",
    }
)  # fmt: skip
_LIMITS: Final = (b"x-ratelimit-", b"ratelimit")
VERSION_FIELD: Final = (b"x-gateway-version", VERSION.encode())
#: The Sandbox is of the origin: what a backend's page runs may not be what our own pages may (HTML §7.1.1).
_SANDBOX: Final = (
    b"content-security-policy",
    b"sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts allow-top-navigation-by-user-activation",
)
#: nothing runs in them
_DATA: Final = frozenset(
    {
        b"application/json", b"text/event-stream", b"text/plain", b"image/png", b"image/jpeg", b"image/webp", b"application/x-ndjson",
    }
)  # fmt: skip
_TYPE_OPTIONS: Final = b"x-content-type-options"
_NOSNIFF: Final = (_TYPE_OPTIONS, b"nosniff")


def passed_back(fields: Fields, *, is_sandboxed: bool, has_cors: bool, has_limits: bool) -> Fields:
    """Return the fields of an answer that go to the caller.

    `has_cors`: who may read it is ours to say, not the backend's; `has_limits`: so is how often one may ask.
    """
    nominated = nominated_by(fields)
    kept, media_types = [VERSION_FIELD], set[bytes]()
    for name, value in fields:
        if name in _NOT_PASSED_ON or name in nominated or (has_cors and name.startswith(b"access-control-")):
            continue
        if has_limits and name.startswith(_LIMITS):
            continue
        # One without a name is sent back as whatever its value looks like (RFC 6265bis §5.7).
        if name == b"set-cookie" and (OWN_COOKIE.match(value.strip()) or not value.partition(b"=")[0].strip() or b"=" not in value):
            continue
        if name == b"content-type":
            media_types.add(value.lower())
        kept.append((name, value))
    if not is_sandboxed:
        return kept
    if not _is_data(media_types):
        return [*kept, _SANDBOX]
    # Of several values the first counts (Fetch §3.6), so a backend's own goes.
    return [*(field for field in kept if field[0] != _TYPE_OPTIONS), _NOSNIFF]


def _is_data(media_types: set[bytes]) -> bool:
    """Say whether a browser takes it for data. Of a list, or of several fields, it takes the last that it knows (Fetch §3.4)."""
    value = next(iter(media_types), b"")
    return len(media_types) == 1 and b"," not in value and value.partition(b";")[0].strip(b" \t") in _DATA
