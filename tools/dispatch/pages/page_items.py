"""The items of one page apart from the page around them, kept as JSON text: many pages together may be too heavy to be objects."""

import hashlib
from dataclasses import dataclass
from typing import Any

from tools.dispatch.large_answers import frame_of
from tools.dispatch.pages.paging import Place, items_of, next_place, with_items
from tools.heavy_json.weight import is_heavy
from tools.heavy_json.worker import WORKERS
from tools.json_text import decode, encode
from tools.large_json import LargeJson
from tools.operation import Call, Json, Outcome, Paging


@dataclass(frozen=True, slots=True)
class PageItems:
    """What one page brought. `count`: items on it, those that were given before included; None: no list is where one should be."""

    count: int | None
    #: the wanted ones, as the text of a JSON list
    text: bytes
    #: the page around them
    frame: Json
    #: the same for two pages of the same items
    digest: bytes
    following: Place | None


async def page_items(turned: Call, paging: Paging, outcome: Outcome, skip: int, room: int, before: int | None) -> PageItems:
    """Return the items of the page that `turned` brought, but its first `skip`, and no more than `room`.

    `before`: how many items the pages before it had, where the list was read from its beginning. Raises ToolError.
    """
    if isinstance(outcome.data, LargeJson):
        found = await WORKERS.work(frame_of, paging, outcome.data, skip, room, holder=turned.principal.person, deadline=turned.deadline)
        count, frame = found.facts["count"], found.facts["frame"]
        following = large_following(turned, paging, outcome, count, frame, before)
        return PageItems(count, encode(found.value), frame, found.facts["digest"].encode(), following)
    items = items_of(paging, outcome.data)
    if items is None:
        return PageItems(None, b"[]", None, b"", None)
    following = next_place(turned, paging, outcome, items, None if before is None else before + len(items))
    text = encode(items[skip : skip + room])
    digest = hashlib.sha256(text if not skip and len(items) <= room else encode(items)).digest()
    return PageItems(len(items), text, outcome.data, digest, following)


def large_following(
    turned: Call, paging: Paging, outcome: Outcome, count: int | None, frame: Json, before: int | None = None
) -> Place | None:
    """Return where the page after one begins whose items are not here: the page around them says it."""
    if count is None:
        return None
    framed = Outcome("ok", data=frame, http=outcome.http)
    return next_place(turned, paging, framed, range(count), None if before is None else before + count)


def put_together(paging: Paging, frame: Json, texts: list[bytes]) -> Any:
    """Return a page with the items of many in place of its own; LargeJson where that is heavy."""
    whole = LargeJson(b"[" + b",".join(text[1:-1] for text in texts if len(text) > 2) + b"]")
    page = encode(with_items(paging, frame, whole))
    return LargeJson(page) if is_heavy(page) else decode(page)
