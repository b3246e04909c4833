"""Runs an operation page by page, as far as the caller asked, and puts the pages together."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from oauth.connections.credentials import Credentials
from tools.dispatch.connection_identity import connection_id_of
from tools.dispatch.large_answers import frame_of
from tools.dispatch.pages.page_cursor import CursorSeal, is_sealed
from tools.dispatch.pages.page_items import PageItems, large_following, page_items, put_together
from tools.dispatch.pages.paging import CursorFault, Place, chosen_size, items_of, next_place, read_place, turned_to, with_items
from tools.heavy_json.worker import WORKERS
from tools.large_json import LargeJson
from tools.operation import REDACTED, Call, Failure, Outcome, Page, PageRequest, Paging

MAX_ITEMS = 10_000
MAX_PAGES = 200
MAX_BYTES = 32 * 1024 * 1024
#: no new page is begun with less time than this
SPARE_S = 0.5

Run = Callable[[Call], Awaitable[Outcome]]


@dataclass(slots=True)
class _CollectedPages:
    """The pages so far."""

    #: the items of each page, as the text of a JSON list
    texts: list[bytes] = field(default_factory=list)
    count: int = 0
    pages: int = 0
    #: of the items of the last page
    digest: bytes = b""
    total_bytes: int = 0
    last: Outcome | None = None
    #: the upstream's cursors that were followed
    followed: set[str] = field(default_factory=set)
    #: where to go on; None: nothing is left
    rest: Place | None = None
    #: why it stopped before the end
    note: str | None = None


class Pager:
    """Follows pages. Cursors that are addresses, or held the account's secret, reach the caller sealed."""

    def __init__(self, seal: CursorSeal, credentials: Credentials | None = None) -> None:
        self._seal, self._credentials = seal, credentials

    async def run(self, call: Call, run: Run) -> Outcome:
        """Run `call` as its `page` says; an operation that does not page is run once, and says so where more was asked."""
        paging, asked = call.operation.paging, call.options.page
        if paging is None:
            outcome = await run(call)
            if asked is not None and outcome.status == "ok" and (asked.mode != "one" or asked.cursor is not None):
                return replace(outcome, note=outcome.note or f"'{call.operation.id}' does not page; this is its whole answer")
            return outcome
        asked = asked or PageRequest()
        try:
            start = self._start(call, paging, asked.cursor)
            if asked.mode == "one":
                outcome, rest = await _one(call, paging, start, run)
            else:
                outcome, rest = await _several(call, paging, start, asked, run)
        except CursorFault as fault:
            return Outcome("error", error=fault.failure)
        if rest is None or outcome.page is None:
            return outcome
        return replace(outcome, page=replace(outcome.page, has_more=True, next_cursor=self._cursor(call, paging, rest)))

    def _start(self, call: Call, paging: Paging, cursor: str | None) -> Place:
        place = read_place(cursor)
        if place.cursor is None or not (paging.style == "link" or is_sealed(place.cursor)):
            return place
        opened = self._seal.open(call.principal, call.operation, place.cursor, connection_id_of(call, self._credentials))
        if opened is None:
            if paging.style == "link":
                raise CursorFault(call.operation, place.cursor)
            return place  # The upstream's own, which looks like ours.
        return replace(place, cursor=opened, is_from_answer=True)

    def _cursor(self, call: Call, paging: Paging, place: Place) -> str:
        if place.cursor is not None and (paging.style == "link" or (place.is_from_answer and REDACTED in place.cursor)):
            account_id = connection_id_of(call, self._credentials)
            place = replace(place, cursor=self._seal.seal(call.principal, call.operation, place.cursor, account_id))
        return place.render()


async def _one(call: Call, paging: Paging, place: Place, run: Run) -> tuple[Outcome, Place | None]:
    turned = turned_to(call, paging, place)
    outcome = await run(turned)
    if outcome.status != "ok":
        return outcome, None
    if isinstance(outcome.data, LargeJson):
        return await _large_one(turned, paging, place, outcome)
    items = items_of(paging, outcome.data)
    following = next_place(turned, paging, outcome, items)
    data = outcome.data
    if place.skip and items is not None:
        items = items[place.skip :]
        data = with_items(paging, data, items)
    page = Page(None, False, None if items is None else len(items))
    return replace(outcome, data=data, page=page), following and replace(following, size=place.size)


