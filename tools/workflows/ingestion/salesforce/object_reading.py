"""One object after the other: its pages, what is gone of it, its watermark."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from itertools import count

import anyio.to_thread

from tools.context_plane.times import BadTime
from tools.operation import Failure, Json
from tools.workflows.errors import PermanentFault
from tools.workflows.ingestion.asking import Asking
from tools.workflows.ingestion.item import Item
from tools.workflows.ingestion.reader import keep_hold
from tools.workflows.ingestion.salesforce.bulk_jobs import BulkJobs
from tools.workflows.ingestion.salesforce.field_maps import ObjectMap, RoleMap
from tools.workflows.ingestion.salesforce.queries import bulk_query, records_query
from tools.workflows.ingestion.salesforce.record_item import SOURCE, item_of
from tools.workflows.ingestion.salesforce.record_pages import RecordPage, RecordPages
from tools.workflows.ingestion.salesforce_ids import id18, object_of
from tools.workflows.ingestion.staging import stage, unstage
from tools.workflows.ingestion.taking_in import forget_items
from tools.workflows.run import Run, Writes

OVERLAP_US = 5 * 60 * 1_000_000
#: records of a first load that one run takes in
RECORDS_A_RUN = 100
#: of the day's requests; what is left is for people
MOST_USAGE = 0.9
#: the recycle bin has what was deleted for fifteen days; after a longer silence all ids are compared
BIN_US = 14 * 24 * 3600 * 1_000_000
MAX_ATTEMPTS = 30
PAGE_TIMEOUT_S = 600.0


class ObjectReading:
    """What one run has read so far."""

    def __init__(self, run: Run, asking: Asking, now_us: int, bulk_above: int) -> None:
        self._run, self._now_us, self._bulk_above = run, now_us, bulk_above
        self._pages, self._jobs = RecordPages(asking), BulkJobs(run, asking)
        self.counts: dict[str, dict[str, int]] = {}
        #: fields that this user may not see, like Opportunity.Amount
        self.dropped: set[str] = set()
        #: why it ended before its time
        self.stopped: str | None = None

    async def object(self, object_map: ObjectMap | RoleMap, upto_us: int | None) -> None:
        """Read one object and move its watermark; where the day's requests are used up, leave it."""
        name = object_map.name
        is_bulk = upto_us is None and await self._run.step(f"{name} count", partial(self._pages.count, name)) > self._bulk_above
        for attempt in range(MAX_ATTEMPTS):
            fields = [field for field in object_map.selected if f"{name}.{field}" not in self.dropped]
            if is_bulk:
                refusal = await self._bulk(object_map, fields, f"{name} bulk {attempt}")
            else:
                from_us = None if upto_us is None else upto_us - OVERLAP_US
                query = records_query(name, fields, from_us, self._now_us)
                read = partial(self._pages.page, query, has_history=name == "Opportunity")
                refusal = await self._all(object_map, f"{name}/{attempt}", read)
            if self.stopped is not None:
                return
            if refusal is None:
                if upto_us is not None and self._now_us - upto_us > BIN_US:
                    await self._compare(name)
                await self._run.transact(f"{name} done", partial(_reach, object_name=name, to_us=self._now_us, run_id=self._run.run_id))
                return
            if refusal["meaning"] == "object":
                self._add(name, {"hidden": 1})
                return
            if refusal["meaning"] == "field":
                self.dropped.add(f"{name}.{refusal['name']}")
        message = f"{name} could not be read through: its pages ended {MAX_ATTEMPTS} times"
        raise PermanentFault(Failure("upstream_error", message, hint="look whether its locators end early, and resume"))

    async def _bulk(self, object_map: ObjectMap | RoleMap, fields: list[str], name: str) -> dict[str, Json] | None:
        job = await self._jobs.completed(name, bulk_query(object_map.name, fields, self._now_us))
        if job.refusal is not None:
            return {"meaning": job.refusal.meaning, "name": job.refusal.name}
        read = partial(self._pages.bulk_page, job.job_id, fields, has_history=object_map.name == "Opportunity")
        return await self._all(object_map, name, read, together=f"{SOURCE}/{job.job_id}")

    async def _all(
        self, object_map: ObjectMap | RoleMap, name: str, read: Callable[[str | None], Awaitable[RecordPage]], together: str = ""
    ) -> dict[str, Json] | None:
        """Take in page after page; return why it has to begin anew, or None."""
        locator: str | None = None
        for number in count():

            async def read_items(locator: str | None = locator) -> tuple[RecordPage, list[Item]]:
                page = await read(locator)
                return page, await anyio.to_thread.run_sync(_items_of, object_map, page)

            settled = partial(self._settled, together=f"{together}/{number}" if together else "")
            taken = await self._run.take_in(f"{name} page {number}", read_items, settled, timeout_s=PAGE_TIMEOUT_S)
            if taken["refusal"] is not None and taken["refusal"]["meaning"] == "limit":
                self.stopped = "the day's requests are used up"
            if taken["refusal"] is not None:
                refusal: dict[str, Json] = taken["refusal"]
                return refusal
            self._add(object_map.name, taken["counts"])
            locator = taken["locator"]
            if locator is None:
                return None
            if taken["usage"] >= MOST_USAGE:
                self.stopped = f"{taken['usage']:.0%} of the day's requests are used; the rest is read by the next run"
                return None
        return None

    def _settled(self, writes: Writes, read: tuple[RecordPage, list[Item]], *, together: str) -> Json:
        page, items = read
        keep_hold(writes, SOURCE, self._run.run_id)
        if page.refusal is not None:
            return {"refusal": {"meaning": page.refusal.meaning, "name": page.refusal.name}}
        deleted = [id18(str(record["Id"])) for record in page.records if record.get("IsDeleted")]
        gone = _forget(writes, deleted, self._run.run_id)
        enqueued = 0
        if together:
            for begin in range(0, len(items), RECORDS_A_RUN):
                enqueued += stage(writes, items[begin : begin + RECORDS_A_RUN], together=f"{together}/{begin}")
        else:
            enqueued = stage(writes, items)
        counts = {"records": len(page.records), "enqueued": enqueued, "deleted": gone}
        return {"refusal": None, "locator": page.locator, "usage": page.usage, "counts": counts}

    async def _compare(self, name: str) -> None:
        """Forget what is gone without having been seen in the recycle bin."""
        there: set[str] = set()
        locator: str | None = None
        for number in count():
            ids, locator = await self._run.step(f"{name} ids {number}", partial(self._ids, name, locator), timeout_s=PAGE_TIMEOUT_S)
            there.update(ids)
            if locator is None:
                break
        gone = await self._run.transact(
            f"{name} gone", partial(_forget_others, object_name=name, there=there, run_id=self._run.run_id, to_us=self._now_us)
        )
        self._add(name, {"deleted": gone})

    async def _ids(self, name: str, locator: str | None) -> Json:
        ids, following = await self._pages.ids(name, locator)
        return [ids, following]

    def _add(self, name: str, counts: Mapping[str, int]) -> None:
        of_object = self.counts.setdefault(name, {})
        for what, more in counts.items():
            of_object[what] = of_object.get(what, 0) + more


