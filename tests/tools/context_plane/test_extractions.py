"""What a model reads becomes claims of the episode that says so, once, and never more than the text says."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import orjson
import pytest

from oauth.principal import Principal
from server.config.store import sqlite_url
from server.storage.context_plane.context_store import SqlContextStore
from server.storage.context_plane.extractions import SqlExtractionStore
from server.storage.database import Database
from tests.empty_store import put_empty_store
from tests.waiting import until
from tools.context_plane.assertion import context_assert
from tools.context_plane.extraction.extractions import MAX_ATTEMPTS, Extractions, NotRead
from tools.context_plane.facts import Fact, Part
from tools.context_plane.stores import ContextRows
from tools.operation import Json

ADA = Principal("acme", "ada", "client", frozenset({"mcp"}), "grant")
CALL = "Dana Reyes left Kahuna in March. Omar Haddad is the new champion of the deal."
SAYS_SO = "Omar Haddad is the new champion"
READ = {"subject": "Kahuna", "kind": "account", "predicate": "champion", "value": "Omar Haddad", "evidence": SAYS_SO}


class Reader:
    """A model that says what it is told to, for one tenant."""

    def __init__(self, *said: Json | Exception, tenant_id: str = "acme") -> None:
        self.said, self.tenant_id = list(said), tenant_id
        self.texts: list[str] = []

    def is_wanted(self, tenant_id: str) -> bool:
        return tenant_id == self.tenant_id

    async def read(self, tenant_id: str, text: str) -> str:
        self.texts.append(text)
        said = self.said.pop(0) if len(self.said) > 1 else self.said[0]
        if isinstance(said, Exception):
            raise said
        return orjson.dumps({"facts": said}).decode()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    put_empty_store(tmp_path / "store.sqlite3")
    database = Database(sqlite_url(tmp_path / "store.sqlite3"))
    yield database
    await database.close()


async def said(database: Database, *facts: Json, content: str = CALL) -> None:
    episode = {"source": "calls", "source_id": "1", "kind": "transcript", "occurred_at": "2026-03-20T10:00:00Z", "content": content}
    given = facts or ({"subject": {"name": "Kahuna", "kind": "account"}, "predicate": "stage", "value": "negotiation"},)
    await context_assert(SqlContextStore(database), ADA, {"facts": list(given), "episode": episode})


@asynccontextmanager
async def reading(database: Database, reader: Reader, clock: Callable[[], float] = lambda: 2e9) -> AsyncIterator[Extractions]:
    extractions = Extractions(SqlContextStore(database), SqlExtractionStore(database), reader, lambda: ["acme", "globex"], clock=clock)
    async with anyio.create_task_group() as group:
        group.start_soon(extractions.run)
        yield extractions
        group.cancel_scope.cancel()


async def is_read(database: Database, now_us: int = 2 * 10**15) -> bool:
    return not await SqlExtractionStore(database).waiting("acme", now_us, 1)


async def champions(database: Database) -> list[Fact]:
    def work(rows: ContextRows) -> list[Fact]:
        return list(rows.facts_of([Part(group, None) for group in rows.groups_with("champion")]))

    return await SqlContextStore(database).read("acme", work)


async def test_a_fact_that_the_text_says_is_believed_with_its_place(database: Database) -> None:
    await said(database)
    async with reading(database, Reader([READ])):
        await until(lambda: is_read(database))
    [fact] = await champions(database)
    assert fact.belief.value == "Omar Haddad"
    claims = await SqlContextStore(database).read("acme", lambda rows: rows.claims(fact.belief.claim_ids))
    [claim] = claims.values()
    assert claim.method == "extracted"
    assert CALL[claim.start : claim.end] == SAYS_SO


async def test_a_subject_that_nobody_knows_is_dropped(database: Database) -> None:
    await said(database)
    async with reading(database, Reader([READ | {"subject": "Dana Reyes"}])):
        await until(lambda: is_read(database))
    assert await champions(database) == []


async def test_an_episode_is_read_once_and_one_of_a_tenant_without_a_model_never(database: Database) -> None:
    await said(database)
    reader = Reader([READ], tenant_id="globex")
    async with reading(database, reader) as extractions:
        extractions.wake("acme")
    assert reader.texts == []
    reader = Reader([READ])
    for _ in range(2):
        async with reading(database, reader):
            await until(lambda: is_read(database))
    assert reader.texts == [CALL]


async def test_a_model_that_fails_is_asked_again_later_and_given_up_on_in_the_end(database: Database) -> None:
    await said(database)
    now = [2e9]
    reader = Reader(NotRead("the budget is used up"))
    async with reading(database, reader, lambda: now[0]) as extractions:
        for attempt in range(1, MAX_ATTEMPTS + 1):
            extractions.wake("acme")
            await until(lambda tried=attempt: len(reader.texts) == tried)  # type: ignore[misc]  # the default binds it to this round
            now[0] += 86_400
    assert await is_read(database, now_us=2**60)


async def test_what_is_no_json_is_no_fact_and_no_fault(database: Database) -> None:
    await said(database)
    async with reading(database, Reader("nonsense")):
        await until(lambda: is_read(database))
    assert await champions(database) == []
