"""What the header of an upstream's answer tells: facts for the gateway, and the fields that its caller may see."""

import re
from collections.abc import Container, Iterator, Mapping
from functools import lru_cache
from typing import Literal
from urllib.parse import urljoin

from tools.operation import Json, ResponseMeta
from tools.plain_text import visible

REQUEST_ID_HEADERS = frozenset({"x-request-id", "request-id", "x-amzn-requestid", "x-correlation-id", "x-trace-id", "cf-ray"})
#: names of one fact in rate-limit headers, the IETF draft's first
RATE_LIMIT_HEADERS: Mapping[str, tuple[str, ...]] = {
    "limit": ("ratelimit-limit", "x-ratelimit-limit", "x-rate-limit-limit"),
    "remaining": ("ratelimit-remaining", "x-ratelimit-remaining", "x-rate-limit-remaining"),
    "reset": ("ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset"),
    "policy": ("ratelimit-policy", "ratelimit"),
}
#: fields that a caller needs to go on, whether the document declares them or not: what was made and where (RFC 9110 §10.2.2,
#: §8.7), where a long operation is watched, validators (§8.8), when to ask again (§10.2.3), what is allowed (§10.2.1)
_MADE = ("location", "content-location", "operation-location", "azure-asyncoperation", "odata-entityid", "x-restli-id", "x-linkedin-id")
_STATE = ("etag", "last-modified", "retry-after", "allow", "content-range", "preference-applied", "deprecation", "sunset")
_COUNTS = ("x-total-count", "x-total", "x-total-pages", "x-count", "x-page", "x-per-page", "x-next-page")
TOLD = frozenset((*_MADE, *_STATE, *_COUNTS))
#: what a HEAD is for
TOLD_OF_HEAD = ("content-length", "content-type", "accept-ranges", "content-disposition")
#: fields that are never shown, declared or not: they hold what signs somebody in
_PRIVATE = re.compile(r"cookie|authoriz|authenticat|secret|passw|api-?key|csrf|xsrf|session|credential|signature")
_TOKEN = re.compile(r"token")
_TOKEN_OF_PAGE = re.compile(r"next|page|pagin|continu|sync|cursor|skip|delta")
_RELATION = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,]+))', re.IGNORECASE)
_TOTAL = re.compile(r"(^|-)(total|pagination)(-|$)")
MAX_FIELDS, MAX_FIELD_CHARS, MAX_FIELDS_CHARS = 32, 4_096, 16_384
MAX_DIGITS = 15
#: relations of pages, which `page` speaks of
_PAGES = frozenset({"next", "prev", "previous", "first", "last", "self", "start"})


def facts_of(status: int, headers: Mapping[str, str], url: str, declared: Container[str] = ()) -> ResponseMeta:
    """Return status, request id, rate limit, rel=next link and the fields to show of a response, and its header for the cache.

    `declared`: names in lower case that the document says a caller should read.
    """
    lower = lower_of(headers)
    request_id, has_rate_limit = None, False
    told: dict[str, str] | None = None
    for name in lower:
        meaning = _meaning(name)
        if meaning is None and name not in declared:
            continue
        if meaning == "rate limit":
            has_rate_limit = True
        elif meaning is None or meaning == "told":
            told = {} if told is None else told
            told[name] = lower[name]
        elif request_id is None or meaning == "request id":
            request_id = lower[name]
    link = lower.get("link")
    if link and (others := ", ".join(_other_links(link))):
        told = {**(told or {}), "link": others}
    told = told and _bounded(told)
    return ResponseMeta(
        status=status,
        request_id=request_id,
        rate_limit=_rate_limit(lower) if has_rate_limit else None,
        next_link=next_link(link, url) if link else None,
        headers=lower,
        told=told or None,
        location=_absolute(told["location"], url) if told and "location" in told else None,
    )


def is_private(name: str) -> bool:
    """Say whether a response field may hold what signs somebody in; such a field is never shown."""
    name = name.lower()
    return _PRIVATE.search(name) is not None or (_TOKEN.search(name) is not None and _TOKEN_OF_PAGE.search(name) is None)


@lru_cache(maxsize=128)  # A name may have 64 KiB.
def _meaning(name: str) -> Literal["request id", "some request id", "rate limit", "told"] | None:
    """Return what a response header of this name (lower case) tells us; the same few names come all the time."""
    if name in REQUEST_ID_HEADERS:
        return "request id"
    if name.endswith("-request-id"):
        return "some request id"
    if "ratelimit" in name or "rate-limit" in name:
        return "rate limit"
    return "told" if name in TOLD or (_TOTAL.search(name) is not None and not is_private(name)) else None


def next_link(header: str, url: str) -> str | None:
    """Return the absolute target of rel=next in a Link header (RFC 8288 §3)."""
    target = next((target for target, relations, _ in _links(header) if "next" in relations), None)
    try:
        return None if target is None else urljoin(url, target)
    except ValueError:
        return None  # not an address


def is_number(value: str) -> bool:
    """Say whether a field is a number of a size that somebody means."""
    digits = value.strip()
    return digits.isascii() and digits.isdigit() and len(digits) <= MAX_DIGITS


def lower_of(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers by names in lower case; several lines of one name are one list (RFC 9110 §5.3): no-store must not get lost."""
    lower = {name.lower(): value for name, value in headers.items()}
    if len(lower) != len(headers):
        lower.clear()
        for name, value in headers.items():
            lower[name.lower()] = f"{lower[name.lower()]}, {value}" if name.lower() in lower else value
    return lower


def _links(header: str) -> Iterator[tuple[str, frozenset[str], str]]:
    """Yield (target, relations, the whole value) of a Link header (RFC 8288 §3), read once however long it is."""
    start = header.find("<")
    while start >= 0 and (end := header.find(">", start)) >= 0:
        following = header.find("<", end)
        value = header[start : following if following >= 0 else len(header)]
        relation = _RELATION.search(value, end - start)
        named = (relation[1] or relation[2] or "").lower().split() if relation else ()
        yield header[start + 1 : end], frozenset(named), value.rstrip(", \t")
        start = following


def _other_links(header: str) -> Iterator[str]:
    """Yield the values of a Link header that are about something else than pages."""
    return (value for _, relations, value in _links(header) if relations and not relations <= _PAGES)


def _bounded(told: Mapping[str, str]) -> dict[str, str]:
    """Return fields as they may be shown; one that is too long is left out, because half an ETag is none."""
    left = MAX_FIELDS_CHARS
    kept: dict[str, str] = {}
    for name, value in told.items():
        if not value or len(value) > min(MAX_FIELD_CHARS, left) or len(kept) >= MAX_FIELDS:
            continue
        kept[visible(name)] = visible(value)
        left -= len(value)
    return kept


def _absolute(location: str, url: str) -> str:
    """Return where a Location leads (RFC 9110 §10.2.2); the query of our own request, which may hold a key, is no part of that."""
    try:
        return urljoin(url.partition("?")[0], location)
    except ValueError:
        return location


def _rate_limit(headers: Mapping[str, str]) -> dict[str, Json] | None:
    found: dict[str, Json] = {}
    for fact, names in RATE_LIMIT_HEADERS.items():
        value = next((headers[name] for name in names if name in headers), None)
        if value is not None:
            found[fact] = int(value) if is_number(value) else value
    return found or None
