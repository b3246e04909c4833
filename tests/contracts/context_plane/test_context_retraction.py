"""context_retract in both databases: what is taken back, and what follows."""

import pytest

from oauth.principal import Principal
from server.storage.context_plane.context_store import SqlContextStore
from server.storage.database import Database
from tests.tools.context_plane.saying import ADA, believed, declare_one, fact, say
from tools.context_plane.errors import ContextRefused
from tools.context_plane.retraction import context_retract

BOB = Principal("acme", "bob", "client", frozenset({"mcp:*"}), "grant")


@pytest.fixture
def store(sql_database: Database) -> SqlContextStore:
    return SqlContextStore(sql_database)


async def test_what_is_taken_back_gives_way_to_what_it_had_cut(store: SqlContextStore) -> None:
    await declare_one(store, "stage")
    await say(store, fact("Kahuna", "stage", "open", "2026-01-01"), source="crm")
    [won] = await say(store, fact("Kahuna", "stage", "won", "2026-03-01"), source="gong")
    answer = await context_retract(store, ADA, {"fact_id": won["id"], "reason": "a misunderstanding"})
    assert answer["claims"] == 1
    assert won["id"] in answer["retired"]
    assert await believed(store) == ["Kahuna stage open [2026-01-01, )"]


async def test_what_was_taken_back_stays_so_when_its_source_is_read_again(store: SqlContextStore) -> None:
    said = fact("Kahuna", "champion", "Dana")
    [first] = await say(store, said, source="gong", content="Dana speaks for it")
    await context_retract(store, ADA, {"fact_id": first["id"]})
    [again] = await say(store, said, source="gong", content="Dana speaks for it")
    assert again["outcome"] == "refused"
    assert "withdrawn" in again["refused"]["why"]
    assert await believed(store) == []
    [elsewhere] = await say(store, said, source="crm")
    assert elsewhere["added"]


async def test_a_fact_ends_when_it_is_said_to_end(store: SqlContextStore) -> None:
    for begin, end in (("2026-01-01", "2026-02-01"), ("2026-02-01", None)):
        [said] = await say(store, fact("Kahuna", "champion", "Dana", begin, end), source=f"since {begin}")
    answer = await context_retract(store, ADA, {"fact_id": said["id"], "at": "2026-03-15"})
    assert answer["claims"] == 1
    assert await believed(store) == ["Kahuna champion Dana [2026-01-01, 2026-03-15)"]


async def test_a_fact_that_many_sources_say_is_taken_back_whole(store: SqlContextStore) -> None:
    """A belief names 32 of its claims."""
    for n in range(40):
        [said] = await say(store, fact("Kahuna", "champion", "Dana", "2026-01-01"), source=f"call {n}")
    answer = await context_retract(store, ADA, {"fact_id": said["id"]})
    assert answer["claims"] == 40
    assert await believed(store) == []


@pytest.mark.parametrize("at", ["2026-01-01", "2025-01-01", "2026-06-01", "2027-01-01"])
async def test_a_fact_ends_only_while_it_holds(store: SqlContextStore, at: str) -> None:
    [said] = await say(store, fact("Kahuna", "champion", "Dana", "2026-01-01", "2026-06-01"))
    with pytest.raises(ContextRefused, match="is not within from 2026-01-01") as refused:
        await context_retract(store, ADA, {"fact_id": said["id"], "at": at})
    assert refused.value.failure.code == "bad_time"


async def test_foreign_private_gone_and_unknown_facts_look_alike(store: SqlContextStore) -> None:
    [private] = await say(store, fact("Kahuna", "champion", "Dana"), private=True)
    [foreign] = await say(store, fact("Kahuna", "champion", "Eve"), by=Principal("globex", "ada", "c", frozenset(), "g"))
    told = set()
    for fact_id in (private["id"], foreign["id"], "fct_0000000000001", "fct_!", "epi_1"):
        with pytest.raises(ContextRefused) as refused:
            await context_retract(store, BOB, {"fact_id": fact_id})
        told.add((refused.value.failure.code, refused.value.failure.message))
    assert told == {("not_found", "there is no such fact")}


async def test_a_fact_that_is_not_believed_any_more_is_not_taken_back(store: SqlContextStore) -> None:
    [said] = await say(store, fact("Kahuna", "champion", "Dana"))
    await context_retract(store, ADA, {"fact_id": said["id"]})
    with pytest.raises(ContextRefused, match="is not believed any more, since 20"):
        await context_retract(store, ADA, {"fact_id": said["id"]})
