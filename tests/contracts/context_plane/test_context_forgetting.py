"""context_forget in both databases: nothing is left of what is forgotten, and the rest is as if it had never been."""

import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import make_url, text

from oauth.principal import Principal
from server.storage.context_plane.context_store import SqlContextStore
from server.storage.database import Database
from server.storage.tools.kept_calls import SqlPlanStore, SqlResultStore, forget_answers
from tests.tools.context_plane.saying import ADA, believed, declare_one, fact, say
from tools.context_plane.errors import ContextRefused
from tools.context_plane.forgetting import forgetting
from tools.context_plane.forgetting.forgetting import Forgetting
from tools.context_plane.ids import EPISODE, id_text
from tools.context_plane.stores import ContextRows

OPERATOR = Principal("acme", "operator", "command", frozenset({"mcp:*"}), "grant", "local")
DANA = {"kind": "person", "name": "Dana Quillfeather", "keys": {"email": "dana.quillfeather@kahuna.example"}}


@pytest.fixture
def store(sql_database: Database) -> SqlContextStore:
    return SqlContextStore(sql_database)


async def forget(store: SqlContextStore, by: Principal = ADA, **arguments: Any) -> Mapping[str, int]:
    answer = await Forgetting(store)(by, arguments)
    assert answer["is_all"]
    return dict(answer["rows"])


async def kept(store: SqlContextStore) -> tuple[int, int, int, int]:
    def counted(rows: ContextRows) -> tuple[int, int, int, int]:
        has = rows.kept()
        return has.facts, has.claims, has.entities, has.content_bytes

    return await store.read("acme", counted)


async def test_what_a_forgotten_episode_had_cut_is_believed_again(store: SqlContextStore) -> None:
    await declare_one(store, "stage")
    await say(store, fact("Kahuna", "stage", "open", "2026-01-01"), source="crm")
    before = await kept(store)
    await say(store, fact("Kahuna", "stage", "won", "2026-03-01"), source="gong", content="we won")
    rows = await forget(store, source="gong")
    assert rows == {"episodes": 1, "claims": 1, "facts": 1}
    assert await believed(store) == ["Kahuna stage open [2026-01-01, )"]
    facts, *others = await kept(store)
    assert (facts, *others) == (before[0] + 2, *before[1:]), "what was believed meanwhile of Kahuna is on record"


async def test_a_fact_that_others_say_too_stays_and_names_them_alone(store: SqlContextStore) -> None:
    await say(store, fact("Kahuna", "champion", "Dana"), source="crm")
    await say(store, fact("Kahuna", "champion", "Dana"), source="gong")
    await forget(store, source="gong")
    news = await store.facts_since("acme", 0, 100)
    assert {each.sources for each in news.facts} == {("crm",)}
    assert await believed(store) == ["Kahuna champion Dana [, )"]


async def test_an_index_that_follows_is_told_what_is_gone(store: SqlContextStore) -> None:
    [said] = await say(store, fact("Kahuna", "champion", "Dana"), source="crm")
    at = (await store.facts_since("acme", 0, 100)).revision
    await forget(store, source="crm")
    news = await store.facts_since("acme", at, 100)
    assert len(news.gone) == 1
    assert news.facts == ()
    assert (await store.facts_since("acme", news.revision, 100)).gone == ()
    assert said["id"]


async def test_entities_of_which_nothing_is_known_any_more_go_too(store: SqlContextStore) -> None:
    await say(store, fact("Kahuna", "champion", DANA), source="gong")
    assert await forget(store, source="gong") == {"episodes": 1, "claims": 1, "facts": 1, "entities": 2, "entity_keys": 1}
    assert await kept(store) == (0, 0, 0, 0)


async def test_a_dry_run_counts_what_would_go_and_nothing_goes(store: SqlContextStore) -> None:
    for n in range(3):
        await say(store, fact(f"Account {n}", "note", f"note {n}"), source="gong", source_id=str(n))
    would = await forget(store, source="gong", dry_run=True)
    assert would["claims"] == 3
    assert len(await believed(store)) == 3
    assert await forget(store, source="gong") == would


