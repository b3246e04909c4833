"""What one person may have on record, beside what the tenant may, in both databases; and what is not theirs to say for all."""

import pytest

from oauth.principal import Principal
from server.storage.context_plane.context_store import SqlContextStore
from server.storage.database import Database
from tests.tools.context_plane.saying import ADA, believed, fact, say
from tools.context_plane.assertion import context_assert
from tools.context_plane.errors import ContextRefused
from tools.context_plane.forgetting.forgetting import Forgetting
from tools.context_plane.ids import person_number
from tools.context_plane.quotas import ContextQuotas, KeptByPerson
from tools.context_plane.retraction import context_retract

BOB = Principal("acme", "bob", "client", frozenset(), "grant")
EVE = Principal("globex", "ada", "client", frozenset(), "grant")
OPERATOR = Principal("acme", "", "ascend", frozenset(), "", "local")


async def kept_by(store: SqlContextStore, who: Principal = ADA) -> KeptByPerson:
    return await store.read(who.tenant_id, lambda rows: rows.kept_by(person_number(who.subject)))


async def test_who_has_asserted_enough_is_told_what_to_do_and_others_go_on(sql_database: Database) -> None:
    store = SqlContextStore(sql_database, ContextQuotas(person_claims=3, person_content_bytes=10))
    await say(store, *(fact("Kahuna", "note", str(n)) for n in range(3)), source="gong", content="ten bytes!")
    for content in ("", "!"):
        with pytest.raises(ContextRefused, match="of one person is used up; nothing was kept") as refused:
            await say(store, fact("Kahuna", "note", "more"), source="mail", content=content)
        assert refused.value.failure.code == "quota_exceeded"
        assert "context_forget" in str(refused.value.failure.hint)
    assert len(await believed(store)) == 3
    for other in (BOB, EVE, OPERATOR, OPERATOR):
        await say(store, *(fact("Kahuna", "note", f"{other.subject} {n}") for n in range(2)), by=other, content="a!")
    with pytest.raises(ContextRefused, match="the quota of 3 claims of one person"):
        await say(store, fact("Kahuna", "note", "x"), fact("Kahuna", "note", "y"), by=BOB, private=True)


async def test_what_is_forgotten_gives_its_share_back_to_whoever_asserted_it(sql_database: Database) -> None:
    store = SqlContextStore(sql_database)
    [said, *_] = await say(store, fact("Kahuna", "stage", "open"), fact("Wave", "stage", "won"), source="crm", content="1234")
    await say(store, fact("Kahuna", "owner", "Lee"), by=BOB, source="crm", content="1234")
    assert (await kept_by(store), await kept_by(store, BOB)) == (KeptByPerson(2, 4), KeptByPerson(1, 0))
    await context_retract(store, BOB, {"fact_id": said["id"], "at": "2026-01-01", "reason": "lost"})
    assert (await kept_by(store), await kept_by(store, BOB)) == (KeptByPerson(3, 4), KeptByPerson(1, 4))
    await Forgetting(store)(BOB, {"entity": "Kahuna"})
    assert (await kept_by(store), await kept_by(store, BOB)) == (KeptByPerson(1, 0), KeptByPerson(0, 0))
    await Forgetting(store)(BOB, {"source": "crm"})
    assert await kept_by(store) == KeptByPerson(0, 0)


async def test_a_private_assertion_declares_nothing_for_others(sql_database: Database) -> None:
    store = SqlContextStore(sql_database)
    one = {"facts": [fact("Kahuna", "stage", "open")], "predicates": {"stage": "one"}}
    with pytest.raises(ContextRefused, match="holds for everybody") as refused:
        await context_assert(store, ADA, {**one, "private": True})
    assert [fault["path"] for fault in refused.value.failure.faults] == ["predicates.stage"]
    assert await believed(store) == []
    await context_assert(store, ADA, one)
    await context_assert(store, ADA, {**one, "private": True})
    with pytest.raises(ContextRefused, match="holds for everybody"):
        await context_assert(store, ADA, {**one, "private": True, "predicates": {"stage": "many"}})
    assert await store.read("acme", lambda rows: rows.cardinalities(["stage"])) == {"stage": "one"}
