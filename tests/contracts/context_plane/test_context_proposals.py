"""Who may be one with whom, in both databases: found beside the calls, thought about by a model, decided by somebody, undone, forgotten."""

from typing import Any

import pytest
from sqlalchemy import select

from oauth.principal import Principal
from server.storage.context_plane import pairs as pairs_module
from server.storage.context_plane.context_store import SqlContextStore
from server.storage.context_plane.pairs import SqlPairStore
from server.storage.database import Database
from server.storage.schema.context_tables import identity_pairs
from tests.tools.context_plane.saying import ADA, believed, fact, say
from tools.context_plane.errors import ContextRefused
from tools.context_plane.forgetting.forgetting import Forgetting
from tools.context_plane.identity.decisions import context_link
from tools.context_plane.identity.finding import PairFinder
from tools.context_plane.identity.listing import ProposalList
from tools.context_plane.identity.pair import Pair
from tools.context_plane.ids import ENTITY, id_text

BOB = Principal("acme", "bob", "client", frozenset(), "grant")
EVE = Principal("globex", "eve", "client", frozenset(), "grant")


class Known:
    """One tenant's context and its proposals."""

    def __init__(self, database: Database) -> None:
        self.store, self.pairs, self.database = SqlContextStore(database), SqlPairStore(database), database
        self.proposals = ProposalList(self.store, self.pairs)

    async def listed(self, by: Principal = ADA, **given: Any) -> list[dict[str, Any]]:
        return [dict(each) for each in (await self.proposals(by, given)).shown]

    async def link(self, one: str, other: str, decision: str, by: Principal = ADA) -> dict[str, Any]:
        return await context_link(self.store, by, {"entity": one, "other": other, "decision": decision})

    async def claimed(self, now_us: int = 10) -> Pair:
        pair = await self.pairs.claim("acme", now_us, now_us + 1_000)
        assert pair is not None
        return pair


@pytest.fixture
def known(sql_database: Database) -> Known:
    return Known(sql_database)


async def two_kahunas(known: Known) -> tuple[str, str]:
    """Have two accounts on record whose names are alike; return their ids."""
    for name in ("Kahuna Holding", "Kahuna Holdings"):
        await say(known.store, fact({"kind": "account", "name": name}, "stage", "open"), source=name)
    [found] = await known.listed(limit=1)
    ids = {found[side]["name"]: found[side]["id"] for side in ("entity", "other")}
    return ids["Kahuna Holding"], ids["Kahuna Holdings"]


async def test_names_that_are_alike_and_a_telephone_in_common_are_proposed_and_the_rest_is_not(known: Known) -> None:
    person = {"kind": "person", "keys": {"phone": "+49 30 1"}}
    await say(
        known.store, fact({**person, "name": "Dana Reyes"}, "mood", "fine"), fact({"kind": "account", "name": "Wave"}, "stage", "won")
    )
    await say(known.store, fact({**person, "name": "D. R."}, "mood", "bad"), source="other")
    one, other = await two_kahunas(known)
    shown = {frozenset((each["entity"]["name"], each["other"]["name"])): each for each in await known.listed()}
    assert shown.keys() == {frozenset({"Dana Reyes", "D. R."}), frozenset({"Kahuna Holding", "Kahuna Holdings"})}
    assert shown[frozenset({"Dana Reyes", "D. R."})]["shared_keys"] == [["phone", "+49301"]]
    assert [each["similarity"] for each in await known.listed(entity=one)] == [0.82]
    assert await known.listed(EVE) == []
    assert other.startswith("ent_")


async def test_two_that_are_decided_to_be_one_are_until_that_is_undone(known: Known) -> None:
    one, other = await two_kahunas(known)
    before = await believed(known.store)
    await known.link(one, other, "same")
    assert await believed(known.store) == ["Kahuna Holdings stage open [, )"]
    assert await known.listed() == []
    [decided] = await known.listed(decided=True)
    assert (decided["decision"], decided["decided_by"]) == ("same", "ada")
    assert len(await known.listed(entity=other, decided=True)) == 1
    for step in ("same", "different"):
        with pytest.raises(ContextRefused, match=r"merged into|are one now"):
            await known.link(one, other, step)
    await known.link(one, other, "undo")
    assert await believed(known.store) == before
    assert len(await known.listed()) == 1
    with pytest.raises(ContextRefused, match="nothing was decided"):
        await known.link(one, other, "undo")


async def test_two_that_are_decided_to_be_two_are_proposed_no_more(known: Known) -> None:
    one, other = await two_kahunas(known)
    await known.link(one, other, "different")
    await say(known.store, fact({"kind": "account", "name": "Kahuna Holding"}, "owner", "Lee"))
    assert await known.listed() == await known.listed(entity=one) == []
    assert await known.pairs.claim("acme", 10, 20) is None
    await known.link(other, one, "undo")
    assert len(await known.listed()) == 1


