"""What is asked of an answer, whether it is small or too heavy for this process (then a child works it out, tools/heavy_json/worker.py)."""

import hashlib
from collections.abc import Sequence

from tools.dispatch.pages.paging import items_of, with_items
from tools.dispatch.wire import shorten
from tools.errors import TookTooLong, ToolError
from tools.expressions.budget import Budget, BudgetExceeded
from tools.expressions.reads import Miss
from tools.expressions.selection import SelectFault, Selection, selection
from tools.fair_semaphore import GATEWAY, Holder
from tools.heavy_json.time_budget import TimeBudget
from tools.heavy_json.worker import WORKERS, Told
from tools.json_text import encode
from tools.large_json import LargeJson
from tools.operation import Json, Paging


async def select_from(select: str | Sequence[str], data: Json, deadline: float | None = None, holder: Holder = GATEWAY) -> Json:
    """Return what `select` takes from `data`, as `selection_from` does."""
    return (await selection_from(select, data, deadline, holder)).value


async def selection_from(select: str | Sequence[str], data: Json, deadline: float | None = None, holder: Holder = GATEWAY) -> Selection:
    """Return what `select` takes from `data`: one value, or for a list an object from each expression to its value.

    Beside it comes what it looks for in vain. `deadline`: loop time. `holder`: for whom it computes.

    Raises SelectFault, and a ToolError where it could not be worked out.
    """
    try:
        told = await TimeBudget(holder=holder, deadline=deadline).work(_selected, select, data, is_large=isinstance(data, LargeJson))
        return Selection(told.value, tuple(Miss.of_json(each) for each in told.facts["misses"]))
    except (BudgetExceeded, TookTooLong):
        first = select if isinstance(select, str) else next(iter(select), "")
        raise SelectFault(first, "working it out on this answer takes too long; take less of it at a time") from None


def _selected(select: str | Sequence[str], data: Json, budget: Budget) -> Told:
    found = selection(select, data, budget)
    return Told({"misses": [miss.as_json() for miss in found.misses]}, found.value)


async def shortened(data: Json, total_bytes: int, max_chars: int, handle: str, holder: Holder) -> Json:
    """Return what stands in for an answer that is too large: how it is built, its first rows, and how to read on."""
    if not isinstance(data, LargeJson):
        return shorten(data, total_bytes, max_chars, handle)
    try:
        return await WORKERS.work(shorten, data, total_bytes, max_chars, handle, holder=holder)
    except ToolError as error:
        # It is kept all the same; only what it looks like cannot be said.
        return shorten(None, total_bytes, max_chars, handle) | {"outline": error.failure.message}


def frame_of(paging: Paging, data: Json, skip: int, most: int | None) -> Told:
    """Return how many items a page has (None: no list is where one should be), the page without them, and a part of the items.

    `most` None: the part is the whole page without its first `skip` items, or nothing where there is nothing to skip.
    """
    items = items_of(paging, data)
    if items is None:
        return Told({"count": None, "frame": None}, data if most is not None or skip else None)
    facts = {"count": len(items), "frame": _frame(with_items(paging, data, [])), "digest": hashlib.sha256(encode(items)).hexdigest()}
    if most is None:
        return Told(facts, with_items(paging, data, items[skip:]) if skip else None)
    return Told(facts, items[skip : skip + most])


def window_of(data: Json, offset: int, limit: int | None, rows: int, chars: int, max_chars: int | None) -> Told:
    """Return a part of a list or a text, its length, and that of the whole; None for what is neither."""
    if not isinstance(data, list | str):
        return Told({"total": None}, None)
    size = limit or (rows if isinstance(data, list) else chars)
    part = data[offset : offset + size]
    shown = part if max_chars is None else fitting(part, max_chars)
    return Told({"total": len(data), "shown": len(shown)}, shown)


#: what stands around a window
FRAME_CHARS = 500


def fitting(part: Json, max_chars: int) -> Json:
    """Return as much of a window as can be answered: a larger one would be kept anew, which is what it was read from."""
    left = max_chars - FRAME_CHARS
    if len(encode(part)) <= left:
        return part
    if isinstance(part, str):
        # JSON writes a character in one byte or more.
        fits, above = 1, min(len(part), max(left, 1))
        while fits < above:
            middle = (fits + above + 1) // 2
            fits, above = (middle, above) if len(encode(part[:middle])) <= left else (fits, middle - 1)
        return part[:fits]
    for index, each in enumerate(part):
        left -= len(encode(each)) + 1
        if left < 0:
            return part[: max(index, 1)]
    return part


_MAX_FRAME_BYTES = 200_000
_MAX_MEMBERS = 1_000
_MAX_TEXT_CHARS = 10_000


def _frame(frame: Json) -> Json:
    """Return a page without its items; what is long beside them stays away, and that is said."""
    if len(encode(frame)) <= _MAX_FRAME_BYTES:
        return frame
    small = _small(frame)
    return small | {"…": "what is long beside the items was left out"} if isinstance(small, dict) else small


def _small(value: Json, depth: int = 0) -> Json:
    """Return `value` without what is long in it: members stay, lists and texts that are no cursor go."""
    if isinstance(value, dict):
        members = list(value.items())[:_MAX_MEMBERS] if depth < 6 else []
        return {name: _small(member, depth + 1) for name, member in members}
    if isinstance(value, list):
        return [] if len(value) > _MAX_MEMBERS or depth >= 6 else [_small(member, depth + 1) for member in value[:50]]
    return value[:_MAX_TEXT_CHARS] if isinstance(value, str) else value
