"""What an answer says of its own page: whether more follow, which comes next, how many there are in all."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tools.operation import Json, ResponseMeta

#: members under which answers speak of their page
_LEVELS = (
    "meta",
    "paging",
    "pagination",
    "page",
    "page_info",
    "pageInfo",
    "paging_info",
    "pagingInfo",
    "links",
    "_links",
    "_meta",
    "metadata",
    "response_metadata",
    "pager",
    "list_info",
    "info",
)
HAS_MORES = (
    "has_more",
    "hasMore",
    "has_next",
    "hasNext",
    "has_next_page",
    "hasNextPage",
    "has_more_items",
    "hasMoreItems",
    "has_more_pages",
    "hasMorePages",
    "has_more_results",
    "hasMoreResults",
    "more_results",
    "moreResults",
    "more_items_in_collection",
    "more_available",
    "moreAvailable",
    "has_more_rows",
    "more",
    "is_truncated",
    "isTruncated",
    "IsTruncated",
)
_LASTS = ("last", "is_last", "isLast", "is_last_page", "isLastPage", "last_page", "lastPage", "end_of_list", "endOfList", "is_end", "isEnd")
_NEXTS = (
    "next",
    "next_page",
    "nextPage",
    "next_url",
    "nextUrl",
    "next_link",
    "nextLink",
    "next_href",
    "nextHref",
    "next_page_url",
    "nextPageUrl",
    "next_page_link",
    "nextPageLink",
    "next_page_uri",
    "nextPageUri",
    "@odata.nextLink",
    "odata.nextLink",
    "next_cursor",
    "nextCursor",
    "next_page_token",
    "nextPageToken",
    "next_offset",
    "nextOffset",
)
_NEXT_NUMBERS = {
    "page": ("next_page", "nextPage", "next", "next_page_number", "nextPageNumber"),
    "offset": ("next_offset", "nextOffset", "next", "next_start", "nextStart"),
}
#: siblings of a next address: where they are and it is not, there is none
_OTHER_PAGES = ("prev", "previous", "first", "last")
TOTALS = (
    "total",
    "total_count",
    "totalCount",
    "total_results",
    "totalResults",
    "total_size",
    "totalSize",
    "total_elements",
    "totalElements",
    "total_items",
    "totalItems",
    "total_records",
    "totalRecords",
    "total_entries",
    "totalEntries",
    "total_hits",
    "totalHits",
    "nbHits",
    "@odata.count",
)
_TOTAL_PAGES = (
    "total_pages",
    "totalPages",
    "page_count",
    "pageCount",
    "num_pages",
    "numPages",
    "number_of_pages",
    "numberOfPages",
    "pages",
    "nbPages",
    "last_page",
    "lastPage",
)
_NUMBERS = ("current_page", "currentPage", "page_number", "pageNumber", "page_index", "pageIndex", "page")
#: not `size` and `limit`: too many answers mean something else by them
_SIZES = ("per_page", "perPage", "page_size", "pageSize", "items_per_page", "itemsPerPage")
MAX_LINK_CHARS = 16_384
#: a Link header that tells of pages at all, so that one without rel=next is the last page's
_LINKS_PAGES = re.compile(r"""rel\s*=\s*"?[^";,]{0,60}\b(?:prev|previous|first|last)\b""", re.IGNORECASE)


def says_no_more(data: Json) -> bool:
    """Say whether the answer calls itself the last page in so many words (`has_more: false`, `last: true`)."""
    return any(
        any(level.get(name) is False for name in HAS_MORES) or any(level.get(name) is True for name in _LASTS) for level in _levels(data)
    )


def says_more(data: Json, http: ResponseMeta | None) -> bool | None:
    """Return whether the answer says that more pages follow; None where it says nothing of it.

    `has_more: false`, `last: true` and a `next` of null or "" are a no; a `next` with an address or a number is a yes.
    """
    if says_no_more(data):
        return False
    said = True if any(level.get(name) is True for level in _levels(data) for name in HAS_MORES) else None
    for level in _levels(data):
        for name in _NEXTS:
            if name in level:
                if not (following := level[name]):
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
        for name in _NEXT_NUMBERS[style]:
            if (number := _integer(level.get(name))) is not None:
                return number
    header = (http.headers or {}).get("x-next-page", "") if http is not None and style == "page" else ""
    return int(header) if header.isascii() and header.isdigit() and len(header) < 18 else None


def own_number(data: Json) -> int | None:
    """Return the number that the answer gives its own page."""
    spring = next((_integer(level.get("number")) for level in _levels(data) if _is_spring(level)), None)
    return _first(data, _NUMBERS) if spring is None else spring


def own_size(data: Json) -> int | None:
    """Return how many items the answer says that a whole page has."""
    return _first(data, _SIZES)


def total_of(data: Json, http: ResponseMeta | None) -> int | None:
    """Return how many items there are in all."""
    return _first(data, TOTALS) if (total := _counted(http, "x-total-count", "x-total")) is None else total


def pages_of(data: Json, http: ResponseMeta | None) -> int | None:
    """Return how many pages there are in all."""
    return _first(data, _TOTAL_PAGES) if (pages := _counted(http, "x-total-pages")) is None else pages


def counts_from_zero(data: Json) -> bool:
    """Say whether the answer numbers its pages from zero: page 0, or the forms of Spring Data and Algolia."""
    return own_number(data) == 0 or any(_is_spring(level) or "nbPages" in level for level in _levels(data))


def _levels(data: Json) -> Iterator[Mapping[str, Any]]:
    """Yield the answer and the members in which it speaks of its page, down to two levels."""
    if not isinstance(data, Mapping):
        return
    yield data
    for name in _LEVELS:
        inner = data.get(name)
        if isinstance(inner, Mapping):
            yield inner
            for deeper in _LEVELS:
                if isinstance(deepest := inner.get(deeper), Mapping):
                    yield deepest


def _linked(data: Json) -> bool | None:
    """Return False where the answer links to other pages and to no next one."""
    for level in _levels(data):
        for name in ("links", "_links"):
            links = level.get(name)
            if isinstance(links, Mapping) and any(links.get(other) for other in _OTHER_PAGES):
                return False
            if isinstance(links, list):
                relations = {link.get("rel") for link in links if isinstance(link, Mapping) and isinstance(link.get("rel"), str)}
                if "next" in relations:
                    return True
                if relations.intersection(_OTHER_PAGES):
                    return False
    return None


def _headed(http: ResponseMeta | None) -> bool | None:
    if http is None:
        return None
    if http.next_link:
        return True
    headers = http.headers or {}
    if "x-next-page" in headers:
        return bool(headers["x-next-page"].strip())
    return False if _LINKS_PAGES.search(headers.get("link", "")[:MAX_LINK_CHARS]) else None


def _is_spring(level: Mapping[str, Any]) -> bool:
    return "number" in level and ("totalPages" in level or "totalElements" in level)


def _counted(http: ResponseMeta | None, *names: str) -> int | None:
    for name in names if http is not None and http.headers else ():
        value = ((http.headers if http else None) or {}).get(name, "").strip()
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
