"""The versions of the AI gateway's configuration, and the snapshot that follows them, on both databases."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from oauth.audit import SecurityEvent
from server.storage.ai_gateway.configurations import SqlAiConfigs
from server.storage.ai_gateway.experiment_calls import SqlExperimentCalls
from server.storage.ai_gateway.model_calls import SqlModelCallStore
from server.storage.change_feed import ChangeFeed
from server.storage.database import Database
from server.storage.oauth.security_events import SqlAuditLog
from tests.contracts.ai_gateway.model_calls import call
from tests.contracts.databases import empty_database, url_of
from tools.ai_gateway.configuration.live import LiveConfig
from tools.ai_gateway.configuration.versions import TOPIC, ConfigAct, ExperimentHold, RolloutStep
from tools.ai_gateway.stores import ClosedCall
from tools.versioned_documents.versions import MAX_KEPT, ConfigVersion, VersionConflict

DOCUMENT = {"routes": {"mine": {"targets": ["openai/gpt-5.2"]}}}
TRIAL = {"experiments": [{"name": "cf", "route": "bulk", "arms": {"b": "standard"}, "share": {"b": 0.5}}]}


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with empty_database(url_of(request.param, request, tmp_path)) as opened:
        yield opened


async def test_a_version_comes_back_as_it_was_put_and_the_newest_counts(database: Database) -> None:
    store = SqlAiConfigs(database, now_us=lambda: 5)
    assert await store.newest() == ConfigVersion()
    await store.put({}, "ada@acme.test")
    await store.put(DOCUMENT, "ada@acme.test")
    assert await store.newest() == ConfigVersion(2, DOCUMENT, "ada@acme.test", 5)
    assert await store.version(1) == ConfigVersion(1, {}, "ada@acme.test", 5)
    assert await store.version(3) is None


async def test_every_version_leaves_one_security_event_and_a_refused_one_none(database: Database) -> None:
    """Who, which version, about what; under the tenant whose affair it was."""
    store, audit = SqlAiConfigs(database, now_us=lambda: 5_000_000), SqlAuditLog(database)
    await store.put({}, "ascend ai")
    await store.put(DOCUMENT, "ada@acme.test", act=ConfigAct("ai_gateway_created", "acme", "sub_1", "agents"))
    with pytest.raises(VersionConflict):
        await store.put({}, "late", expected=1, act=ConfigAct(tenant_id="acme"))
    [operators], [acmes] = await audit.recent("default"), await audit.recent("acme")
    assert operators == SecurityEvent("ai_config_changed", 5.0, "default", facts={"version": "1", "by": "ascend ai"})
    assert acmes == SecurityEvent(
        "ai_gateway_created", 5.0, "acme", "sub_1", facts={"version": "2", "by": "ada@acme.test", "about": "agents"}
    )


async def test_of_versions_put_at_the_same_time_each_has_a_number_of_its_own(database: Database) -> None:
    store = SqlAiConfigs(database)
    put = await asyncio.gather(*(store.put(DOCUMENT, "") for _ in range(5)))
    assert sorted(each.version for each in put) == [1, 2, 3, 4, 5]


async def test_who_has_not_seen_the_newest_version_replaces_nothing(database: Database) -> None:
    store = SqlAiConfigs(database)
    await store.put(DOCUMENT, "", expected=0)
    with pytest.raises(VersionConflict, match="version 1 is in force"):
        await store.put({}, "", expected=0)
    assert (await store.newest()).document == DOCUMENT


async def test_only_the_last_versions_are_kept(database: Database) -> None:
    store = SqlAiConfigs(database)
    for _ in range(MAX_KEPT + 1):
        await store.put({}, "")
    assert await store.version(1) is None
    assert await store.version(2) is not None


async def test_a_hold_is_set_once_and_lifted_once(database: Database) -> None:
    store = SqlAiConfigs(database, now_us=lambda: 5)
    told = await asyncio.gather(*(store.hold("cf", "too many errors", "") for _ in range(3)))
    assert sorted(told) == [False, False, True]
    assert await store.holds() == {"cf": ExperimentHold("cf", "too many errors", "", 5)}
    assert await store.resume("cf")
    assert not await store.resume("cf")
    assert await store.holds() == {}


async def test_the_snapshot_follows_versions_and_holds_that_another_process_makes(database: Database) -> None:
    live, elsewhere, feed = LiveConfig(SqlAiConfigs(database)), SqlAiConfigs(database), ChangeFeed(database)
    feed.listen(TOPIC, live.changed)
    await feed.start()
    await live.load()
    assert (live.current.version, "mine" in live.current.routes) == (0, False)
    await elsewhere.put(DOCUMENT | TRIAL, "")
    await feed.poll()
    assert (live.current.version, "mine" in live.current.routes) == (1, True)
    await elsewhere.hold("cf", "too many errors", "")
    await feed.poll()
    assert live.current.experiments["cf"].held == "too many errors"
    await elsewhere.resume("cf")
    await feed.poll()
    assert live.current.experiments["cf"].held == ""


async def test_the_calls_of_an_experiment_are_found_by_its_very_name(database: Database) -> None:
    """`%` and `_` in a name are letters, and `cf` is not the beginning of another experiment."""
    mine = [call(experiment="c_f%/b"), call(experiment="c_f%/control"), call(experiment="c_f%/b", tenant_id="globex")]
    others = [call(experiment="cxf%/b"), call(experiment="c_f%2/b"), call(experiment="")]
    await SqlModelCallStore(database).append([ClosedCall(each) for each in (*mine, *others)])
    found = await SqlExperimentCalls(database).recent("c_f%", mine[0].at_us)
    assert {each.id for each in found} == {each.id for each in mine}
    assert await SqlExperimentCalls(database).recent("c_f%", mine[0].at_us + 1) == []


async def test_a_rollout_goes_forward_once_and_another_one_begins_anew(database: Database) -> None:
    store = SqlAiConfigs(database)
    first, second, other = RolloutStep("cf", "this", 1), RolloutStep("cf", "this", 2), RolloutStep("cf", "another", 1)
    assert sorted(await asyncio.gather(*(store.advance(first) for _ in range(4)))) == [False, False, False, True]
    assert [await store.advance(each) for each in (second, first)] == [True, False]
    assert await store.steps() == {"cf": second}
    assert await store.advance(other)
    assert await store.steps() == {"cf": other}
