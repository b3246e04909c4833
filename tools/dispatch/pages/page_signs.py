"""What an answer says of its own page: whether more follow, which comes next, how many there are in all."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tools.dispatch.pages.page_names import (
    HAS_MORES,
    LASTS,
    LEVELS,
    NEXT_NUMBERS,
    NEXTS,
    NO,
    NOWHERE,
    NUMBERS,
    OTHER_PAGES,
    SIZES,
    STARTS,
    TOTAL_PAGES,
    TOTALS,
    YES,
)
from tools.operation import Json, ResponseMeta

#: header fields with the same facts as JSON, as ASP.NET's samples have them
_JSON_FIELDS = ("x-pagination", "pagination", "x-paging", "paging-headers")
_MORE_FIELDS = ("x-has-more", "has-more", "x-has-next", "x-has-next-page", "x-more")
_TOTAL_FIELDS = ("x-total-count", "x-total", "x-wp-total", "total-count", "total", "x-total-results", "x-pagination-total-count")
_PAGES_FIELDS = ("x-total-pages", "x-wp-totalpages", "total-pages", "x-page-count", "x-pagination-page-count")
#: RFC 9110 §14.4, and the forms without a unit of PostgREST
_RANGE = re.compile(r"\s*(?:[\w-]+[ =])?\s*(?:\d{1,17}-\d{1,17}|\*)/(\d{1,17})\s*", re.ASCII)
MAX_LINK_CHARS = 16_384
#: a Link header that tells of pages at all, so that one without rel=next is the last page's
_LINKS_PAGES = re.compile(r"""rel\s*=\s*"?[^";,]{0,60}\b(?:prev|previous|first|last)\b""", re.IGNORECASE)


def signs_of(data: Json, http: ResponseMeta | None) -> Json:
    """Return `data` with what the header of its answer says of the page as JSON."""
    headers = http.headers if http is not None else None
    said = next((headers[name] for name in _JSON_FIELDS if name in headers), "") if headers else ""
    if said[:1] != "{" or len(said) > MAX_LINK_CHARS:
        return data
    try:
        facts = {name[:1].lower() + name[1:]: value for name, value in json.loads(said).items()}
    except (ValueError, RecursionError):
        return data
    return {**(data if isinstance(data, Mapping) else {}), "pagination": facts}


def is_nowhere(cursor: Json) -> bool:
    """Say whether what stands in the place of a next cursor says that there is none."""
    return not cursor or str(cursor).strip().lower() in NOWHERE


def says_no_more(data: Json) -> bool:
    """Say whether the answer calls itself the last page in so many words (`has_more: false`, `last: true`)."""
    return any(
        any(_flag(level.get(name)) is False for name in HAS_MORES)
        or any(level.get(name) is True or level.get(name) == "true" for name in LASTS)
        for level in _levels(data)
    )


def says_more(data: Json, http: ResponseMeta | None) -> bool | None:
    """Return whether the answer says that more pages follow; None where it says nothing of it.

    `has_more: false`, `last: true` and a `next` of null or "" are a no; a `next` with an address or a number is a yes.
    """
    if says_no_more(data):
        return False
    said = True if any(_flag(level.get(name)) is True for level in _levels(data) for name in HAS_MORES) else None
    for level in _levels(data):
        for name in NEXTS:
            if name in level:
                following = level[name]
                if is_nowhere(following):
                    # A null beside another `next` that leads on is a form left empty.
                    said = said or False
                elif isinstance(following, str | int | Mapping):
                    return True
    if said is None:
        said = _linked(data)
    return _headed(http) if said is None else said


def next_number(data: Json, http: ResponseMeta | None, style: str) -> int | None:
    """Return the page number or the offset that the answer names as the next one."""
    for level in _levels(data):
        for name in NEXT_NUMBERS[style]:
            if (number := _integer(level.get(name))) is not None:
                return number
    header = (http.headers or {}).get("x-next-page", "") if http is not None and style == "page" else ""
    return int(header) if header.isascii() and header.isdigit() and len(header) < 18 else None


def own_number(data: Json) -> int | None:
    """Return the number that the answer gives its own page."""
    spring = next((_integer(level.get("number")) for level in _levels(data) if _is_spring(level)), None)
    return _first(data, NUMBERS) if spring is None else spring


def own_size(data: Json) -> int | None:
    """Return how many items the answer says that a whole page has."""
    return _first(data, SIZES)


def total_of(data: Json, http: ResponseMeta | None) -> int | None:
    """Return how many items there are in all."""
    if (total := _counted(http, _TOTAL_FIELDS)) is not None:
        return total
    ranged = _RANGE.fullmatch((http.headers or {}).get("content-range", "")[:100]) if http is not None else None
    return int(ranged[1]) if ranged else _first(data, TOTALS)


def pages_of(data: Json, http: ResponseMeta | None) -> int | None:
    """Return how many pages there are in all."""
    return _first(data, TOTAL_PAGES) if (pages := _counted(http, _PAGES_FIELDS)) is None else pages


def first_place(data: Json) -> int | None:
    """Return the number of the first item of all, where the answer to a call without an offset tells it: 0 or 1.

    Anything else under such a name may as well be the place to go on.
    """
    start = _first(data, STARTS)
    return start if start in (0, 1) else None


def counts_from_one(data: Json) -> bool:
    """Say whether the answer numbers its items from one, as OpenSearch and SCIM do (RFC 7644 §3.4.2.4)."""
    return any("startIndex" in level and "totalResults" in level for level in _levels(data))


def counts_from_zero(data: Json) -> bool:
    """Say whether the answer numbers its pages from zero: page 0, or the forms of Spring Data and Algolia."""
    return own_number(data) == 0 or any(_is_spring(level) or "nbPages" in level for level in _levels(data))


def _levels(data: Json) -> Iterator[Mapping[str, Any]]:
    """Yield the answer and the members in which it speaks of its page, down to two levels."""
    if not isinstance(data, Mapping):
        return
    yield data
    for name in LEVELS:
        inner = data.get(name)
        if isinstance(inner, Mapping):
            yield inner
            for deeper in LEVELS:
                if isinstance(deepest := inner.get(deeper), Mapping):
                    yield deepest


def _linked(data: Json) -> bool | None:
    """Return False where the answer links to other pages and to no next one."""
    for level in _levels(data):
        for name in ("links", "_links"):
            links = level.get(name)
            if isinstance(links, Mapping) and any(links.get(other) for other in OTHER_PAGES):
                return False
            if isinstance(links, list):
                relations = {link.get("rel") for link in links if isinstance(link, Mapping) and isinstance(link.get("rel"), str)}
                if "next" in relations:
                    return True
                if relations.intersection(OTHER_PAGES):
                    return False
    return None


def _headed(http: ResponseMeta | None) -> bool | None:
    if http is None:
        return None
    if http.next_link:
        return True
    headers = http.headers or {}
    if "x-next-page" in headers:
        return not is_nowhere(headers["x-next-page"].strip())
    if (flag := next((flag for name in _MORE_FIELDS if (flag := _flag(headers.get(name))) is not None), None)) is not None:
        return flag
    return False if _LINKS_PAGES.search(headers.get("link", "")[:MAX_LINK_CHARS]) else None


def _is_spring(level: Mapping[str, Any]) -> bool:
    return "number" in level and ("totalPages" in level or "totalElements" in level)


def _flag(value: Json) -> bool | None:
    """Return a flag that may be written as a number or in a word."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, int | str) else ""
    return True if word in YES else False if word in NO else None


def _counted(http: ResponseMeta | None, names: tuple[str, ...]) -> int | None:
    headers = (http.headers if http is not None else None) or {}
    for name in names if headers else ():
        value = headers.get(name, "").strip()
        if value.isascii() and value.isdigit() and len(value) < 18:
            return int(value)
    return None


def _first(data: Json, names: tuple[str, ...]) -> int | None:
    for level in _levels(data):
        for name in names:
            if (number := _integer(level.get(name))) is not None:
                return number
    return None


def _integer(value: Json) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 18:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