def watermark_of(object_name: str) -> str:
    """Return the mark that says how far an object is read."""
    return f"{SOURCE}/watermark/{object_name}"


def _reach(writes: Writes, *, object_name: str, to_us: int, run_id: str) -> Json:
    keep_hold(writes, SOURCE, run_id)
    writes.marks.put(watermark_of(object_name), {"upto_us": to_us})
    return None


def _items_of(object_map: ObjectMap | RoleMap, page: RecordPage) -> list[Item]:
    """Return the items of the records that are there and say something."""
    items = []
    for record in page.records:
        if not record.get("IsDeleted"):
            try:
                item = item_of(object_map, record, (page.history or {}).get(id18(str(record["Id"])), ()))
            except BadTime:
                continue
            items += [item] if item.facts else []
    return items


def _forget(writes: Writes, record_ids: list[str], run_id: str) -> int:
    on_record = writes.context.versions_of(SOURCE, record_ids)
    waiting = [each for each in record_ids if each not in on_record]
    forget_items(writes, SOURCE, list(on_record), run_id)
    unstage(writes, SOURCE, waiting)
    return len(on_record)


def _forget_others(writes: Writes, *, object_name: str, there: set[str], run_id: str, to_us: int) -> int:
    keep_hold(writes, SOURCE, run_id)
    versions = writes.context.versions_between(SOURCE, 0, to_us)
    gone = {version.source_id for version in versions if object_of(version.source_id) == object_name} - there
    return _forget(writes, sorted(gone), run_id)
