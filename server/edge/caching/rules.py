"""What a shared cache may keep, and for whom (RFC 9111): read from the heads of request and answer."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from server.edge.incoming import Incoming
from server.edge.request_headers import is_ours, nominated_by
from server.edge.route import Route
from server.request_scope import Headers
from tools.egress.relay_answer import Fields, RelayHead
from tools.sources.http.caching.freshness import directives_of, freshness_of

MAX_FRESH_S: Final = 7 * 86_400.0
#: part of a body, or one that depends on what the caller has already: passed by
_PASSED_BY: Final = frozenset({b"range", b"if-range", b"if-match", b"if-unmodified-since"})
#: of one connection, or of the time of each answer
_NOT_KEPT: Final = frozenset({b"age", b"content-length"})
#: names of fields that tell people apart: X-API-Key, X-Auth-Token, Ocp-Apim-Subscription-Key, DPoP, …
_CREDENTIAL: Final = re.compile(rb"auth|cookie|token|key|secret|session|signature|credential|passw|cert|dpop|jwt|tenant|account")

#: route, whose (""; a verified user's), path, query
Key = tuple[str, str, bytes, bytes]


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer. Times are of `time.monotonic`. `variant`: fields of requests that it depends on, and what they were."""

    fields: Fields
    body: bytes
    age_s: float
    kept_at: float
    fresh_s: float
    stale_s: float
    variant: tuple[tuple[bytes, bytes], ...]

    def age_at(self, now: float) -> float:
        return self.age_s + now - self.kept_at

    def is_fresh(self, now: float) -> bool:
        return now - self.kept_at < self.fresh_s

    def is_usable(self, now: float) -> bool:
        """Say whether it may be given out, if only while somebody asks for a newer one (RFC 5861 §3)."""
        return now - self.kept_at < self.fresh_s + self.stale_s

    def fits(self, headers: Headers) -> bool:
        """Say whether the request is one of those that this is the answer to (RFC 9111 §4.1)."""
        return all(_value_of(headers, name) == value for name, value in self.variant)

    def is_same_as_known(self, headers: Headers) -> bool:
        """Say whether the caller has it already (RFC 9110 §13.1.2, §13.1.3; If-None-Match counts alone where it is there)."""
        known, own = _value_of(headers, b"if-none-match"), _value_of(self.fields, b"etag")
        if known:
            return known.strip() == b"*" or (bool(own) and _weak(own) in {_weak(each) for each in known.split(b",")})
        since = _value_of(headers, b"if-modified-since")
        return bool(since) and since == _value_of(self.fields, b"last-modified")


def key_of(route: Route, request: Incoming, path: bytes) -> Key | None:
    """Return under what an answer may be kept or found; None: the cache stays out of it.

    What a verified user was answered is for that user alone, whatever the answer says.
    """
    if route.config.cache is None or request.method != b"GET":
        return None
    for name, _value in request.headers:
        # A body with a GET means something to somebody, and would not be in the key (cache poisoning).
        if name in _PASSED_BY or name in (b"content-length", b"transfer-encoding"):
            return None
    if "no-store" in asks(request.headers):
        return None
    return (route.label, request.user_id, path, request.scope["query_string"])


def asks(headers: Headers) -> Mapping[str, str]:
    """Return the request's own directives."""
    return directives_of(_value_of(headers, b"cache-control").decode("latin-1"))


def kept_of(route: Route, headers: Headers, asked_at: float, head: RelayHead, fields: Fields) -> Kept | None:
    """Return what to keep of an answer that begins with `head`, its body still missing; None where it may not be kept.

    headers: of the request, which was sent at `asked_at` (monotonic). fields: as they go to callers. What is in doubt is not kept.
    """
    cache = route.config.cache
    said = {name.decode("latin-1"): _value_of(head.fields, name).decode("latin-1") for name, _ in head.fields}
    if cache is None or head.status != 200 or "set-cookie" in said or "content-range" in said:
        return None
    if "content-length" not in said and "transfer-encoding" not in said:
        return None  # RFC 9111 §3.3: whether it is whole nobody knows.
    freshness = freshness_of(head.status, said, time.time(), MAX_FRESH_S, is_shared=True)
    if freshness is None:
        return None
    directives = directives_of(said.get("cache-control", ""))
    fresh_s, stale_s = freshness.fresh_s, freshness.stale_while_revalidate_s
    if not said.get("cache-control") and "expires" not in said:
        fresh_s, stale_s = cache.ttl_s, cache.stale_while_revalidate_s
    if fresh_s <= 0 or (_has_credentials(headers) and not {"public", "s-maxage"} & directives.keys()):
        return None
    varied = {each.strip().lower() for each in said.get("vary", "").split(",") if each.strip()}
    if "content-encoding" in said:
        varied.add("accept-encoding")  # Whoever cannot read it must not get it because a backend forgot to say so.
    nominated = nominated_by(headers)
    if any(is_ours(name) or name in nominated for name in map(str.encode, varied)):
        return None  # The backend was told another value than the caller's, or none.
    variant = tuple((name.encode(), _value_of(headers, name.encode())) for name in sorted(varied))
    age = said.get("age", "")
    age_s = float(age) if age.isascii() and age.isdigit() and len(age) < 10 else 0.0
    kept = [field for field in fields if field[0] not in _NOT_KEPT]
    return Kept(kept, b"", age_s, asked_at, fresh_s, stale_s, variant)


def _has_credentials(headers: Headers) -> bool:
    # RFC 9111 §3.5, which has `must-revalidate` too; many servers write that everywhere, and mean nobody else by it.
    return any(_CREDENTIAL.search(name) for name, _ in headers)


def _value_of(headers: Headers, wanted: bytes) -> bytes:
    """Return the values of a field as one (RFC 9110 §5.3)."""
    return b", ".join([value for name, value in headers if name == wanted])


def _weak(tag: bytes) -> bytes:
    return tag.strip().removeprefix(b"W/")
