"""One writer of a tenant at a time, on any number of processes; and none of them leaves half of anything behind when it is killed."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import anyio.to_thread
import orjson
import pytest
from sqlalchemy import func, select

from server.storage.context_plane.context_store import SqlContextStore
from server.storage.database import Database
from server.storage.schema.context_tables import claims, entities, episodes, facts
from tests.contracts.context_plane.asserting_process import FACTS, assert_batch
from tests.contracts.databases import empty_database, url_of
from tests.forked.module import ForkedModule
from tests.tools.context_plane.saying import declare_one
from tools.context_plane.beliefs.beliefs_of import beliefs_of
from tools.context_plane.facts import Belief, Group, Part
from tools.context_plane.stores import ContextRows

LONG_S = 120.0
POINTS = 40


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return url_of(request.param, request, tmp_path)


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    async with empty_database(url) as opened:
        yield opened


async def run(url: str, *arguments: str) -> list[dict[str, int]]:
    process = ForkedModule("tests.contracts.context_plane.asserting_process", url, *arguments)
    said = await anyio.to_thread.run_sync(process.communicate)
    assert process.returncode == 0
    return [orjson.loads(line) for line in said.splitlines()]


async def claims_by_batch(database: Database) -> Counter[tuple[str, str]]:
    """Return how many claims each (source, source_id) has."""
    joined = claims.join(episodes, (claims.c.tenant_id == episodes.c.tenant_id) & (claims.c.episode_id == episodes.c.episode_id))
    query = (
        select(episodes.c.source, episodes.c.source_id, func.count()).select_from(joined).group_by(episodes.c.source, episodes.c.source_id)
    )
    async with database.read() as connection:
        return Counter({(row[0], row[1]): row[2] for row in await connection.execute(query)})


async def check_all(database: Database) -> None:
    """Assert that belief is what all claims come to, that the totals are right, and that indexes can follow."""
    store = SqlContextStore(database)

    def believed(rows: ContextRows) -> tuple[dict[Group, set[Belief]], dict[Group, set[Belief]]]:
        groups = {Part(group) for predicate in ("stage", "champion", "note") for group in rows.groups_with(predicate)}
        now, scratch = defaultdict[Group, set[Belief]](set), dict[Group, set[Belief]]()
        for each in rows.facts_of(groups):
            now[each.group].add(each.belief)
        all_claims = rows.claims_of(groups)
        for group, _said in groups:
            of_group = [claim for claim in all_claims if claim.group == group]
            scratch[group] = set(beliefs_of(of_group, "one" if group.predicate == "stage" else "many"))
        return dict(now), scratch

    on_record, from_scratch = await store.read("acme", believed)
    assert on_record == from_scratch
    kept = await store.read("acme", lambda rows: rows.kept())
    async with database.read() as connection:
        counts = [await connection.scalar(select(func.count()).select_from(table)) for table in (facts, claims, entities)]
        changed = list((await connection.execute(select(facts.c.changed_in))).scalars())
    assert counts == [kept.facts, kept.claims, kept.entities]
    assert len(set(changed)) == len(changed)
    news = await store.facts_since("acme", 0, 100_000)
    assert len(news.facts) == kept.facts
    assert max(changed) <= news.revision


async def test_two_processes_write_one_tenant_at_once(database: Database, url: str) -> None:
    """Decision 0046: one writer of a tenant at a time, whoever it is."""
    await declare_one(SqlContextStore(database), "stage")
    async with asyncio.timeout(LONG_S):
        said = await asyncio.gather(*(run(url, name, "12") for name in ("one", "other")))
    assert [len(each) for each in said] == [12, 12]
    found = await claims_by_batch(database)
    assert len(found) == 24
    assert set(found.values()) == {FACTS}
    await check_all(database)


async def test_a_process_that_is_killed_at_any_step_loses_and_doubles_nothing(database: Database, url: str) -> None:
    """Issue 14: kill -9 during ingestion at 40 points and more: 0 claims lost or doubled."""
    async with asyncio.timeout(LONG_S):
        acknowledged = {line["batch"] for line in await run(url, "killed")}
    found = await claims_by_batch(database)
    steps = max(acknowledged)
    assert steps >= POINTS
    assert set(found.values()) == {FACTS}, "all of a batch or nothing"
    assert {str(batch) for batch in acknowledged} <= {source_id for _source, source_id in found}
    store = SqlContextStore(database)
    for batch in range(steps + 1):
        await assert_batch(store, "killed", batch)
    again = await claims_by_batch(database)
    assert again == Counter({("killed", str(batch)): FACTS for batch in range(steps + 1)})
    await check_all(database)