async def test_what_only_private_facts_speak_of_is_proposed_to_nobody_and_linked_to_nobody(known: Known) -> None:
    await say(known.store, fact({"kind": "account", "name": "Kahuna Holding"}, "stage", "open"))
    await say(known.store, fact({"kind": "account", "name": "Kahuna Holdings"}, "price", "9 m"), private=True)
    assert await known.listed() == await known.listed(BOB) == await known.listed(BOB, entity="Kahuna Holding") == []
    [own] = await known.listed(entity="Kahuna Holding")
    first, second = (own[side]["id"] for side in ("entity", "other"))
    with pytest.raises(ContextRefused, match="would tell its name"):
        await known.link(first, second, "same")
    for by in (BOB, EVE):
        with pytest.raises(ContextRefused, match="there is no such entity"):
            await known.link(first, second, "same", by)


async def test_a_pair_is_asked_about_once_for_what_is_known_of_it_by_one_node(known: Known) -> None:
    await two_kahunas(known)
    pair = await known.claimed()
    assert await known.pairs.claim("acme", 11, 20) is None
    await known.pairs.judged("acme", pair, "same", "one letter differs", "m")
    await say(known.store, fact({"kind": "account", "name": "Kahuna Holding"}, "owner", "Lee"))
    [shown] = await known.listed()
    assert (shown["verdict"], shown["reason"], shown["judged_by"]) == ("same", "one letter differs", "m")
    assert await known.pairs.claim("acme", 10**18, 10**18) is None
    assert await known.pairs.asked_since("acme", 0) == 1
    await say(known.store, fact({"kind": "account", "name": "Kahuna Holding", "keys": {"crm": "7"}}, "owner", "Kim"))
    assert (await known.listed())[0]["verdict"] is None
    assert (await known.claimed()).attempts == 1


async def test_of_one_that_is_merged_the_other_is_proposed_and_asked_about(known: Known) -> None:
    await two_kahunas(known)
    await say(known.store, fact({"kind": "account", "name": "Kahuna Holding X"}, "stage", "open"))
    pairs = {frozenset(each[side]["name"] for side in ("entity", "other")): each for each in await known.listed()}
    assert len(pairs) == 3
    first = pairs[frozenset({"Kahuna Holding", "Kahuna Holdings"})]
    await known.link(first["entity"]["id"], first["other"]["id"], "same")
    [left] = await known.listed()
    assert {left[side]["name"] for side in ("entity", "other")} == {first["other"]["name"], "Kahuna Holding X"}
    claimed = await known.claimed()
    assert await known.pairs.claim("acme", 11, 20) is None
    assert {id_text(ENTITY, each) for each in claimed.key} == {left["entity"]["id"], left["other"]["id"]}


async def test_two_records_of_one_source_are_not_asked_about(known: Known) -> None:
    for key in ("1", "2"):
        await say(known.store, fact({"kind": "account", "name": "Kahuna", "keys": {"crm": key}}, "stage", "open"))
    [shown] = await known.listed()
    assert shown["has_conflicting_keys"]
    assert await known.pairs.claim("acme", 10**18, 10**18) is None


async def test_what_a_model_thought_is_forgotten_with_the_facts_it_read(known: Known) -> None:
    one, _other = await two_kahunas(known)
    await say(known.store, fact({"kind": "account", "name": "Kahuna Holding"}, "champion", "Dana Quillfeather"), source="gong")
    first = await known.claimed()
    await Forgetting(known.store)(ADA, {"source": "gong"})
    await known.pairs.judged("acme", first, "same", "Dana Quillfeather is at both", "m")
    assert (await known.listed())[0]["reason"] is None
    again = await known.claimed(2_000)
    await known.pairs.judged("acme", again, "same", "both are open", "m")
    await Forgetting(known.store)(ADA, {"entity": one})
    async with known.database.read() as connection:
        assert (await connection.execute(select(identity_pairs))).all() == []


async def test_names_that_are_numbered_make_no_more_pairs_than_are_kept(known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs_module, "MAX_OPEN", 5)
    await say(known.store, *(fact({"kind": "deal", "name": f"Renewal number {n}"}, "stage", "open") for n in range(9)))
    assert await PairFinder(known.store, known.pairs).step("acme") == (True, True)
    assert len(await known.listed()) == 5


@pytest.mark.parametrize(
    "arguments",
    [{}, {"entity": "a", "other": "b"}, {"entity": 7, "other": None, "decision": "maybe"}, {"entity": "a", "other": "b", "x": 1}],
)
async def test_a_decision_names_two_and_what_they_are(known: Known, arguments: dict[str, Any]) -> None:
    with pytest.raises(ContextRefused) as refused:
        await context_link(known.store, ADA, arguments)
    assert refused.value.failure.code == "invalid_arguments"
