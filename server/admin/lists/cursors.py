"""Where a page of a list ended: numbers and keys that say a place in the order, and nothing that says whose rows are shown."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import TypeVar

import orjson

from server.admin.refusals import invalid
from server.admin.resource import ListQuery, Row, Rows
from tools.operation import Json

R = TypeVar("R", bound=Mapping[str, Json])

_MAX_NUMBER = 2**63 - 1


def cursor_after(*place: int | str) -> str:
    """Return the cursor of a page that ended at `place`; at most its last part is text."""
    return ".".join(str(part) for part in place)


def page_of(rows: Sequence[Row], query: ListQuery, *key: str) -> Rows:
    """Return the page that is asked for, of a list that is in memory as a whole; `key`: the members that tell rows apart."""
    return Rows(*part(rows, query.limit, query.cursor, key))


def part(rows: Sequence[R], limit: int, cursor: str | None, key: Sequence[str]) -> tuple[Sequence[R], str | None]:
    """Return a page of a list that is in memory as a whole, and the cursor of the next.

    A page begins behind the row with which the last one ended, wherever that stands by now, and in its place where it has gone: rows
    that come and go before it neither hide nor repeat others.
    """
    start = 0 if cursor is None else min(_start(rows, key, *(number_and_text_of(cursor) or (0, ""))), len(rows))
    end = start + limit
    return rows[start:end], f"{end}.{_key_of(rows[end - 1], key)}" if len(rows) > end else None


def _start(rows: Sequence[R], key: Sequence[str], place: int, last: str) -> int:
    """Return where the page behind `last` begins, which ended at `place`."""
    # Nearly always nothing has come or gone meanwhile, and one name is enough.
    if 0 < place <= len(rows) and _key_of(rows[place - 1], key) == last:
        return place
    moved_to = next((number for number, row in enumerate(rows, 1) if _key_of(row, key) == last), None)
    return moved_to if moved_to is not None else max(place - 1, 0)


def _key_of(row: Mapping[str, Json], members: Sequence[str]) -> str:
    """Return a short name of a row; those of people and models are of any length and any characters."""
    return sha256(orjson.dumps([row[member] for member in members])).hexdigest()[:24]


def numbers_of(cursor: str | None, count: int) -> tuple[int, ...] | None:
    """Return the numbers of a cursor; None: the list begins. Raises AdminRefused."""
    if cursor is None:
        return None
    return tuple(_number(part) for part in _parts(cursor, count))


def number_and_text_of(cursor: str | None) -> tuple[int, str] | None:
    """Return the number and the key of a cursor; None: the list begins. Raises AdminRefused."""
    if cursor is None:
        return None
    number, text = _parts(cursor, 2)
    return _number(number), text


def _parts(cursor: str, count: int) -> Sequence[str]:
    parts = cursor.split(".", count - 1)
    if len(parts) != count or not all(parts):
        raise _refused()
    return parts


def _number(text: str) -> int:
    # No store counts further, and some digits of Unicode are none of ours.
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= _MAX_NUMBER):
        raise _refused()
    return int(text)


def _refused() -> Exception:
    return invalid("cursor: give the next_cursor of the page before, as it came")
