"""gong-ingest against the Gong stand-in: nothing is lost, nothing comes twice, whatever goes wrong."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from server.demo.gong.api import GongStandIn
from server.demo.gong.calls import GongCall
from server.demo.gong.faults import GongFaults
from server.demo.stand_ins.clock import StandInClock
from tests.tools.workflows.ingestion.ingesting import SECRET, TENANT, Ingesting, ingesting, virtual
from tests.waiting import until
from tools.context_plane.facts import EVERYBODY
from tools.errors import ToolError
from tools.workflows.ingestion.gong.gong_ingest import GongIngest
from tools.workflows.workflow import Workflow

DAY = datetime(2026, 11, 2, tzinfo=UTC)
EVENING = DAY + timedelta(hours=26)
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


def taking_in(folder: Path, vendor: GongStandIn) -> AbstractAsyncContextManager[Ingesting]:
    def workflow_of(subjects: dict[str, str]) -> Workflow:
        async def subjects_of(_tenant_id: str) -> dict[str, str]:
            return subjects

        return GongIngest(subjects_of, virtual(vendor.clock)).workflow()

    return ingesting(folder, vendor, workflow_of)


@pytest.fixture
async def gong(tmp_path: Path) -> AsyncIterator[Ingesting]:
    async with taking_in(tmp_path, stand_in(12)) as opened:
        yield opened


def shown(gong: Ingesting) -> list[GongCall]:
    """Return the calls that Gong shows everybody now."""
    calls, now = gong.vendor.calls, gong.vendor.clock.now
    return [call for call in calls.started_within(DAY, EVENING, now) if not calls.is_private(call, now)]


async def facts(gong: Ingesting, subject: str = "integration", **asked: Any) -> list[Any]:
    found = await gong.ask("context_query", {"query": "", "limit": 20, "max_chars": 15_000, **asked}, subject)
    return list(found["facts"])


async def test_a_call_becomes_who_took_part_and_what_was_said(gong: Ingesting) -> None:
    counts = await gong.counts(first_days=2)
    call = shown(gong)[0]
    [episode] = (await gong.episodes("gong"))[call.call_id]
    assert (counts["enqueued"], episode.kind) == (len(shown(gong)), "transcript")
    assert f"{call.contacts[0].name}: " in episode.content
    participants = await facts(gong, entities=[call.contacts[0].name], predicates=["participant"])
    assert call.title in {fact["subject"] for fact in participants}
    assert {source["source"] for fact in participants for source in fact["sources"]} == {"gong"}
    about = await facts(gong, entities=[call.company.name], predicates=["about"])
    assert {fact["valid_from"] for fact in about} >= {call.started.isoformat().replace("+00:00", "Z")}
    documents = await gong.documents()
    assert {document.metadata["call_id"] for document in documents} == {each.call_id for each in shown(gong)}
    await until(lambda: gong.is_read(len(documents)))
    found = await gong.ask("rag_search", {"query": episode.content[-200:], "filter": {"metadata": {"call_id": call.call_id}}})
    assert found["passages"][0]["text"] in episode.content


async def test_what_did_not_change_is_not_taken_in_again(gong: Ingesting) -> None:
    await gong.counts(first_days=2)
    before = await gong.episodes("gong")
    runs = len((await gong.workflows.runs(TENANT, workflow="ingest-item")).runs)
    for _ in range(3):
        counts = await gong.counts()
        assert (counts["calls"], counts["enqueued"], counts["deleted"]) == (12, 0, 0)
    assert await gong.episodes("gong") == before
    assert len((await gong.workflows.runs(TENANT, workflow="ingest-item")).runs) == runs


async def test_with_every_fault_none_is_lost_and_none_comes_twice(tmp_path: Path) -> None:
    """Context contract §7: 0 lost, 0 twice, ≤ 3 calls/s; every unattended run succeeds. 500 of them: benchmarks/ingestion.py."""
    async with taking_in(tmp_path, stand_in(110, DAY + timedelta(hours=12), **EVERY_FAULT)) as gong:
        gave_up = 0
        for hours in (12, 16, 20, 20.5, 24, 30, 36, 44, 60, 86, 111):
            gong.vendor.clock.set(DAY + timedelta(hours=hours))
            gave_up += (await gong.counts(first_days=2))["gave_up"]
        assert not await gong.failed()
        episodes = await gong.episodes("gong")
        calls = shown(gong)
        assert set(episodes) == {call.call_id for call in calls}
        assert {len(versions) for versions in episodes.values()} == {1}
        now = gong.vendor.clock.now
        updated = {call.call_id for call in calls if gong.vendor.calls.version(call, now) == 2}
        assert {call_id for call_id, [episode] in episodes.items() if "(updated)" in episode.content} == updated
        urls = [document.url for document in await gong.documents()]
        assert sorted(urls) == sorted(f"gong:{call.call_id}" for call in calls)
        without = [call.call_id for call in calls if "Participants:" not in episodes[call.call_id][0].content]
        assert 0 < len(without) <= gave_up
        traffic = gong.vendor.traffic
        assert traffic.highest_per_s <= 3
        assert traffic.torn > 0
        assert {400, 401, 429, 503} <= traffic.answers.keys()
        assert gong.vendor.faults.expired_cursors < EVERY_FAULT["expired_cursors"]


async def test_a_deleted_call_is_forgotten_with_all_that_it_brought(gong: Ingesting) -> None:
    await gong.counts(first_days=2)
    call = shown(gong)[0]
    gong.vendor.steer("delete", {"call_id": call.call_id})
    assert (await gong.counts())["deleted"] == 1
    assert call.call_id not in await gong.episodes("gong")
    assert call.call_id not in {document.metadata["call_id"] for document in await gong.documents()}
    started = call.started.isoformat().replace("+00:00", "Z")
    assert started not in {fact["valid_from"] for fact in await facts(gong, entities=[call.company.name])}


async def test_a_call_that_comes_back_is_taken_in_again(gong: Ingesting) -> None:
    await gong.counts(first_days=2)
    call = shown(gong)[0]
    gong.vendor.steer("delete", {"call_id": call.call_id})
    await gong.counts()
    del gong.vendor.calls.deleted[call.call_id]
    assert (await gong.counts())["enqueued"] == 1
    assert call.call_id in await gong.episodes("gong")


async def test_a_call_that_is_changed_and_changed_back_is_what_it_is_now(gong: Ingesting) -> None:
    await gong.counts(first_days=2)
    call = shown(gong)[0]
    [first] = (await gong.episodes("gong"))[call.call_id]
    gong.vendor.steer("change", {"call_id": call.call_id})
    await gong.counts()
    [second] = (await gong.episodes("gong"))[call.call_id]
    del gong.vendor.calls.changed[call.call_id]
    await gong.counts()
    [third] = (await gong.episodes("gong"))[call.call_id]
    assert "(updated)" in second.content
    assert (third.content, third.episode_id != first.episode_id) == (first.content, True)


async def test_a_private_call_is_its_owners_alone(tmp_path: Path) -> None:
    async with taking_in(tmp_path, stand_in(12, hidden_every=1, hidden_after_s=0)) as gong:
        calls = gong.vendor.calls.started_within(DAY, EVENING, EVENING)
        owner = calls[0].reps[0]
        gong.subjects[owner.email] = "sub_owner"
        counts = await gong.counts(first_days=2)
        own = {call.call_id for call in calls if call.reps[0] == owner}
        assert (counts["withheld"], counts["enqueued"]) == (12 - len(own), len(own))
        episodes = await gong.episodes("gong")
        assert {episode.audience for versions in episodes.values() for episode in versions} == {"sub_owner"}
        assert set(episodes) == own
        name = calls[0].company.name
        assert await facts(gong, "sub_owner", entities=[name], predicates=["about"])
        with pytest.raises(ToolError, match="no such entity"):
            await facts(gong, entities=[name])
        assert not await gong.documents()
        assert len(await gong.documents("sub_owner")) == len(own)


async def test_a_call_that_becomes_private_is_nobodys_any_more(gong: Ingesting) -> None:
    await gong.counts(first_days=2)
    [before] = {episode.audience for versions in (await gong.episodes("gong")).values() for episode in versions}
    gong.vendor.faults.hidden_every, gong.vendor.faults.hidden_after_s = 1, 0
    counts = await gong.counts()
    assert (before, counts["withheld"]) == (EVERYBODY, 12)
    assert (await gong.episodes("gong"), await gong.documents()) == ({}, [])


async def test_a_transcript_that_never_comes_is_waited_for_six_times(tmp_path: Path) -> None:
    async with taking_in(tmp_path, stand_in(4, late_every=2, late_s=10**7)) as gong:
        late = {call.call_id for call in shown(gong) if call.number % 2}
        kinds = []
        for hours in (0, 0.1, 0.5, 2, 7, 20, 45, 70):
            gong.vendor.clock.set(EVENING + timedelta(hours=hours))
            counts = await gong.counts(first_days=2)
            kinds.append((counts["parked"], counts["gave_up"]))
        assert kinds[0] == (len(late), 0)
        assert sum(gave_up for _, gave_up in kinds) == len(late)
        episodes = await gong.episodes("gong")
        assert {call_id for call_id, [episode] in episodes.items() if episode.kind == "call"} == late


async def test_details_that_lag_come_with_a_later_window(tmp_path: Path) -> None:
    async with taking_in(tmp_path, stand_in(6, details_missing_every=3, details_missing=2)) as gong:
        assert (await gong.counts(first_days=2))["parked"] == 2
        gong.vendor.clock.advance(1000)
        await gong.counts()
        gong.vendor.clock.advance(4000)
        assert (await gong.counts())["parked"] == 0
        assert set(await gong.episodes("gong")) == {call.call_id for call in shown(gong)}


async def test_a_window_that_cannot_be_read_leaves_the_watermark(gong: Ingesting) -> None:
    """And holds nobody up: the next one reads all of it."""
    gong.vendor.faults.unauthorized = 10_000
    view = await gong.window(first_days=2)
    assert view.state == "failed"
    assert view.failure is not None
    assert view.failure.code == "upstream_unauthorized"
    gong.vendor.faults.unauthorized = 0
    assert (await gong.counts(first_days=2))["enqueued"] == len(shown(gong))


async def test_one_run_reads_at_a_time(gong: Ingesting) -> None:
    started = [await gong.start(first_days=2) for _ in range(4)]
    await until(gong.is_done)
    views = [await gong.workflows.show(TENANT, run_id) for run_id in started]
    skipped = [view for view in views if view is not None and view.result == {"skipped": "another run reads Gong"}]
    assert len(skipped) < 4
    assert gong.vendor.traffic.highest_per_s <= 3
    assert {len(versions) for versions in (await gong.episodes("gong")).values()} == {1}
