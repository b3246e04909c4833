"""context_query: what is true when, as it was believed when, for whom, and from where."""

import time
from pathlib import Path
from typing import Any

import pytest

from tests.tools.context_plane.retrieval.conftest import BOB, EVE, Known, knowing
from tests.tools.context_plane.saying import fact
from tools.context_plane.errors import ContextRefused
from tools.context_plane.times import time_text


async def kahuna(known: Known) -> None:
    """Dana was the champion at Kahuna until March, and Lee has been since."""
    await known.one("champion")
    await known.say(fact("Kahuna", "champion", "Dana Reyes", "2026-01-10"), source="crm", source_id="1", url="https://crm.example/1")
    await known.say(fact("Kahuna", "champion", "Lee Wong", "2026-03-01"), source="gong", source_id="call-7", content="Lee took over.")
    await known.say(
        fact("Kahuna", "stage", "negotiation", "2026-02-01"), fact("Globex", "champion", "Kim Park", "2026-01-01"), source="crm"
    )


def moment() -> str:
    """Return now, as arguments say it."""
    text = time_text(time.time_ns() // 1000)
    assert text is not None
    return text


@pytest.mark.parametrize(
    ("day", "champion"),
    [
        ("2026-01-09", None),
        ("2026-01-10", "Dana Reyes"),
        ("2026-02-28", "Dana Reyes"),
        ("2026-03-01", "Lee Wong"),
        ("2026-09-01", "Lee Wong"),
    ],
)
async def test_what_was_true_on_a_day_is_answered_and_windows_are_half_open(known: Known, day: str, champion: str | None) -> None:
    """Context contract §1: from ≤ V < to."""
    await kahuna(known)
    answer = await known.ask("who is the champion", entities=["Kahuna"], predicates=["champion"], as_of=day)
    assert [each["value"] for each in answer["facts"]] == ([champion] if champion else [])


async def test_today_is_asked_about_where_no_day_is_named(known: Known) -> None:
    await kahuna(known)
    first = (await known.ask("who is the champion at Kahuna"))["facts"][0]
    assert (first["text"], first["valid_from"], first["valid_to"]) == ("Kahuna champion Lee Wong", "2026-03-01T00:00:00Z", None)
    assert first["sources"] == [{"source": "gong", "url": None, "at": first["sources"][0]["at"], "quote": None}]


async def test_history_shows_every_window(known: Known) -> None:
    await kahuna(known)
    answer = await known.ask("champion at Kahuna", entities=["kahuna"], predicates=["champion"], history=True)
    assert {(each["value"], each["valid_to"]) for each in answer["facts"]} == {("Dana Reyes", "2026-03-01T00:00:00Z"), ("Lee Wong", None)}


async def test_later_news_is_left_out_of_what_was_believed_before(known: Known) -> None:
    """Context contract §1: known_at replays belief."""
    await known.one("stage")
    await known.say(fact("Kahuna", "stage", "open", "2026-01-01"), source="crm", source_id="1")
    before = moment()
    await known.say(fact("Kahuna", "stage", "lost", "2026-01-15"), source="crm", source_id="2")
    asked: dict[str, Any] = {"entities": ["Kahuna"], "as_of": "2026-02-01"}
    assert await known.texts("stage of the deal", **asked) == ["Kahuna stage lost"]
    assert await known.texts("stage of the deal", known_at=before, **asked) == ["Kahuna stage open"]
    assert await known.texts("", known_at=before, **asked) == ["Kahuna stage open"]


async def test_what_was_believed_longer_ago_than_the_index_keeps_is_read_from_the_store(known: Known) -> None:
    """Facts §7.7: a retired fact stays 30 days in the index; older known_at by SQL."""
    await kahuna(known)
    known.plane.query._clock = lambda: time.time() + 40 * 86_400
    later = moment()
    answer = await known.ask("who is the champion at Kahuna", known_at=later, as_of="2026-02-15")
    assert answer["facts"][0]["text"] == "Kahuna champion Dana Reyes"
    assert await known.texts("who is the champion", known_at="2020-01-01") == []


async def test_private_facts_are_answered_to_nobody_else(known: Known) -> None:
    await known.say(fact("Kahuna", "weakness", "price"), private=True, source="note")
    await known.say(fact("Kahuna", "strength", "speed"), source="crm")
    assert await known.texts("Kahuna weakness price") == ["Kahuna weakness price", "Kahuna strength speed"]
    for question in ("Kahuna weakness price", ""):
        assert await known.texts(question, BOB) == ["Kahuna strength speed"]


async def test_who_is_known_to_another_alone_looks_like_nobody(known: Known) -> None:
    """Context contract §6: foreign, unknown and gone ids look alike."""
    [said] = await known.say(fact("Project Heron", "budget", "2 m"), private=True, source="note")
    mine = (await known.ask("budget", entities=["Project Heron"]))["entities"][0]["id"]
    told = []
    for by, name in ((BOB, "Project Heron"), (BOB, mine), (EVE, mine), (EVE, "ent_zzzzz"), (EVE, "Nobody At All"), (EVE, "ent_!")):
        with pytest.raises(ContextRefused) as refusal:
            await known.ask("budget", by, entities=[name])
        failure = refusal.value.failure
        told.append((failure.code, failure.message, failure.hint))
    assert len(set(told)) == 1
    with pytest.raises(ContextRefused, match="no such fact"):
        await known.explain("budget", EVE, fact_id=said["id"])
    with pytest.raises(ContextRefused, match="no such fact"):
        await known.explain("budget", BOB, fact_id=said["id"])


async def test_entities_are_found_by_name_key_and_id_as_subject_and_as_object(known: Known) -> None:
    dana = {"kind": "person", "name": "Dana Reyes", "keys": {"email": "dana@kahuna.example"}}
    await known.say(fact({"kind": "account", "name": "Kahuna Inc."}, "champion", dana), source="crm")
    [one] = (await known.ask("champion", entities=["kahuna"]))["facts"]
    for name in ("Kahuna", "dana@kahuna.example", "DANA REYES", "email:dana@kahuna.example", one["subject_id"], one["value_id"]):
        assert await known.texts("who champions it", entities=[name]) == [one["text"]], name
        assert await known.texts("", entities=[name]) == [one["text"]], name


async def test_without_a_question_the_newest_facts_come_first(known: Known) -> None:
    await known.say(*[fact("Kahuna", "meeting", f"number {n}", f"2026-0{n}-01") for n in (3, 1, 5, 2, 4)], source="crm")
    assert await known.texts("", entities=["Kahuna"], limit=3) == [
        "Kahuna meeting number 5",
        "Kahuna meeting number 4",
        "Kahuna meeting number 3",
    ]
    assert (await known.texts("  \u202e "))[0] == "Kahuna meeting number 5"


async def test_only_what_the_named_sources_say_is_answered_also_where_several_do(known: Known) -> None:
    await known.say(fact("Kahuna", "stage", "open"), source="crm")
    await known.say(fact("Kahuna", "stage", "open"), source="gong")
    await known.say(fact("Kahuna", "size", "200"), source="web")
    assert await known.texts("Kahuna", sources=["gong"]) == ["Kahuna stage open"]
    assert await known.texts("Kahuna", sources=["web"]) == ["Kahuna size 200"]
    assert await known.texts("", sources=["web"]) == ["Kahuna size 200"]
    assert await known.texts("Kahuna", sources=["mail"]) == []


async def test_a_source_among_many_facts_of_several_sources_is_found(known: Known) -> None:
    """Who says so is known only after reading, so enough is read."""
    every = [fact("Kahuna", "note", f"meeting about topic {n}") for n in range(120)]
    await known.say(*every, source="crm")
    await known.say(*every, source="gong")
    await known.say(fact("Kahuna", "note", "something else"), source="mail")
    await known.say(fact("Kahuna", "note", "something else"), source="web")
    assert await known.texts("meeting about topic", sources=["web"]) == ["Kahuna note something else"]


async def test_predicates_limit_what_is_said(known: Known) -> None:
    await kahuna(known)
    assert await known.texts("champion at Kahuna", predicates=["stage"]) == ["Kahuna stage negotiation"]


async def test_an_answer_is_as_short_as_it_was_asked_to_be(known: Known) -> None:
    await known.say(*[fact("Kahuna", "note", f"{n} {'word ' * 150}") for n in range(10)], source="crm")
    answer = await known.ask("Kahuna note word", max_chars=3_000)
    assert len(str(answer)) < 3_500
    assert answer["left_out"] + len(answer["facts"]) == 10
    assert answer["left_out"] > 0


async def test_what_is_retracted_or_contradicted_is_said_with_its_state(known: Known) -> None:
    await known.one("owner")
    for owner in ("Ana", "Ben"):
        await known.say(fact("Kahuna", "owner", owner, "2026-01-01"), source=f"crm-{owner}", occurred_at="2026-01-02")
    answer = await known.ask("who is the owner of Kahuna")
    assert {(each["value"], each["state"]) for each in answer["facts"]} == {("Ana", "conflict"), ("Ben", "conflict")}


async def test_a_quote_is_a_slice_of_what_the_source_sent_or_not_there(known: Known) -> None:
    await known.say(fact("Kahuna", "stage", "open"), source="call", content="They said that it is open.", url="https://calls.example/1")
    [one] = (await known.ask("stage of Kahuna"))["facts"]
    assert one["sources"][0]["url"] == "https://calls.example/1"
    assert one["sources"][0]["quote"] in (None, "They said that it is open.", "open")


async def test_a_wrong_time_is_named_with_what_one_looks_like(known: Known) -> None:
    with pytest.raises(ContextRefused) as refusal:
        await known.ask("champion", as_of="31/12/2026", known_at="2026-02-01T09:00:00")
    failure = refusal.value.failure
    assert failure.code == "bad_time"
    assert [fault["path"] for fault in failure.faults] == ["as_of", "known_at"]


async def test_a_second_process_answers_what_the_first_has_kept(tmp_path: Path) -> None:
    """Searchable after an assertion, on other nodes too: an index follows the tenant's revision."""
    async with knowing(tmp_path) as one, knowing(tmp_path) as other:
        assert await other.texts("stage of Kahuna") == []
        await one.say(fact("Kahuna", "stage", "open"), source="crm")
        assert await other.texts("stage of Kahuna") == ["Kahuna stage open"]


async def test_a_restart_takes_the_files_over_and_catches_up(tmp_path: Path) -> None:
    async with knowing(tmp_path) as first:
        await first.say(fact("Kahuna", "stage", "open"), source="crm")
        assert await first.texts("stage of Kahuna") == ["Kahuna stage open"]
        await (await first.plane.facts._of("acme")).save()
        await first.say(fact("Kahuna", "size", "200"), source="crm")
    async with knowing(tmp_path) as second:
        assert set(await second.texts("Kahuna")) == {"Kahuna stage open", "Kahuna size 200"}
