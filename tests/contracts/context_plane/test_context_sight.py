"""Who hears of whom, in both databases: of an entity that only somebody else's private facts speak of, nobody learns (contract §6)."""

from typing import Any

import pytest

from oauth.principal import Principal
from server.storage.context_plane.context_store import SqlContextStore
from server.storage.database import Database
from tests.tools.context_plane.saying import ADA, believed, fact, say
from tools.context_plane.errors import ContextRefused
from tools.context_plane.facts import Entity
from tools.context_plane.forgetting.forgetting import Forgetting
from tools.context_plane.identity.keys import Mention
from tools.context_plane.identity.linking import referred
from tools.context_plane.identity.merging import merge
from tools.context_plane.identity.proposals import proposals_for
from tools.context_plane.ids import ENTITY, id_text
from tools.context_plane.retrieval.entity_lookup import entities_meant

BOB = Principal("acme", "bob", "client", frozenset(), "grant")
OPERATOR = Principal("acme", "operator", "command", frozenset(), "grant", "local")
AUDIENCES = ("", "bob")
DOOM = {"kind": "account", "name": "Project Doom", "keys": {"crm": "77", "alias": "the end"}}


@pytest.fixture
def store(sql_database: Database) -> SqlContextStore:
    return SqlContextStore(sql_database)


async def borne(store: SqlContextStore, name: str, *audiences: str) -> list[Entity]:
    """Return whom a name may mean; to everybody's eyes where no audiences are named."""

    def read(rows: Any) -> list[Entity]:
        return [*rows.entities(referred(rows, Mention(name=name), audiences or None)).values()]

    return await store.read("acme", read)


async def test_a_key_that_was_told_to_another_alone_gives_neither_its_name_nor_its_id(store: SqlContextStore) -> None:
    await say(store, fact({**DOOM, "name": "Project Doom, to be sold"}, "budget", "2 m"), private=True)
    await say(store, fact({"kind": "account", "name": "Doom", "keys": {"crm": "77"}}, "stage", "open"), by=BOB)
    assert await believed(store) == ["Doom stage open [, )", "Project Doom, to be sold budget 2 m [, )"]


async def test_a_name_is_in_no_doubt_because_another_has_a_secret_of_that_name(store: SqlContextStore) -> None:
    for key in ("1", "2"):
        await say(store, fact({"kind": "account", "name": "Project Doom", "keys": {"crm": key}}, "budget", key), private=True)
    [said] = await say(store, fact("Project Doom", "stage", "open"), by=BOB)
    assert said["outcome"] == "added"
    assert len(await borne(store, "Project Doom")) == 3


@pytest.mark.parametrize("private", [False, True])
async def test_the_id_of_anothers_secret_is_refused_like_one_that_is_not_there(store: SqlContextStore, private: bool) -> None:
    await say(store, fact(DOOM, "budget", "2 m"), private=True)
    [secret] = await borne(store, "Project Doom")
    ids = (id_text(ENTITY, secret.entity_id), "ent_1k9qz")
    told = [await say(store, fact("Wave", "partner", each), by=BOB, private=private) for each in ids]
    assert told[0] == told[1]
    assert told[0][0]["outcome"] == "refused"


async def test_what_is_said_in_private_adds_no_name_key_or_kind_to_what_others_know(store: SqlContextStore) -> None:
    await say(store, fact("Kahuna", "stage", "open"), by=BOB)
    await say(store, fact({"kind": "takeover target", "name": "Kahuna", "keys": {"alias": "Moby Dick"}}, "price", "9 m"), private=True)
    [kahuna] = await borne(store, "Kahuna")
    assert kahuna.kind == "thing"
    assert await borne(store, "Moby Dick") == []


async def test_what_is_said_in_private_again_is_about_ones_own_whatever_others_say_meanwhile(store: SqlContextStore) -> None:
    await say(store, fact("Kahuna", "price", "9 m"), private=True)
    await say(store, fact("Kahuna", "stage", "open"), by=BOB)
    [said] = await say(store, fact("Kahuna", "price", "9 m"), private=True, source="again")
    assert said["outcome"] == "supported"


async def test_forgetting_and_proposals_do_not_tell_of_anothers_secret(store: SqlContextStore) -> None:
    await say(store, fact(DOOM, "budget", "2 m"), private=True, content="Project Doom costs 2 m.")
    [secret] = await borne(store, "Project Doom")
    for entity in ("Project Doom", "the end", id_text(ENTITY, secret.entity_id), {"keys": {"crm": "77"}}, "Nobody"):
        with pytest.raises(ContextRefused, match="there is no such entity"):
            await Forgetting(store)(BOB, {"entity": entity, "dry_run": True})
    await say(store, fact({"kind": "account", "name": "Project Doom"}, "stage", "open"), by=BOB)
    would = await Forgetting(store)(BOB, {"entity": "Project Doom"})
    assert would["rows"] == {"claims": 1, "entities": 1, "episodes": 1, "facts": 1}
    assert await believed(store) == ["Project Doom budget 2 m [, )"]
    await say(store, fact({"kind": "account", "name": "Project Boom"}, "stage", "open"), by=BOB)
    [boom] = await borne(store, "Project Boom")
    assert await store.read("acme", lambda rows: proposals_for(rows, boom.entity_id, AUDIENCES)) == []
    assert len(await store.read("acme", lambda rows: proposals_for(rows, boom.entity_id, None))) == 1
    with pytest.raises(ContextRefused, match="there is no such entity"):
        await store.read("acme", lambda rows: proposals_for(rows, secret.entity_id, AUDIENCES))
    assert (await Forgetting(store)(OPERATOR, {"entity": "Project Doom"}))["rows"]["claims"] == 1


async def test_each_of_several_names_is_nobody_or_somebody_by_itself(store: SqlContextStore) -> None:
    await say(store, fact("Kahuna", "stage", "open"), by=BOB)
    await say(store, fact(DOOM, "budget", "2 m"), private=True)
    with pytest.raises(ContextRefused) as refused:
        await store.read("acme", lambda rows: entities_meant(rows, ["Kahuna", "crm:77"], AUDIENCES))
    assert [fault["path"] for fault in refused.value.failure.faults] == ["entities[1]"]
    assert len(await store.read("acme", lambda rows: entities_meant(rows, ["Kahuna", "crm:77"], ("", ADA.subject)))) == 2


async def test_a_secret_that_is_one_with_what_all_know_is_known_to_all(store: SqlContextStore) -> None:
    await say(store, fact("Kahuna", "stage", "open"), by=BOB)
    await say(store, fact(DOOM, "budget", "2 m"), private=True)
    [kahuna], [doom] = await borne(store, "Kahuna"), await borne(store, "Project Doom")
    await store.change("acme", lambda rows: merge(rows, doom.entity_id, kahuna.entity_id, "operator"))
    assert await borne(store, "Project Doom", *AUDIENCES) == [kahuna]
