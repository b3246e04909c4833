"""Where a page of a list ended: numbers and keys that say a place in the order, and nothing that says whose rows are shown."""

from collections.abc import Sequence

from server.admin.refusals import invalid

_MAX_NUMBER = 2**63 - 1


def cursor_after(*place: int | str) -> str:
    """Return the cursor of a page that ended at `place`; at most its last part is text."""
    return ".".join(str(part) for part in place)


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
