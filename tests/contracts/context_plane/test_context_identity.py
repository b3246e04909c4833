"""Who is who, in both databases: by keys and names, and by links that can be undone (context contract §1, Identity)."""

from typing import Any

import pytest

from server.storage.context_plane.context_store import SqlContextStore
from server.storage.database import Database
from tests.tools.context_plane.saying import believed, fact, say
from tools.context_plane.errors import ContextRefused
from tools.context_plane.identity.keys import Mention
from tools.context_plane.identity.linking import referred
from tools.context_plane.identity.merging import merge, unmerge
from tools.context_plane.identity.proposals import proposals_for
from tools.context_plane.stores import ContextRows


@pytest.fixture
def store(sql_database: Database) -> SqlContextStore:
    return SqlContextStore(sql_database)


def account(name: str, **keys: Any) -> dict[str, Any]:
    return {"kind": "account", "name": name, "keys": keys}


def person(name: str, **keys: Any) -> dict[str, Any]:
    return {"kind": "person", "name": name, "keys": keys}


async def entities_after(store: SqlContextStore, *subjects: Any) -> list[int]:
    """Assert something of each subject, one source each, and return how many entities there are after each."""
    counts = []
    for n, subject in enumerate(subjects):
        await say(store, fact(subject, "note", f"note {n}"), source=f"source {n}")
        counts.append(await store.read("acme", lambda rows: rows.kept().entities))
    return counts


async def who(store: SqlContextStore, name: str, kind: str = "") -> tuple[int, ...]:
    return await store.read("acme", lambda rows: referred(rows, Mention(name=name, kind=kind), None))


@pytest.mark.parametrize(
    ("subjects", "entities"),
    [
        ([account("Kahuna Inc."), account("KAHUNA")], [1, 1]),
        ([account("Kahuna"), {"kind": "team", "name": "Kahuna"}], [1, 2]),
        ([account("Kahuna", crm="1"), account("Big Kahuna", crm="1"), "big kahuna"], [1, 1, 1]),
        ([account("Kahuna", crm="1"), account("Kahuna", crm="2")], [1, 2]),
        ([account("Kahuna", crm="1"), account("Kahuna", gong="2"), account("Other name", gong="2")], [1, 1, 1]),
        ([account("Kahuna", phone="123"), account("Wave", phone="123")], [1, 2]),
        ([account("Kahuna", phone="123"), account("Kahuna", phone="456")], [1, 2]),
        ([account("Kahuna", alias="the whale"), account("The Whale")], [1, 1]),
        (["Kahuna", "kahuna", account("Kahuna"), account("kahuna"), "Kahuna"], [1, 1, 1, 1, 1]),
        (["Kahuna", account("Kahuna"), {"kind": "team", "name": "Kahuna"}], [1, 1, 2]),
        (["Dana", person("Dana", email="dana@a.example")], [1, 2]),
        ([person("Dana", email="dana@a.example"), person("Dana"), person("Dana", email="DANA@A.example")], [1, 2, 2]),
        ([person("Dana", email="dana@a.example"), "Dana"], [1, 1]),
        ([{"kind": "person", "keys": {"email": "dana@a.example"}}, person("Dana", email="dana@a.example")], [1, 1]),
    ],
)
async def test_the_same_key_or_the_same_kind_and_name_without_a_conflict(
    store: SqlContextStore, subjects: list[Any], entities: list[int]
) -> None:
    """Facts §2.3: equal name and no conflicting key: 100 % precise; §8: people by their keys."""
    assert await entities_after(store, *subjects) == entities


async def test_people_are_told_apart_by_name_within_one_source_only(store: SqlContextStore) -> None:
    for source in ("gong", "gong", "crm"):
        await say(store, fact(person("Dana"), "note", f"in {source}"), source=source)
    assert await store.read("acme", lambda rows: rows.kept().entities) == 2