async def test_what_takes_several_transactions_is_forgotten_whole(store: SqlContextStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(5):
        await say(store, fact("Kahuna", f"field {n}", "x"), fact("Wave", "note", f"note {n}"), source="gong", source_id=str(n))
    await say(store, fact("Wave", "partner of", {"kind": "account", "name": "Kahuna"}), source="crm")
    monkeypatch.setattr(forgetting, "CLAIMS_AT_ONCE", 2)
    monkeypatch.setattr(forgetting, "EPISODES_AT_ONCE", 2)
    assert (await forget(store, entity="Kahuna"))["claims"] == 6
    assert await believed(store) == [f"Wave note note {n} [, )" for n in range(5)]
    assert (await forget(store, source="gong"))["claims"] == 5
    assert await kept(store) == (0, 0, 0, 0)


@pytest.mark.parametrize("sql_database", ["sqlite"], indirect=True)
async def test_no_byte_of_a_forgotten_person_is_left_in_the_files_of_the_store(store: SqlContextStore, sql_database: Database) -> None:
    """Issue 14: bytes of the subject left in the store and its write-ahead log: 0."""
    await declare_one(store, "champion")
    other = [fact(f"Account {n}", "note", f"nothing about her {n} {'x' * 500}") for n in range(200)]
    for n in range(3):
        await say(
            store,
            *other[n * 50 : n * 50 + 50],
            fact("Kahuna", "champion", DANA, f"2026-0{n + 1}-01"),
            fact("Kahuna", "champion", "Somebody Else", f"2026-0{n + 1}-15"),
            fact(DANA, "mood", "undecided about QUILLFEATHER brand pens"),
            fact("Kahuna", "next step", "call Dana Quillfeather on Monday"),
            source="gong",
            source_id=f"call with Dana Quillfeather {n}",
            author="Dana Quillfeather",
            url="https://gong.example/dana.quillfeather",
            content="DANA QUILLFEATHER: I am leaving. " * 200,
        )
    await say(store, fact("Kahuna", "note", "private word on Dana Quillfeather"), private=True)
    path = Path(make_url(sql_database.url).database or "")
    assert b"uillfeather" in bytes_of(path)
    rows = await forget(store, entity=DANA)
    assert rows["entities"] == 1
    left = bytes_of(path).lower()
    # "QUILLFEATHER brand pens" went as a fact about her; no other text of hers is left.
    assert b"quillfeather" not in left
    assert b"nothing about her 7 " in left
    assert "Kahuna champion Somebody Else [2026-01-15, )" in await believed(store), "what she had cut is one again"


async def test_answers_that_calls_left_behind_may_quote_it_and_go_too(store: SqlContextStore, sql_database: Database) -> None:
    results, plans = SqlResultStore(sql_database), SqlPlanStore(sql_database)
    other = Principal("globex", "ada", "client", frozenset(), "grant")
    handles = [await results.put(who, b"Dana Quillfeather", "text/plain", 60) for who in (ADA, other)]
    plan = await plans.open(ADA, b"Dana Quillfeather", 60)
    await plans.save_step(ADA, plan, "first", b"Dana Quillfeather")
    await say(store, fact("Kahuna", "champion", DANA))
    await Forgetting(store, cleans=[partial(forget_answers, sql_database)])(ADA, {"entity": DANA})
    assert await results.get(ADA, handles[0]) is None
    assert await results.get(other, handles[1]) is not None
    assert await plans.load(ADA, plan) is None


def bytes_of(path: Path) -> bytes:
    return b"".join(each.read_bytes() for each in sorted(path.parent.glob(f"{path.name}*")))


async def test_what_others_say_in_the_same_episode_stays(store: SqlContextStore) -> None:
    said = [fact("Kahuna", "champion", DANA), fact("Kahuna", "stage", "open")]
    await say(store, *said, source="gong", source_id="7", content="Dana Quillfeather says it is open")
    rows = await forget(store, entity=DANA)
    assert rows["contents of episodes"] == 1
    assert await believed(store) == ["Kahuna stage open [, )"]
    await say(store, fact("Kahuna", "stage", "open"), source="crm")
    assert (await kept(store))[3] == 0


async def test_private_rows_go_with_their_audience_and_nobody_elses(store: SqlContextStore) -> None:
    bob = Principal("acme", "bob", "client", frozenset(), "grant")
    await say(store, fact("Kahuna", "champion", "Dana"))
    await say(store, fact("Kahuna", "champion", "Eve"), private=True)
    await say(store, fact("Kahuna", "champion", "Fay"), by=bob, private=True)
    with pytest.raises(ContextRefused, match="there is no such audience"):
        await forget(store, audience="bob")
    assert (await forget(store, audience="ada"))["claims"] == 1
    assert await believed(store) == ["Kahuna champion Dana [, )", "Kahuna champion Fay [, )"]
    assert (await forget(store, by=OPERATOR, audience="bob"))["claims"] == 1


async def test_somebody_elses_private_episodes_look_like_none(store: SqlContextStore) -> None:
    from_bob = Principal("acme", "bob", "client", frozenset(), "grant")
    await say(store, fact("Kahuna", "champion", "Fay"), by=from_bob, private=True, source="diary")
    episodes = await store.read("acme", lambda rows: rows.episodes_from("diary", None, 9))
    for episode in (id_text(EPISODE, episodes[0]), "epi_1", "nothing"):
        with pytest.raises(ContextRefused, match="there is no such episode"):
            await forget(store, episode=episode)
    assert await forget(store, source="diary") == {}
    assert (await forget(store, by=OPERATOR, source="diary"))["claims"] == 1


BOB = Principal("acme", "bob", "client", frozenset(), "grant")
SECRET = "My diary: DANA Quillfeather, dana.quillfeather@kahuna.example, told me that she looks for a house. Buy milk."


async def what_bob_keeps(store: SqlContextStore) -> None:
    """Have bob keep private facts about Dana, whom everybody knows, and texts and values that name her."""
    await say(store, fact(DANA, "salary", "90 k"), fact("Bob", "likes", "milk"), by=BOB, private=True, source="diary", content=SECRET)
    await say(store, fact("Bob", "plan", "lunch with Dana Quillfeather, tomorrow"), by=BOB, private=True, author="Dana Quillfeather")


async def test_an_entity_is_forgotten_in_what_others_keep_in_private_and_the_rest_of_it_stays_theirs(store: SqlContextStore) -> None:
    """Decision 0056."""
    await say(store, fact("Kahuna", "champion", DANA))
    await what_bob_keeps(store)
    await forget(store, entity=DANA)
    black = "█" * len("Dana Quillfeather")
    assert await believed(store) == ["Bob likes milk [, )", f"Bob plan lunch with {black}, tomorrow [, )"]
    left = await store.read("acme", lambda rows: rows.episodes(rows.episodes_from(None, ("bob",), 9)))
    contents = {each.content for each in left.values()}
    told = f"My diary: {black}, {'█' * len('dana.quillfeather@kahuna.example')}, told me that she looks for a house. Buy milk."
    assert contents == {told, ""}
    assert {each.author for each in left.values()} <= {black, ""}


async def test_whoever_forgets_is_told_the_same_whether_others_keep_something_or_not(store: SqlContextStore) -> None:
    answers = []
    for tenant_id, has_secret in (("acme", True), ("globex", False)):
        ada, bob = (Principal(tenant_id, who, "client", frozenset(), "grant") for who in ("ada", "bob"))
        await say(store, fact("Kahuna", "champion", DANA), by=ada)
        if has_secret:
            await say(store, fact(DANA, "salary", "90 k"), by=bob, private=True, content=SECRET)
        answers += [await Forgetting(store)(ada, {"entity": DANA, "dry_run": is_dry}) for is_dry in (True, False)]
    assert answers[:2] == answers[2:]
    assert "private facts of others about it go too" in answers[0]["note"]
    assert answers[1]["rows"] == {"claims": 1, "entities": 2, "entity_keys": 1, "episodes": 1, "facts": 1}


@pytest.mark.parametrize("sql_database", ["sqlite"], indirect=True)
async def test_no_byte_of_the_name_is_left_in_what_others_keep(store: SqlContextStore, sql_database: Database) -> None:
    await say(store, fact("Kahuna", "champion", DANA))
    await what_bob_keeps(store)
    await forget(store, entity=DANA)
    left = bytes_of(Path(make_url(sql_database.url).database or ""))
    assert b"uillfeather" not in left.lower()
    assert b"Buy milk" in left


@pytest.mark.parametrize("sql_database", ["postgresql"], indirect=True)
async def test_no_byte_is_left_in_tables_that_are_written_anew(store: SqlContextStore, sql_database: Database) -> None:
    """PostgreSQL frees rows and keeps their bytes, until somebody asks for more."""
    folder = Path(parse_qs(urlsplit(sql_database.url).query)["host"][0]) / "data" / "base"

    async def is_there(word: bytes) -> bool:
        async with sql_database._reader.connect() as connection:
            await connection.execute(text("CHECKPOINT"))
        return any(word in each.read_bytes() for each in folder.rglob("*") if each.is_file())

    for n in range(30):
        await say(store, fact(f"Account {n}", "note", f"quite another thing {n}"), fact("Kahuna", f"quote {n}", "Zappelin said so"))
    assert await is_there(b"Zappelin")
    await forget(store, entity="Kahuna")
    await store.scrub()
    assert not await is_there(b"Zappelin said")
    assert await is_there(b"quite another thing")


async def test_numbers_of_forgotten_facts_go_some_at_a_time_once_no_index_needs_them(store: SqlContextStore) -> None:
    for n in range(5):
        await say(store, fact("Kahuna", f"field {n}", "x"), source="gong", source_id=str(n))
    await forget(store, source="gong")
    assert await store.forget_tombstones_before(1_000)
    assert len((await store.facts_since("acme", 0, 100)).gone) == 5
    later = time.time_ns() // 1000 + 60_000_000
    assert [await store.forget_tombstones_before(later, 2) for _ in range(3)] == [False, False, True]
    assert (await store.facts_since("acme", 0, 100)).gone == ()


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"source": "crm", "documents": True},
        {"entity": "Kahuna", "source": "crm"},
        {"source": "", "dry_run": "yes"},
        {"who": "x", "entity": "y"},
    ],
)
async def test_what_is_to_be_forgotten_is_said_once(store: SqlContextStore, arguments: dict[str, Any]) -> None:
    with pytest.raises(ContextRefused) as refused:
        await forget(store, **arguments)
    assert refused.value.failure.code == "invalid_arguments"


async def test_a_name_that_several_bear_forgets_nobody(store: SqlContextStore) -> None:
    for key in ("1", "2"):
        await say(store, fact({"kind": "account", "name": "Kahuna", "keys": {"crm": key}}, "stage", "open"))
    with pytest.raises(ContextRefused, match="'Kahuna' may be any of ent_") as refused:
        await forget(store, entity="Kahuna")
    assert refused.value.failure.code == "conflict"
    assert len(await believed(store)) == 2
