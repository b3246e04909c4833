"""ContextStore in both databases: what is said is kept once, belief follows, and indexes can follow it."""

import pytest
from sqlalchemy import func, select

from server.storage.context_plane.context_store import SqlContextStore
from server.storage.database import Database
from server.storage.schema.context_tables import claims, episodes
from tests.tools.context_plane.saying import ADA, believed, declare_one, fact, number, say
from tools.context_plane import predicates
from tools.context_plane.errors import ContextRefused
from tools.context_plane.ids import FACT, id_text
from tools.context_plane.quotas import ContextQuotas
from tools.context_plane.retraction import context_retract
from tools.context_plane.stores import ContextRows


@pytest.fixture
def store(sql_database: Database) -> SqlContextStore:
    return SqlContextStore(sql_database)


async def test_what_is_said_is_believed_and_what_follows_ends_it(store: SqlContextStore) -> None:
    await declare_one(store, "stage")
    [first] = await say(store, fact("Kahuna", "stage", "open", "2026-01-01"), source="crm", source_id="1")
    [second] = await say(store, fact("Kahuna", "stage", "won", "2026-03-01"), source="crm", source_id="2")
    assert first["added"]
    assert second["added"]
    assert second["superseded"] == [first["id"]]
    assert await believed(store) == ["Kahuna stage open [2026-01-01, 2026-03-01)", "Kahuna stage won [2026-03-01, )"]


async def test_what_is_said_again_changes_nothing(store: SqlContextStore, sql_database: Database) -> None:
    """Facts §2.2: the same episode twice (graphiti #767, #963)."""
    said = [fact("Kahuna", "stage", "open", "2026-01-01"), fact({"kind": "person", "name": "Dana"}, "works at", "Kahuna")]
    first = await say(store, *said, source="crm", content="a note")
    before = (await store.facts_since("acme", 0, 100)).facts
    again = await say(store, *said, source="crm", content="a note")
    assert [each["id"] for each in again] == [each["id"] for each in first]
    assert [each["outcome"] for each in again] == ["supported", "supported"]
    assert (await store.facts_since("acme", 0, 100)).facts == before
    async with sql_database.read() as connection:
        for table, rows in ((episodes, 1), (claims, 2)):
            assert await connection.scalar(select(func.count()).select_from(table)) == rows


async def test_another_source_supports(store: SqlContextStore) -> None:
    [first] = await say(store, fact("Kahuna", "stage", "open", "2026-01-01"), source="crm")
    [second] = await say(store, fact("Kahuna", "stage", "open", "2026-01-01"), source="gong")
    assert second["supported"]
    assert not second["added"]
    assert second["superseded"] == []
    assert number(second) != number(first), "what it rests on has changed, so what was believed before stays on record"
    news = await store.facts_since("acme", 0, 100)
    [now] = [each for each in news.facts if each.fact.retired_at_us is None]
    assert now.sources == ("crm", "gong")
    assert (now.subject, now.said) == ("Kahuna", "open")


async def test_an_index_follows_in_pages_and_misses_nothing(store: SqlContextStore) -> None:
    await declare_one(store, "stage")
    for day in range(1, 10):
        await say(store, fact("Kahuna", "stage", f"stage {day}", f"2026-01-0{day}"), source=f"{day}")
    everything = await store.facts_since("acme", 0, 1_000)
    at, seen, is_all = 0, dict[int, int | None](), False
    while not is_all:
        news = await store.facts_since("acme", at, 4)
        seen |= {each.fact.fact_id: each.fact.retired_at_us for each in news.facts}
        at, is_all = news.revision, news.is_all
    assert seen == {each.fact.fact_id: each.fact.retired_at_us for each in everything.facts}
    assert len(seen) == 17
    assert at == everything.revision
    assert (await store.facts_since("acme", at, 4)).facts == ()


async def test_a_change_that_fails_leaves_nothing(store: SqlContextStore) -> None:
    def broken(rows: ContextRows) -> None:
        rows.declare("stage", "one")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.change("acme", broken)
    assert await store.read("acme", lambda rows: rows.cardinalities(["stage"])) == {}


async def test_two_tenants_with_the_same_words_know_nothing_of_each_other(store: SqlContextStore) -> None:
    other = ADA.__class__("globex", "ada", "client", frozenset(), "grant")
    await say(store, fact("Kahuna", "stage", "open"))
    await say(store, fact("Kahuna", "stage", "lost"), by=other)
    assert await believed(store) == ["Kahuna stage open [, )"]
    assert await believed(store, "globex") == ["Kahuna stage lost [, )"]


