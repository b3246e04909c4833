"""The versions of the gateway's configuration, their audit and the snapshot that follows them, on both databases."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import orjson
import pytest

from server.audited import Audited, audited
from server.config_versions.changes import ConfigChanges
from server.config_versions.config import Config
from server.config_versions.live import LiveConfig
from server.config_versions.versions import TOPIC
from server.storage.audit.reading import SqlAuditTrail
from server.storage.change_feed import ChangeFeed
from server.storage.config_versions import SqlConfigVersions
from server.storage.database import Database
from tests.contracts.databases import empty_database, url_of
from tests.waiting import until
from tools.operation import Json
from tools.versioned_documents.faults import ConfigInvalid
from tools.versioned_documents.versions import MAX_KEPT, ConfigVersion, NoSuchVersion, VersionConflict

WEEK = {"retention": {"calls_days": 7}}


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with empty_database(url_of(request.param, request, tmp_path)) as opened:
        yield opened


async def _knows_a(name: str) -> bool:
    return name == "a"


async def test_a_version_comes_back_as_it_was_put_and_the_newest_counts(database: Database) -> None:
    store = SqlConfigVersions(database, now_us=lambda: 5)
    assert await store.newest() == ConfigVersion()
    await store.put({}, "ada")
    await store.put(WEEK, "bob")
    assert await store.last(5) == [ConfigVersion(2, WEEK, "bob", 5), ConfigVersion(1, {}, "ada", 5)]
    assert await store.newest() == await store.version(2)
    assert await store.version(3) is None


async def test_only_the_last_versions_are_kept_and_the_one_in_force_never_ages(database: Database) -> None:
    now = iter(range(1, 10_000))
    store = SqlConfigVersions(database, now_us=lambda: next(now))
    for number in range(MAX_KEPT + 3):
        await store.put({"retention": {"calls_days": number + 1}}, "")
    assert [each.version for each in await store.last(1_000)][-1] == 4
    await store.sweep(100)
    assert [each.version for each in await store.last(1_000)][-1] == 100
    await store.sweep(10_000)
    assert [each.version for each in await store.last(1_000)] == [MAX_KEPT + 3]


async def test_of_changes_at_the_same_time_each_becomes_a_version(database: Database) -> None:
    store = SqlConfigVersions(database)
    changes = ConfigChanges(store, _knows_a)
    put = await asyncio.gather(*(changes.apply({"retention": {"calls_days": days}}, "") for days in range(1, 6)))
    assert sorted(each.version for each in put) == [1, 2, 3, 4, 5]


async def test_who_has_not_seen_the_newest_version_replaces_nothing(database: Database) -> None:
    changes = ConfigChanges(SqlConfigVersions(database), _knows_a)
    await changes.apply(WEEK, "ada", 0)
    with pytest.raises(VersionConflict, match="version 1 is in force"):
        await changes.apply({}, "late", 0)
    assert (await changes.apply(WEEK, "again")).version == 1


async def test_rolling_back_makes_a_new_version(database: Database) -> None:
    store = SqlConfigVersions(database)
    changes = ConfigChanges(store, _knows_a)
    await changes.apply(WEEK, "ada")
    await changes.apply({"retention": {"calls_days": 9}}, "ada")
    assert (await changes.roll_back(1, "bob")).version == 3
    assert (await changes.roll_back(0, "bob")).document == {}
    with pytest.raises(NoSuchVersion, match="no version 9; the newest is 4"):
        await changes.roll_back(9, "bob")


async def test_a_secret_that_the_vault_does_not_have_is_a_fault(database: Database) -> None:
    changes = ConfigChanges(SqlConfigVersions(database), _knows_a)

    async def apply(document: Json) -> str:
        with pytest.raises(ConfigInvalid) as refused:
            await changes.apply(document, "ada")
        return str(refused.value)

    # What no section takes is refused before anybody looks into the vault.
    assert "no such name" in await apply({"retention": {"x": "vault:b"}})


async def test_a_change_is_on_record_with_what_differs_in_the_same_transaction(database: Database) -> None:
    changes, trail = ConfigChanges(SqlConfigVersions(database), _knows_a), SqlAuditTrail(database)
    with audited(Audited("command", "config apply", "local:ada", target="gateway.toml")):
        await changes.apply(WEEK, "local:ada")
    with audited(Audited("command", "config apply", "local:ada")):
        await changes.apply({"retention": {"calls_days": 8, "audit_days": 100}}, "local:ada")
    with audited(Audited("command", "config apply", "local:late")), pytest.raises(VersionConflict):
        await changes.apply({}, "local:late", 1)
    newest, first = await trail.rows(tenant_id=None, since_us=0, limit=10)
    assert orjson.loads(first.details) == {"version": "1", "change 1": "+ retention.calls_days = 7"}
    assert orjson.loads(newest.details) == {
        "version": "2",
        "change 1": "+ retention.audit_days = 100",
        "change 2": "~ retention.calls_days: 7 → 8",
    }


async def test_a_node_follows_what_another_applies(database: Database) -> None:
    """Within two seconds, by contract; the feed looks ten times a second."""
    feed, live = ChangeFeed(database), LiveConfig(SqlConfigVersions(database))
    await feed.start()
    await live.load()
    assert (live.version, live.current) == (0, Config())
    feed.listen(TOPIC, live.changed)
    async with anyio.create_task_group() as group:
        group.start_soon(feed.run)
        await SqlConfigVersions(database).put(WEEK, "another node")
        await until(lambda: live.version == 1)
        assert live.current.retention.calls_days == 7
        group.cancel_scope.cancel()


async def test_what_another_release_applied_does_not_stop_this_one(database: Database) -> None:
    """The section that breaks a rule here stays as it was; the others are taken over."""
    store = SqlConfigVersions(database)
    live = LiveConfig(store)
    await store.put(WEEK, "")
    await live.load()
    await store.put({"retention": {"calls_days": 9, "moons": 3}, "later": {"x": 1}}, "a later release")
    await live.load()
    assert live.version == 2
    assert live.current.retention.calls_days == 7


async def test_who_looked_first_and_hears_last_does_not_bring_the_older_version_back(database: Database) -> None:
    answers = [await SqlConfigVersions(database).put(document, "") for document in (WEEK, {"retention": {"calls_days": 9}})]

    class Late(SqlConfigVersions):
        """The older answer comes after the newer one."""

        async def newest(self) -> ConfigVersion:
            return answers.pop()

    live = LiveConfig(Late(database))
    await live.load()
    await live.load()
    assert (answers, live.version, live.current.retention.calls_days) == ([], 2, 9)
