"""What of a write's long answer says which thing it is: its id, key, name, address, state."""

import re
from collections.abc import Mapping

from tools.json_text import encode
from tools.operation import Json

#: an answer up to this is shown whole
LONG_ANSWER_CHARS = 1_500
#: what identifies it takes no more than this
MAX_CHARS = 1_000
MAX_TEXT_CHARS = 300
MAX_ROWS = 5
MAX_NAMED = 12
_DEPTHS = (2, 1, 0)
#: names that tell one thing from another, alone or as the last word of a longer one (InvoiceID, order_number)
_TELLING = frozenset({"id", "gid", "uuid", "guid", "sid", "ts", "number"})
_ALONE = frozenset({"key", "name", "title", "url", "uri", "href", "html_url", "permalink", "permalink_url", "slug", "self", "link"})
#: names that say how it stands
_STATES = frozenset({"status", "state", "ok", "success", "type", "version"})
_LAST_WORD = re.compile(r"(?:^|_|-|\.)([A-Za-z]+)$")
_LAST_HUMP = re.compile(r"(?:[A-Z][a-z]+|[A-Z]+)$")


def identity_of(answer: Json) -> Json:
    """Return the members of `answer` that identify what was written, in about MAX_CHARS; None where nothing does."""
    for depth in _DEPTHS:
        found = _identity(answer, depth)
        if found is not None and len(encode(found)) <= MAX_CHARS:
            return found if _tells(found) else None
    return None


def members_beside(answer: Json, shown: Json) -> str:
    """Return the names of the members of `answer` that are not in `shown` as they are; "" where it is no object."""
    if not isinstance(answer, Mapping) or not isinstance(shown, Mapping):
        return ""
    left = [str(name) for name, member in answer.items() if shown.get(name) != member]
    return ", ".join(left[:MAX_NAMED]) + (f", … {len(left) - MAX_NAMED} more" if len(left) > MAX_NAMED else "")


def _identity(value: Json, depth: int) -> Json:
    if isinstance(value, list):
        rows = [row for row in (_identity(each, depth) for each in value[:MAX_ROWS]) if row is not None]
        return [*rows, f"… {len(value) - MAX_ROWS} more"] if rows and len(value) > MAX_ROWS else rows or None
    if not isinstance(value, Mapping):
        return None
    found = {}
    for name, member in value.items():
        if isinstance(member, Mapping | list):
            inner = _identity(member, depth - 1) if depth else None
            if inner is not None:
                found[name] = inner
        elif member is not None and _kind_of(str(name)) is not None and not (isinstance(member, str) and len(member) > MAX_TEXT_CHARS):
            found[name] = member
    return found or None


def _tells(found: Json) -> bool:
    """Say whether something in it tells one thing from another."""
    if isinstance(found, list):
        return any(map(_tells, found))
    if not isinstance(found, Mapping):
        return False
    return any(_tells(member) if isinstance(member, Mapping | list) else _kind_of(str(name)) == "telling" for name, member in found.items())


def _kind_of(name: str) -> str | None:
    lower = name.lower()
    last = _LAST_WORD.search(name)
    words = {lower, last[1].lower() if last else "", hump[0].lower() if (hump := _LAST_HUMP.search(name)) else ""}
    if lower in _ALONE or not words.isdisjoint(_TELLING):
        return "telling"
    return None if words.isdisjoint(_STATES) else "state"
