"""A day at Gong, taken in unattended over the next ones, and what came of it."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from server.demo.gong.api import GongStandIn
from server.demo.gong.calls import GongCall
from server.demo.gong.faults import GongFaults
from server.demo.stand_ins.clock import StandInClock
from tests.tools.workflows.ingestion.ingesting import A_MOMENT_S, SECRET, Ingesting, ingesting, virtual
from tools.context_plane.rag.records import item_url
from tools.workflows.ingestion.gong.gong_ingest import GongIngest
from tools.workflows.workflow import Workflow

DAY = datetime(2026, 11, 2, tzinfo=UTC)
EVENING = DAY + timedelta(hours=26)
#: from the first midnight: when windows are read
HOURS = (12, 16, 20, 20.5, 24, 30, 36, 44, 60, 86, 111)
EVERY_FAULT = {
    "limited_every": 7,
    "torn_every": 11,
    "unavailable_every": 13,
    "slow_every": 17,
    "unauthorized": 2,
    "late_every": 10,
    "details_missing_every": 9,
    "parties_missing_every": 25,
    "changed_every": 12,
    "hidden_every": 15,
    "deleted_every": 20,
    "expired_cursors": 3,
}


def stand_in(per_day: int, at: datetime = EVENING, **faults: int) -> GongStandIn:
    """Return a Gong with the calls of one day."""
    clock = StandInClock(at)
    return GongStandIn(SECRET, clock=clock, faults=GongFaults(slow_s=0.01, **faults), per_day=per_day, first_day=date(2026, 11, 2), days=1)


def taking_in(folder: Path, vendor: GongStandIn, **settings: str) -> AbstractAsyncContextManager[Ingesting]:
    def workflow_of(subjects: dict[str, str]) -> Workflow:
        async def subjects_of(_tenant_id: str) -> dict[str, str]:
            return subjects

        # A key pair is not renewed: a wait is for nobody else.
        return GongIngest(subjects_of, virtual(vendor.clock, A_MOMENT_S)).workflow()

    return ingesting(folder, vendor, workflow_of, **settings)


def shown(gong: Ingesting) -> list[GongCall]:
    """Return the calls that Gong shows everybody now."""
    calls, now = gong.vendor.calls, gong.vendor.clock.now
    return [call for call in calls.started_within(DAY, EVENING, now) if not calls.is_private(call, now)]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a day's calls came to, in numbers."""

    #: windows, and those of them and of their items that did not succeed
    windows: int
    failed: int
    taken: int
    lost: int
    twice: int
    #: on record though Gong shows them to nobody, or not to everybody
    strangers: int
    #: on record as they were before Gong processed them anew
    outdated: int
    gave_up: int
    without_participants: int
    #: documents with the words of calls
    passages: int
    highest_per_s: int


async def unattended(gong: Ingesting) -> Verdict:
    """Run windows over five days, first by the hour, and compare what is on record with what Gong shows at the end."""
    gave_up = 0
    for hours in HOURS:
        gong.vendor.clock.set(DAY + timedelta(hours=hours))
        gave_up += (await gong.counts(first_days=2))["gave_up"]
    episodes, calls = await gong.episodes("gong"), {call.call_id: call for call in shown(gong)}
    now = gong.vendor.clock.now
    updated = {call_id for call_id, call in calls.items() if gong.vendor.calls.version(call, now) == 2}
    said = {call_id: versions[-1].content for call_id, versions in episodes.items()}
    urls = {document.url for document in await gong.documents()}
    return Verdict(
        windows=len(HOURS),
        failed=len(await gong.failed()),
        taken=len(episodes),
        lost=len(calls.keys() - episodes.keys()),
        twice=sum(len(versions) - 1 for versions in episodes.values()),
        strangers=len(episodes.keys() - calls.keys()),
        outdated=len(updated ^ {call_id for call_id, content in said.items() if "(updated)" in content}),
        gave_up=gave_up,
        without_participants=sum("Participants:" not in content for content in said.values()),
        passages=len(urls & {item_url("gong", call_id) for call_id in calls}),
        highest_per_s=gong.vendor.traffic.highest_per_s,
    )