async def _large_one(turned: Call, paging: Paging, place: Place, outcome: Outcome) -> tuple[Outcome, Place | None]:
    """Return one page whose items are not objects here."""
    holder, deadline = turned.principal.person, turned.deadline
    found = await WORKERS.work(frame_of, paging, outcome.data, place.skip, None, holder=holder, deadline=deadline)
    count = found.facts["count"]
    following = large_following(turned, paging, outcome, count, found.facts["frame"])
    data = found.value if place.skip and count is not None else outcome.data
    page = Page(None, False, None if count is None else max(0, count - place.skip))
    return replace(outcome, data=data, page=page), following and replace(following, size=place.size)


async def _several(call: Call, paging: Paging, start: Place, asked: PageRequest, run: Run) -> tuple[Outcome, Place | None]:
    limit = min(asked.max_items or MAX_ITEMS, MAX_ITEMS)
    if start.cursor is None and start.size is None:
        start = replace(start, size=chosen_size(call, paging, limit))
    got = _CollectedPages(rest=start)
    while got.rest is not None and got.count < limit and got.note is None:
        place = got.rest
        turned = turned_to(call, paging, place)
        outcome = await _next_page(call, turned, got, run)
        if outcome is None:
            break
        if outcome.status != "ok":
            if got.last is None:
                return outcome, None
            if paging.style == "page" and outcome.error is not None and outcome.error.code == "upstream_not_found":
                got.rest = None  # Nothing said that the page before was the last: a page that is not there does.
            else:
                got.note = _stopped(outcome)
            break
        seen = got.count if start.cursor is None and not start.skip else None
        page = await page_items(turned, paging, outcome, place.skip, limit - got.count, seen)
        if page.count is None:
            # Not the list that the document promised: what came is given as it is.
            note = "the answer holds no list where one was expected; nothing was paged"
            return replace(outcome, page=Page(None, False, None), note=note), None
        _take(got, paging, place, outcome, page, limit)
        await call.progress(got.count, asked.max_items, f"{got.count} items from {got.pages} pages")
    return _assembled(paging, got), got.rest


async def _next_page(call: Call, turned: Call, got: _CollectedPages, run: Run) -> Outcome | None:
    """Return the next page, or None where the limits of one call allow no more of them."""
    left_s = call.deadline - asyncio.get_running_loop().time()
    if got.pages and left_s < SPARE_S:
        got.note = "the time limit came before the last page; go on with next_cursor"
        return None
    if got.pages >= MAX_PAGES or got.total_bytes >= MAX_BYTES:
        got.note = f"stopped after {got.pages} pages; go on with next_cursor"
        return None
    if not got.pages:
        return await run(turned)
    try:
        # The pages before must not be lost to one that never comes.
        async with asyncio.timeout(left_s - SPARE_S / 2):
            return await run(turned)
    except TimeoutError:
        return Outcome("error", error=Failure("timeout", "the next page did not come in time"))


def _take(got: _CollectedPages, paging: Paging, place: Place, outcome: Outcome, page: PageItems, limit: int) -> None:
    count, following = page.count or 0, page.following
    is_repeated = bool(got.pages) and count > 0 and page.digest == got.digest
    got.last, got.pages, got.digest = replace(outcome, data=page.frame), got.pages + 1, page.digest
    if is_repeated:
        got.rest, got.note = None, "the upstream answers every page with the same items; it seems not to page"
        return
    cursor = following.cursor if following is not None and paging.style in ("cursor", "link") else None
    if cursor in got.followed:
        following, got.note = None, "the upstream's cursors lead in a circle; it seems not to have a last page"
    elif cursor is not None:
        got.followed.add(cursor)
    room, fresh = limit - got.count, max(0, count - place.skip)
    got.texts.append(page.text)
    got.count += min(room, fresh)
    got.total_bytes += len(page.text)
    # Cut inside a page: the rest of it is asked for again, from the item after the last one given.
    got.rest = replace(place, skip=place.skip + room) if fresh > room else following and replace(following, size=place.size)


def _assembled(paging: Paging, got: _CollectedPages) -> Outcome:
    last = got.last or Outcome("ok", data=None)
    page = Page(None, False, got.count)
    return replace(last, data=put_together(paging, last.data, got.texts), page=page, note=got.note or last.note)


def _stopped(outcome: Outcome) -> str:
    reason = outcome.error.message if outcome.error is not None else outcome.status
    return f"a later page failed: {reason}; what came before it is here, and next_cursor goes on"
