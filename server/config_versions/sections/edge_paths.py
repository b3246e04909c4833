"""Where routes of the edge may be: paths in one spelling, and none that is the gateway's own."""

import re
from typing import Final

#: RFC 3986 §3.3, what needs no percent sign and means nothing to anybody; a final `*` is everything below
_PATTERN: Final = re.compile(r"(?:/[A-Za-z0-9._~-]+)*(?:/\*|/)?")
_DOTS: Final = re.compile(r"/\.{1,2}(?:/|$)")
#: first segments of what the gateway answers itself, be it configured or not; a test compares them with its URL tables
OWN: Final = frozenset(
    {
        ".well-known", "account", "admin", "authorize", "connect", "connections", "consent", "device", "device_authorization", "edge",
        "favicon.ico", "health", "healthz", "hooks", "introspect", "login", "mcp", "metrics", "par", "readyz", "register", "revoke",
        "server.json", "static", "token", "v1",
    }
)  # fmt: skip


def fault_of_pattern(path: str) -> str:
    """Return what is wrong with where a route would be, or ""."""
    if not is_plain(path):
        return "is no path of a route; letters, digits and . _ - ~ between single slashes, as in /api/auth/*"
    if (first := first_segment(path)) in OWN:
        return f"begins with /{first}, which the gateway answers itself"
    return ""


def is_plain(path: str) -> bool:
    """Say whether a path has one spelling."""
    return path.startswith("/") and _PATTERN.fullmatch(path) is not None and _DOTS.search(path) is None


def is_own(path: str) -> bool:
    """Say whether the gateway answers a path itself, whatever the routes are; `path` is decoded."""
    return path == "/" or first_segment(path) in OWN


def first_segment(path: str) -> str:
    return path.split("/", 2)[1] if path.startswith("/") else ""