async def test_a_name_that_several_bear_is_refused_and_nothing_of_the_fact_is_kept(store: SqlContextStore) -> None:
    for key in ("1", "2"):
        await say(store, fact(account("Kahuna", crm=key), "note", key))
    before = await store.read("acme", lambda rows: rows.kept())
    [one, other] = await say(store, fact("Somebody new", "works at", account("Kahuna")), fact("Wave", "note", "3"))
    assert "'Kahuna' may be any of ent_" in one["refused"]["why"]
    assert other["added"]
    after = await store.read("acme", lambda rows: rows.kept())
    assert (after.entities, after.claims) == (before.entities + 1, before.claims + 1)


async def test_an_id_that_names_nobody_is_refused(store: SqlContextStore) -> None:
    [one] = await say(store, fact("ent_123", "note", "x"))
    assert one["refused"]["why"].startswith("there is no such entity")


async def two(store: SqlContextStore) -> tuple[int, int]:
    """Make two accounts that know of each other, and return them."""
    await say(store, fact("Kahuna", "note", "one"), fact("Wave", "partner of", account("Kahuna Group")), source="crm")
    await say(store, fact(account("Kahuna Group"), "note", "one"), fact(account("Kahuna Group"), "note", "two"), source="gong")
    [kahuna], [group] = await who(store, "Kahuna"), await who(store, "Kahuna Group")
    return kahuna, group


async def test_a_link_moves_what_is_known_and_undoing_it_gives_it_back(store: SqlContextStore) -> None:
    """Facts §2.2: a wrong merge that cannot be undone."""
    kahuna, group = await two(store)
    before = await believed(store)
    await store.change("acme", lambda rows: merge(rows, group, kahuna, "ada"))
    assert await believed(store) == ["Kahuna note one [, )", "Kahuna note two [, )", "Wave partner of Kahuna [, )"]
    assert await who(store, "Kahuna Group") == (kahuna,)
    await say(store, fact("Kahuna Group", "note", "three"), source="mail")
    assert "Kahuna note three [, )" in await believed(store)
    await store.change("acme", lambda rows: unmerge(rows, group))
    assert await believed(store) == sorted([*before, "Kahuna Group note three [, )"])
    [link] = await store.read("acme", lambda rows: rows.links_of([kahuna]))
    assert (link.by, link.into_id, link.unlinked_at_us is None) == ("ada", kahuna, False)


async def test_entities_never_stand_for_each_other(store: SqlContextStore) -> None:
    kahuna, group = await two(store)
    [wave] = await who(store, "Wave")
    await store.change("acme", lambda rows: merge(rows, group, kahuna, "ada"))
    await store.change("acme", lambda rows: merge(rows, kahuna, wave, "ada"))
    for one, into in ((wave, group), (wave, kahuna), (wave, wave), (group, wave)):
        with pytest.raises(ContextRefused) as refused:
            await store.change("acme", lambda rows, one=one, into=into: merge(rows, one, into, "ada"))  # type: ignore[misc]
        assert refused.value.failure.code == "conflict"
    with pytest.raises(ContextRefused, match="no such entity"):
        await store.change("acme", lambda rows: merge(rows, wave, 1, "ada"))
    with pytest.raises(ContextRefused, match="is merged into no other"):
        await store.change("acme", lambda rows: unmerge(rows, wave))


async def test_what_is_weaker_than_a_link_is_proposed(store: SqlContextStore) -> None:
    """Facts §2.3: trigrams of .5 and more, or a shared weak key."""
    names = ["Kahuna", "Kahuna Group", "Wave", "Tsunami"]
    keys = [{"crm": "1", "domain": "kahuna.example"}, {}, {"domain": "KAHUNA.example"}, {"crm": "9"}]
    for name, has in zip(names, keys, strict=True):
        await say(store, fact(account(name, **has), "note", name))
    await say(store, fact(account("Kahuna", crm="2"), "note", "a second record"))
    [kahuna] = await who(store, "Kahuna Group")

    def proposed(rows: ContextRows) -> list[tuple[str, bool]]:
        [first] = rows.entities_by_key([("crm", "1")])[("crm", "1")]
        return [(each.other.name, each.is_in_conflict) for each in proposals_for(rows, first, None)]

    assert await store.read("acme", proposed) == [("Wave", False), ("Kahuna Group", False), ("Kahuna", True)]
    assert kahuna
