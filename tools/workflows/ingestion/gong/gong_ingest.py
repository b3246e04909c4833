"""gong-ingest: one run reads what began since the watermark, with an overlap, and what waited."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from itertools import count, islice

import anyio.to_thread

from tools.context_plane.times import time_text
from tools.operation import Failure, Json
from tools.workflows.errors import PermanentFault
from tools.workflows.ingestion.asking import Asking
from tools.workflows.ingestion.declared import gong_workflow
from tools.workflows.ingestion.gong.call_item import SOURCE
from tools.workflows.ingestion.gong.call_pages import CallPage, CallPages
from tools.workflows.ingestion.gong.parking import PARKED, due, forget_parked, settle
from tools.workflows.ingestion.gong.read_call import ReadCall, SubjectsByEmail, read_call
from tools.workflows.ingestion.pace import Pace, Time
from tools.workflows.ingestion.reader import hold, keep_hold
from tools.workflows.ingestion.taking_in import forget_items
from tools.workflows.run import Run, Writes
from tools.workflows.workflow import Workflow

CALLS_PER_S = 3.0
OVERLAP_H, FIRST_DAYS = 24.0, 30.0
#: a window is read by the day: each is over before its cursors are
SLICE_US = 24 * 3600 * 1_000_000
#: of one run, whose record holds the ids of their calls; the next run goes on at the watermark
MAX_SLICES = 100
#: of one slice, whose cursors ended each time
MAX_RESTARTS = 5
#: parked calls that are asked for in one step
PARKED_AT_ONCE = 100
WATERMARK = f"{SOURCE}/watermark"
#: of a page: six calls and the waits between them
PAGE_TIMEOUT_S = 600.0
_HOUR_US = 3600 * 1_000_000
#: tenant -> its subjects
SubjectsOf = Callable[[str], Awaitable[SubjectsByEmail]]


class GongIngest:
    """The body. `subjects` says whose private calls are; `time` is for waits within a step."""

    def __init__(self, subjects: SubjectsOf, time: Time = Time()) -> None:
        self._subjects, self._time = subjects, time
        #: of each tenant that reads: calls of all its runs in this process, one after the other
        self._paces: dict[str, Pace] = {}

    def workflow(self) -> Workflow:
        return gong_workflow(self.run)

    async def run(self, run: Run, given: Mapping[str, Json]) -> Json:
        """Read the window and what waited. Answers {from, to, calls, enqueued, parked, gave_up, withheld, deleted, …}, counts.

        `to` is before now where the window has more days than one run reads: the next one goes on there.
        """
        now_us: int = await run.step("now", self._time.second_us)
        window = await run.transact("begin", partial(_begin, run_id=run.run_id, given=given, now_us=now_us))
        if window is None:
            return {"skipped": "another run reads Gong"}
        pace = self._paces.setdefault(run.tenant_id, Pace(CALLS_PER_S, self._time))
        reading = _Reading(run, CallPages(Asking(run, pace, self._time)), self._subjects, now_us)
        slices = list(islice(_slices(window["from_us"], now_us), MAX_SLICES))
        await reading.parked(window["parked"])
        for from_us, to_us in slices:
            await reading.slice(from_us, to_us)
        return {"from": time_text(window["from_us"]), "to": time_text(slices[-1][1]), **reading.counts}


class _Reading:
    """What one run has read so far."""

    def __init__(self, run: Run, pages: CallPages, subjects: SubjectsOf, now_us: int) -> None:
        self._run, self._pages, self._subjects, self._now_us = run, pages, subjects, now_us
        self.counts: dict[str, int] = {}

    async def parked(self, call_ids: list[str]) -> None:
        """Ask again for calls that waited."""
        for begin in range(0, len(call_ids), PARKED_AT_ONCE):
            wanted = call_ids[begin : begin + PARKED_AT_ONCE]

            async def read(wanted: list[str] = wanted) -> CallPage:
                return CallPage(await self._pages.calls(wanted))

            self._add((await self._take_in(f"parked {begin}", read))["counts"])

    async def slice(self, from_us: int, to_us: int) -> None:
        """Read the calls of one day; then follow what was deleted of it, and move the watermark."""
        name = time_text(from_us)
        for attempt in range(MAX_RESTARTS + 1):
            listed = await self._listed(f"{name}/{attempt}" if attempt else f"{name}", from_us, to_us)
            if listed is not None:
                gone = await self._run.transact(f"{name} done", partial(self._done, from_us=from_us, to_us=to_us, listed=listed))
                self._add({"deleted": gone})
                return
        message = f"Gong's cursors for the day from {name} ended before its last page, {MAX_RESTARTS + 1} times"
        raise PermanentFault(Failure("upstream_error", message, hint="look whether something else slows the calls down, and resume"))

    async def _listed(self, name: str, from_us: int, to_us: int) -> set[str] | None:
        """Return the calls of a slice, all of which are enqueued, parked or withheld; None where it has to begin anew."""
        window = {"fromDateTime": time_text(from_us) or "", "toDateTime": time_text(to_us) or ""}
        listed: set[str] = set()
        cursor: str | None = None
        for number in count():

            async def read(cursor: str | None = cursor) -> CallPage:
                return await self._pages.page(window, cursor)

            page = await self._take_in(f"{name} page {number}", read)
            if page["is_expired"]:
                return None
            self._add(page["counts"])
            listed.update(page["listed"])
            cursor = page["cursor"]
            if cursor is None:
                break
        return listed

    async def _take_in(self, name: str, read: Callable[[], Awaitable[CallPage]]) -> dict[str, Json]:
        async def read_calls() -> tuple[CallPage, list[ReadCall]]:
            page = await read()
            subjects = await self._subjects(self._run.tenant_id)
            return page, await anyio.to_thread.run_sync(lambda: [read_call(call, subjects) for call in page.calls])

        taken: dict[str, Json] = await self._run.take_in(name, read_calls, self._settled, timeout_s=PAGE_TIMEOUT_S)
        return taken

    def _settled(self, writes: Writes, read: tuple[CallPage, list[ReadCall]]) -> Json:
        page, calls = read
        keep_hold(writes, SOURCE, self._run.run_id)
        return {
            "listed": [call.call_id for call in calls],
            "cursor": page.cursor,
            "is_expired": page.is_expired,
            "counts": settle(writes, calls, self._now_us, self._run.run_id),
        }

    def _done(self, writes: Writes, *, from_us: int, to_us: int, listed: set[str]) -> int:
        keep_hold(writes, SOURCE, self._run.run_id)
        on_record = {version.source_id for version in writes.context.versions_between(SOURCE, from_us, to_us)}
        gone = on_record - listed
        forget_items(writes, SOURCE, gone, self._run.run_id)
        forget_parked(writes, gone)
        reached: Json = writes.marks.get(WATERMARK) or {"upto_us": 0}
        writes.marks.put(WATERMARK, {"upto_us": max(to_us, reached["upto_us"])})
        return len(gone)

    def _add(self, counts: Mapping[str, int]) -> None:
        for name, more in counts.items():
            self.counts[name] = self.counts.get(name, 0) + more


def _begin(writes: Writes, *, run_id: str, given: Mapping[str, Json], now_us: int) -> Json:
    """Return the window and the parked calls that are due; None where another run reads."""
    if not hold(writes, SOURCE, run_id):
        return None
    reached: Json = writes.marks.get(WATERMARK)
    if reached is None:
        from_us = now_us - round(given.get("first_days", FIRST_DAYS) * 24 * _HOUR_US)
    else:
        from_us = reached["upto_us"] - round(given.get("overlap_h", OVERLAP_H) * _HOUR_US)
    return {"from_us": min(from_us, now_us - 1_000_000), "parked": due(writes.marks.get(PARKED) or {}, now_us)}


def _slices(from_us: int, to_us: int) -> Iterator[tuple[int, int]]:
    """Cut a window into days, the oldest first; the last may be shorter."""
    while from_us < to_us:
        yield from_us, min(from_us + SLICE_US, to_us)
        from_us += SLICE_US
