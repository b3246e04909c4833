"""Pages of a hundred, and cursors that die an hour after their first page."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from server.demo.gong.faults import GongFaults
from server.demo.stand_ins.clock import StandInClock

PAGE_SIZE = 100


class CursorRefused(Exception):
    """The cursor is unknown, of another request, or over; the message is Gong's."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a cursor goes on. What the first page found stays what the next ones are cut from."""

    items: Sequence[Any]
    page: int
    first_page_at_s: float
    #: of the request that it belongs to, without the cursor
    request: str


class Cursors:
    def __init__(self, clock: StandInClock, faults: GongFaults) -> None:
        self._clock, self._faults = clock, faults
        self._places: dict[str, _Place] = {}

    def first(self, request: str, items: Sequence[Any]) -> tuple[Sequence[Any], dict[str, Any]]:
        """Return the first page of what a request found, and its `records`."""
        return self._page(_Place(items, 0, self._clock.seconds, request))

    def next(self, request: str, cursor: str) -> tuple[Sequence[Any], dict[str, Any]]:
        """Return the page that a cursor stands for; a cursor serves again. Raises CursorRefused."""
        place = self._places.get(cursor)
        if place is None or place.request != request:
            raise CursorRefused("invalid cursor")
        is_early = self._faults.expired_cursors > 0
        self._faults.expired_cursors -= is_early
        if is_early or self._clock.seconds - place.first_page_at_s >= self._faults.cursor_ttl_s:
            del self._places[cursor]
            raise CursorRefused("cursor has expired")
        return self._page(place)

    def _page(self, place: _Place) -> tuple[Sequence[Any], dict[str, Any]]:
        begin = place.page * PAGE_SIZE
        items = place.items[begin : begin + PAGE_SIZE]
        records: dict[str, Any] = {
            "totalRecords": len(place.items),
            "currentPageSize": len(items),
            "currentPageNumber": place.page,
        }
        if begin + PAGE_SIZE < len(place.items):
            cursor = secrets.token_urlsafe(24)
            self._places[cursor] = _Place(place.items, place.page + 1, place.first_page_at_s, place.request)
            records["cursor"] = cursor
        return items, records
