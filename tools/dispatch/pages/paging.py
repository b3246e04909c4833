"""From one answer to the next page: what moves on, and whether anything is left (cursor, page, offset, Link header)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from tools.dispatch.pages.page_signs import (
    counts_from_one,
    counts_from_zero,
    first_place,
    is_nowhere,
    next_number,
    own_number,
    own_size,
    pages_of,
    says_more,
    says_no_more,
    signs_of,
    total_of,
)
from tools.large_json import LargeJson
from tools.operation import REDACTED, Call, Failure, Json, Operation, Outcome, Paging

_NAME = re.compile(r'"((?:[^"\\]|\\.)*)"|([A-Za-z_]\w*)')
_MARKED = re.compile(r"^(\d{1,6})(?:\.(\d{1,6}))?~(.*)$", re.DOTALL)


class CursorFault(Exception):
    """`page.cursor` is not one that this operation gave."""

    def __init__(self, operation: Operation, cursor: str) -> None:
        super().__init__(cursor)
        self.failure = Failure(
            code="invalid_cursor",
            message=f"page.cursor: '{cursor[:60]}' is not a cursor of '{operation.id}'; give next_cursor of the answer before, as it was",
        )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: the upstream's own cursor (None: at the beginning), and how many of its items were given before.

    `size` is the page size that the gateway chose: the same number means another place under another size.
    """

    cursor: str | None = None
    skip: int = 0
    size: int | None = None
    #: the cursor came from an answer, or sealed: where it reads *** was the account's secret
    is_from_answer: bool = False

    def render(self) -> str:
        """Return the cursor that a caller gets: the upstream's own, marked with what else it takes to go on, where it takes more."""
        plain = self.cursor or ""
        if not self.skip and self.size is None and plain and not _MARKED.match(plain):
            return plain
        return f"{self.skip}{'' if self.size is None else f'.{self.size}'}~{plain}"


def read_place(cursor: str | None) -> Place:
    """Return the place that a caller's cursor names."""
    if cursor is None:
        return Place()
    marked = _MARKED.match(cursor)
    return Place(marked[3] or None, int(marked[1]), int(marked[2]) if marked[2] else None) if marked else Place(cursor or None)


def chosen_size(call: Call, paging: Paging, wanted: int) -> int | None:
    """Return the page size to ask for when `wanted` items are wanted in all: the largest allowed, where the caller names none."""
    if paging.size_argument is None or paging.size_argument in call.arguments:
        return None
    largest = call.operation.input_schema.get("properties", {}).get(paging.size_argument, {}).get("maximum")
    return int(min(wanted, largest)) if isinstance(largest, int | float) and not isinstance(largest, bool) and largest >= 1 else None


def turned_to(call: Call, paging: Paging, place: Place) -> Call:
    """Return the call that asks for the page at `place`. Raises CursorFault."""
    if place.cursor is None and place.size is None:
        return call
    arguments = dict(call.arguments)
    if place.size is not None and paging.size_argument is not None and paging.size_argument not in arguments:
        arguments[paging.size_argument] = place.size
    directions = call.directions
    if place.cursor is not None:
        if paging.style == "link":
            directions = replace(directions, follow=place.cursor)
        elif paging.argument is not None:
            schema = call.operation.input_schema.get("properties", {}).get(paging.argument, {})
            arguments[paging.argument] = _argument(call.operation, paging, schema, place.cursor)
            if place.is_from_answer and REDACTED in place.cursor:
                directions = replace(directions, restore=paging.argument)
    return replace(call, arguments=arguments, directions=directions)


def items_of(paging: Paging, data: Json) -> list[Any] | None:
    """Return the list that an answer is about, or None where it is not where it should be."""
    if paging.items_path in (None, "", "@"):
        return data if isinstance(data, list) else None
    found = _search(str(paging.items_path), data)
    return found if isinstance(found, list) else None


def next_place(call: Call, paging: Paging, outcome: Outcome, items: Sequence[Any] | None, seen: int | None = None) -> Place | None:
    """Return where the page after this answer begins, or None where this was the last.

    `call` is the call that brought the answer; `seen`: how many items there are with this page, where the list was read from its
    beginning. A cursor that does not move on is the end: some upstreams repeat the last one for ever.
    """
    data, signs = outcome.data, signs_of(outcome.data, outcome.http)
    if says_no_more(signs):
        return None
    if paging.style == "link":
        link = outcome.http.next_link if outcome.http is not None else None
        if not link and paging.next_path:
            link = _link(_search(paging.next_path, data))
        return Place(link) if link and link != call.directions.follow else None
    if paging.style == "cursor":
        cursor = _text(_search(paging.next_path, data)) if paging.next_path else None
        given = call.arguments.get(paging.argument or "")
        goes_on = items is None or len(items) > 0 or says_more(signs, None) is True
        is_on = cursor is not None and not is_nowhere(cursor) and cursor != str(given) and goes_on
        return Place(cursor, is_from_answer=True) if is_on else None
    return _next_number(call, paging, replace(outcome, data=signs), items, seen)


