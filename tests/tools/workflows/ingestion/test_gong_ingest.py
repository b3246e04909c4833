"""gong-ingest against the Gong stand-in: nothing is lost, nothing comes twice, whatever goes wrong."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.tools.workflows.ingestion.gong_days import DAY, EVENING, EVERY_FAULT, shown, stand_in, taking_in, unattended
from tests.tools.workflows.ingestion.ingesting import TENANT, Ingesting
from tests.waiting import until
from tools.context_plane.facts import EVERYBODY
from tools.context_plane.ids import EPISODE, id_text
from tools.errors import ToolError


@pytest.fixture
async def gong(tmp_path: Path) -> AsyncIterator[Ingesting]:
    async with taking_in(tmp_path, stand_in(12)) as opened:
        yield opened


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


async def test_with_every_fault_none_is_lost_and_none_comes_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Context contract §7: 0 lost, 0 twice, ≤ 3 calls/s; every unattended run succeeds. 500 of them: `python -m benchmarks.ingestion`."""
    monkeypatch.setattr("server.demo.gong.cursors.PAGE_SIZE", 40)
    async with taking_in(tmp_path, stand_in(50, DAY + timedelta(hours=12), **EVERY_FAULT)) as gong:
        verdict = await unattended(gong)
        assert (verdict.failed, verdict.lost, verdict.twice, verdict.strangers, verdict.outdated) == (0, 0, 0, 0, 0)
        assert verdict.passages == verdict.taken
        assert 0 < verdict.without_participants <= verdict.gave_up
        assert verdict.highest_per_s <= 3
        traffic = gong.vendor.traffic
        assert traffic.torn > 0
        assert {400, 401, 429, 503} <= traffic.answers.keys()


async def test_a_deleted_call_is_forgotten_with_all_that_it_brought(gong: Ingesting) -> None:
    await gong.counts(first_days=2)
    call = shown(gong)[0]
    gong.vendor.steer("delete", {"call_id": call.call_id})
    assert (await gong.counts())["deleted"] == 1
    assert call.call_id not in await gong.episodes("gong")
    assert call.call_id not in {document.metadata["call_id"] for document in await gong.documents()}
    started = call.started.isoformat().replace("+00:00", "Z")
    assert started not in {fact["valid_from"] for fact in await facts(gong, entities=[call.company.name])}


async def test_what_is_forgotten_here_stays_forgotten(gong: Ingesting) -> None:
    """context_forget takes the passages that came with an episode or a source, and the next window brings none of it back."""
    await gong.counts(first_days=2)
    call_id, [episode] = next(iter((await gong.episodes("gong")).items()))
    await gong.forget({"episode": id_text(EPISODE, episode.episode_id)})
    assert call_id not in {document.metadata["call_id"] for document in await gong.documents()}
    assert len(await gong.documents()) == len(shown(gong)) - 1
    assert (await gong.counts())["enqueued"] == 0
    await gong.forget({"source": "gong"})
    assert (await gong.counts())["enqueued"] == 0
    assert (await gong.episodes("gong"), await gong.documents()) == ({}, [])


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


async def test_a_long_window_is_read_by_several_runs(tmp_path: Path) -> None:
    """The record of a run is bounded: the next one goes on where it ended."""
    async with taking_in(tmp_path, stand_in(3, DAY + timedelta(days=150))) as gong:
        first = await gong.counts(first_days=150)
        assert (first["to"], first["enqueued"]) == ("2027-02-10T00:00:00Z", len(shown(gong)))
        second = await gong.counts()
        assert (second["from"], second["to"][:10], second["enqueued"]) == ("2027-02-09T00:00:00Z", "2027-04-01", 0)
