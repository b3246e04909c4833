"""salesforce-ingest: one run reads what changed since each object's watermark, with an overlap; the first time all of it."""

from collections.abc import Mapping
from functools import partial

from tools.operation import Json
from tools.workflows.ingestion.asking import Asking
from tools.workflows.ingestion.declared import salesforce_workflow
from tools.workflows.ingestion.pace import Pace, Time
from tools.workflows.ingestion.reader import hold
from tools.workflows.ingestion.salesforce.field_maps import OBJECT_MAPS
from tools.workflows.ingestion.salesforce.object_reading import ObjectReading, watermark_of
from tools.workflows.ingestion.salesforce.record_item import SOURCE
from tools.workflows.run import Run, Writes
from tools.workflows.workflow import Workflow

#: far below what an org allows at a time; its day is what it counts
CALLS_PER_S = 10.0
#: above so many records the first load is a bulk job
BULK_ABOVE = 10_000


class SalesforceIngest:
    """The body. `time` is for waits within a step."""

    def __init__(self, time: Time = Time()) -> None:
        self._time = time
        #: of each tenant that reads
        self._paces: dict[str, Pace] = {}

    def workflow(self) -> Workflow:
        return salesforce_workflow(self.run)

    async def run(self, run: Run, given: Mapping[str, Json]) -> Json:
        """Read what changed of each object. Answers {objects: {name: counts}, dropped: fields, stopped}."""
        now_us: int = await run.step("now", self._time.second_us)
        reached = await run.transact("begin", partial(_begin, run_id=run.run_id))
        if reached is None:
            return {"skipped": "another run reads Salesforce"}
        pace = self._paces.setdefault(run.tenant_id, Pace(CALLS_PER_S, self._time))
        asking = Asking(run, pace, self._time)
        reading = ObjectReading(run, asking, now_us, given.get("bulk_above", BULK_ABOVE))
        wanted = given.get("objects") or [each.name for each in OBJECT_MAPS]
        for object_map in OBJECT_MAPS:
            if object_map.name in wanted and reading.stopped is None:
                await reading.object(object_map, reached.get(object_map.name))
        return {"objects": reading.counts, "dropped": sorted(reading.dropped), "stopped": reading.stopped}


def _begin(writes: Writes, *, run_id: str) -> Json:
    """Return how far each object is read; None where another run reads."""
    if not hold(writes, SOURCE, run_id):
        return None
    marks = {each.name: writes.marks.get(watermark_of(each.name)) for each in OBJECT_MAPS}
    return {name: mark["upto_us"] for name, mark in marks.items() if mark is not None}