@pytest.mark.parametrize(
    ("quotas", "what"),
    [
        (ContextQuotas(claims=2), "2 claims"),
        (ContextQuotas(facts=2), "2 facts"),
        (ContextQuotas(entities=2), "2 entities"),
        (ContextQuotas(content_bytes=9), "9 bytes of episodes"),
        (ContextQuotas(claims_together=2), "2 claims about one subject"),
    ],
)
async def test_what_a_tenant_may_keep_is_bounded_and_what_is_beyond_leaves_nothing(
    sql_database: Database, quotas: ContextQuotas, what: str
) -> None:
    """Decision 0022."""
    store = SqlContextStore(sql_database, quotas)
    await declare_one(store, "note")
    subjects = ["Kahuna", "Wave", "Tsunami"] if quotas.entities == 2 else ["Kahuna"] * 3
    for n in range(2):
        await say(store, fact(subjects[n], "note", "same", "2026-01-01"), source=str(n), content="text") if quotas.facts > 2 else None
    if quotas.facts == 2:
        await say(store, fact("Kahuna", "note", "one"), fact("Wave", "note", "two"))
    before = await believed(store)
    with pytest.raises(ContextRefused, match=what) as refused:
        await say(store, fact(subjects[2], "note", "another", "2026-02-01"), source="more", content="more text")
    assert refused.value.failure.code == "quota_exceeded"
    assert await believed(store) == before
    await say(store, fact("Kahuna", "note", "theirs"), by=ADA.__class__("globex", "ada", "c", frozenset(), "g"))


async def test_a_predicate_that_is_declared_later_is_worked_out_anew_by_and_by(
    store: SqlContextStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 14: predicates that change from one to many, and back."""
    for n in range(3):
        await say(store, fact(f"Account {n}", "stage", "open", "2026-01-01"), fact(f"Account {n}", "stage", "won", "2026-02-01"))
    many = await believed(store)
    monkeypatch.setattr(predicates, "MAX_AT_ONCE", 2)
    with pytest.raises(ContextRefused, match="3 subjects have a 'stage'"):
        await declare_one(store, "stage")
    assert await believed(store) == many
    await predicates.declare_by_and_by(store, "acme", "Stage", "one")
    assert [each for each in await believed(store) if "open" in each] == [
        f"Account {n} stage open [2026-01-01, 2026-02-01)" for n in range(3)
    ]
    await predicates.declare_by_and_by(store, "acme", "stage", "many")
    assert await believed(store) == many


async def test_what_contradicts_with_equal_right_is_a_conflict_and_both_stay(store: SqlContextStore) -> None:
    await declare_one(store, "stage")
    for source, value in (("crm", "open"), ("gong", "won")):
        [said] = await say(store, fact("Kahuna", "stage", value, "2026-01-01"), source=source, occurred_at="2026-01-02")
    news = await store.facts_since("acme", 0, 100)
    [other] = [each.fact for each in news.facts if each.fact.retired_at_us is None and each.said == "open"]
    assert said["conflict"] == [id_text(FACT, other.fact_id)]
    assert (said["added"], said["superseded"]) == (True, [])
    assert await believed(store) == ["Kahuna stage open ? [2026-01-01, )", "Kahuna stage won ? [2026-01-01, )"]


async def test_what_is_outranked_is_on_record_and_believed_when_the_stronger_word_goes(store: SqlContextStore) -> None:
    await declare_one(store, "stage")
    [stronger] = await say(store, fact("Kahuna", "stage", "won", "2026-01-01"), source="crm", occurred_at="2026-01-03")
    [weaker] = await say(store, fact("Kahuna", "stage", "open", "2026-01-01"), source="gong", occurred_at="2026-01-02")
    assert (weaker["outcome"], weaker["id"], weaker["outranked_by"]) == ("outranked", None, [stronger["id"]])
    await context_retract(store, ADA, {"fact_id": stronger["id"]})
    assert await believed(store) == ["Kahuna stage open [2026-01-01, )"]


async def test_private_rows_never_mix_with_what_everybody_believes(store: SqlContextStore) -> None:
    """Context contract §1: belief of one (audience, subject, predicate)."""
    await declare_one(store, "stage")
    await say(store, fact("Kahuna", "stage", "open", "2026-01-01"))
    [mine] = await say(store, fact("Kahuna", "stage", "lost", "2026-02-01"), private=True)
    assert (mine["added"], mine["superseded"]) == (True, [])
    assert await believed(store) == ["Kahuna stage lost [2026-02-01, )", "Kahuna stage open [2026-01-01, )"]
