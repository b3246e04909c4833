"""What a large answer looks like: its shape in one line, and its first rows within a budget."""

from collections.abc import Mapping
from typing import Any

import orjson

from tools.operation import Json

MAX_KEYS = 24
MAX_DEPTH = 5
LONG_TEXT_CHARS = 400


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


def preview_of(value: Json, max_chars: int) -> Json:
    """Return the beginning of `value` in at most about `max_chars` of JSON: long lists lose their tail, long texts theirs.

    What was left out is said where it was: `"… 180 more"` ends a list, `"… (9000 characters)"` a text.
    """
    shortened, _ = _fit(value, max_chars)
    return shortened


def _fit(value: Json, budget: int) -> tuple[Json, int]:
    """Return (what fits of `value`, the characters it takes)."""
    if isinstance(value, str):
        if len(value) + 2 <= budget or len(value) <= 24:
            return value, len(value) + 2
        kept = max(16, min(len(value), budget - 32))
        text = f"{value[:kept]}… ({len(value)} characters)"
        return text, len(text) + 2
    if isinstance(value, list):
        return _fit_list(value, budget)
    if isinstance(value, Mapping):
        return _fit_object(value, budget)
    return value, len(orjson.dumps(value, default=str))


def _fit_list(values: list[Any], budget: int) -> tuple[list[Any], int]:
    kept: list[Any] = []
    used = 2
    for position, value in enumerate(values):
        # The first row is always shown, shortened if need be: it says what a row is.
        row, size = _fit(value, budget - used if position == 0 else LONG_TEXT_CHARS * 10)
        if position and used + size + 1 > budget - 24:
            kept.append(f"… {len(values) - position} more")
            return kept, used + 24
        kept.append(row)
        used += size + 1
    return kept, used


def _fit_object(members: Mapping[str, Any], budget: int) -> tuple[dict[str, Any], int]:
    # Small members first get what they need, so that one large list cannot push an id or a cursor out.
    sizes = {key: len(orjson.dumps(member, default=str)) for key, member in members.items()}
    left = budget - 2 - sum(len(str(key)) + 4 for key in members)
    fitted: dict[str, Any] = {}
    for rank, key in enumerate(sorted(members, key=lambda key: sizes[key])):
        share = left // max(1, len(members) - rank)
        row, size = (members[key], sizes[key]) if sizes[key] <= share else _fit(members[key], share)
        fitted[key] = row
        left = max(0, left - size)
    return {key: fitted[key] for key in members}, budget - left