def with_items(paging: Paging, data: Json, items: list[Any] | LargeJson) -> Json:
    """Return `data` with its list replaced by `items`, so that `select` means the same for one page and for all."""
    if paging.items_path in (None, "", "@"):
        return items
    names = path_names(str(paging.items_path))
    if names is None:
        return items
    return _put(data, names, items)


def path_names(path: str) -> list[str] | None:
    """Return the names of a path that only goes down (`a."b-c".d`), or None for anything else."""
    names: list[str] = []
    position = 0
    while position < len(path):
        match = _NAME.match(path, position)
        if match is None:
            return None
        names.append(match[2] if match[1] is None else re.sub(r"\\(.)", r"\1", match[1]))
        position = match.end()
        if position < len(path):
            if path[position] != "." or position + 1 == len(path):
                return None
            position += 1
    return names


def _next_number(call: Call, paging: Paging, outcome: Outcome, items: Sequence[Any] | None, seen: int | None) -> Place | None:
    """Return the next page's number or offset. What the answer says of its page comes before what its length lets guess."""
    data, http = outcome.data, outcome.http
    said = says_more(data, http)
    if paging.argument is None or said is False or (not items and (said is None or paging.style == "offset")):
        return None
    count = len(items or ())
    schema = call.operation.input_schema.get("properties", {})
    declared = schema.get(paging.argument, {})
    here = call.arguments.get(paging.argument)
    if here is None:
        own = own_number(data) if paging.style == "page" else first_place(data)
        here = own if own is not None else declared.get("default", declared.get("minimum", 1 if paging.style == "page" else 0))
    try:
        number = int(here)
    except (TypeError, ValueError):
        return None
    size = call.arguments.get(paging.size_argument or "", schema.get(paging.size_argument or "", {}).get("default"))
    size = size if isinstance(size, int) and not isinstance(size, bool) and size > 0 else own_size(data)
    is_last = None if said else _is_last(paging, outcome, declared, number, count, size, seen)
    if is_last or (is_last is None and said is None and size is not None and count < size):
        return None
    following = next_number(data, http, paging.style)
    if following is None or following <= number:
        following = number + (1 if paging.style == "page" else count)
    return Place(str(following))


def _is_last(
    paging: Paging, outcome: Outcome, declared: Mapping[str, Json], number: int, count: int, size: int | None, seen: int | None
) -> bool | None:
    """Say by the counts of an answer whether its page is the last; None where they do not tell."""
    data, http = outcome.data, outcome.http
    total = total_of(data, http)
    if paging.style == "offset":
        return None if total is None else number + count - counts_from_one(data) >= total
    own = own_number(data)
    starts_at_zero = declared.get("default", declared.get("minimum")) == 0
    is_from_zero = counts_from_zero(data) or (starts_at_zero and own in (None, number))
    done = (number if own is None else own) + is_from_zero
    if (pages := pages_of(data, http)) is not None:
        return done >= pages
    if total is None:
        return None
    if seen is not None and seen >= total:
        return True
    if size is None:
        return None if seen is None else False
    reached = (done - 1) * size + count
    # A page shorter than asked for is the last only where the sum is right: some upstreams give less than they are asked for.
    return reached >= total if count >= size else reached == total


def _argument(operation: Operation, paging: Paging, schema: Mapping[str, Json], cursor: str) -> Json:
    """Return a cursor as the argument takes it: a number where it is one."""
    kinds = schema.get("type")
    is_number = paging.style in ("page", "offset") or kinds in ("integer", "number")
    if not is_number:
        return cursor
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 18):
        raise CursorFault(operation, cursor)
    return cursor if kinds == "string" else int(cursor)


def _text(value: Json) -> str | None:
    if isinstance(value, str):
        return value or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _link(value: Json) -> str | None:
    """Return an address: as it is, or of a link object (JSON:API 1.1, HAL)."""
    return _text(value.get("href") or value.get("url")) if isinstance(value, Mapping) else _text(value)


def _search(path: str, data: Json) -> Json:
    try:
        return jmespath.search(path, data)
    except (JMESPathError, TypeError, AttributeError):
        return None


def _put(data: Json, names: Sequence[str], items: list[Any] | LargeJson) -> Json:
    if not names:
        return items
    inner = data.get(names[0]) if isinstance(data, Mapping) else None
    return {**(data if isinstance(data, Mapping) else {}), names[0]: _put(inner, names[1:], items)}
