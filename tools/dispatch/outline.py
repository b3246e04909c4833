"""What a large answer looks like: its shape in one line, and its first rows within a budget."""

from collections.abc import Mapping
from typing import Any

from tools.json_text import encode
from tools.operation import Json

MAX_KEYS = 24
MAX_DEPTH = 5
LONG_TEXT_CHARS = 400
LONG_ROW_CHARS = 4_000
#: room for a mark that says what was left out
MARK_CHARS = 24
LEAST_CHARS = 64


def outline_of(value: Json, depth: int = 0) -> str:
    """Return the shape of `value`: `{results: [200 × {id: str, name: str}], total: int}`."""
    if isinstance(value, Mapping):
        if depth >= MAX_DEPTH:
            return f"{{{len(value)} keys}}"
        members = [f"{key}: {outline_of(member, depth + 1)}" for key, member in list(value.items())[:MAX_KEYS]]
        if len(value) > MAX_KEYS:
            members.append(f"… {len(value) - MAX_KEYS} more")
        return f"{{{', '.join(members)}}}"
    if isinstance(value, list):
        if not value:
            return "[]"
        return f"[{len(value)} × {outline_of(value[0], depth + 1)}]"
    if isinstance(value, str):
        return "str" if len(value) <= LONG_TEXT_CHARS else f"str({len(value)} characters)"
    return {bool: "bool", int: "int", float: "float", type(None): "null"}.get(type(value), "str")


def outline_beside(value: Json, shown: Json, depth: int = 0) -> str | None:
    """Return the shape of what `shown`, a preview of `value`, leaves out; None where it leaves nothing out."""
    if value == shown:
        return None
    if isinstance(value, Mapping) and isinstance(shown, Mapping):
        members = []
        for key, member in value.items():
            part = outline_beside(member, shown[key], depth + 1) if key in shown else outline_of(member, depth + 1)
            members += [f"{key}: {part}"] if part is not None else []
        more = f", … {len(members) - MAX_KEYS} more" if len(members) > MAX_KEYS else ""
        return f"{{{', '.join(members[:MAX_KEYS])}{more}}}"
    if isinstance(value, list) and isinstance(shown, list) and value and shown:
        row = outline_beside(value[0], shown[0], depth + 1)
        return f"[{len(value)} × as shown]" if row is None else f"[{len(value)} × {row}]"
    return outline_of(value, depth)


def preview_of(value: Json, max_chars: int) -> Json:
    """Return the beginning of `value` in at most about `max_chars` of JSON: long lists, texts and objects lose their tail.

    What was left out is said where it was: `"… 180 more"` ends a list, `"…": "12 more"` an object, `… (9000 characters)` a text.
    """
    return _fit(value, max_chars)


def _fit(value: Json, budget: int) -> Json:
    """Return what of `value` fits into `budget` characters; the least is a word on what stood there."""
    if isinstance(value, str):
        return _fit_text(value, budget)
    if isinstance(value, list):
        return _fit_list(value, budget)
    if isinstance(value, Mapping):
        return _fit_object(value, budget)
    return value


def _fit_text(text: str, budget: int) -> str:
    if len(text) <= budget and _length(text) <= budget:
        return text
    kept = text[: max(0, budget - MARK_CHARS)]
    while kept and _length(kept) > budget - MARK_CHARS:
        kept = kept[: len(kept) // 2]
    return f"{kept}… ({len(text)} characters)"


def _fit_list(values: list[Any], budget: int) -> list[Any]:
    kept: list[Any] = []
    left = budget - 2
    for position, value in enumerate(values):
        spare = 0 if position == len(values) - 1 else MARK_CHARS
        # The first row is always shown, shortened if need be: it says what a row is.
        row = _fit(value, left - spare if position == 0 else LONG_ROW_CHARS)
        size = _length(row) + 1
        if position and size > left - spare:
            return [*kept, f"… {len(values) - position} more"]
        if position == 0 and size > max(left, MARK_CHARS):
            return [f"… {len(values)} more"]
        kept.append(row)
        left -= size
    return kept


def _fit_object(members: Mapping[str, Any], budget: int) -> dict[str, Any]:
    sizes = {key: _length(str(key)) + _length(member) + 2 for key, member in members.items()}
    if sum(sizes.values()) + 2 <= budget:
        return dict(members)
    # Small members first get what they need, so that one large list cannot push an id or a cursor out.
    fitted: dict[str, Any] = {}
    left = budget - 2 - MARK_CHARS
    for rank, key in enumerate(sorted(members, key=lambda key: sizes[key])):
        share = max(left // (len(members) - rank), min(left, LEAST_CHARS))
        if sizes[key] <= share:
            fitted[key], left = members[key], left - sizes[key]
            continue
        head = _length(str(key)) + 2
        row = _fit(members[key], share - head)
        size = head + _length(row)
        if size > max(share, LEAST_CHARS) or size > left:
            continue
        fitted[key], left = row, left - size
    shown = {key: fitted[key] for key in members if key in fitted}
    if len(shown) < len(members):
        shown["…"] = f"{len(members) - len(shown)} more"
    return shown


def _length(value: Json) -> int:
    return len(encode(value).decode())
