"""The arguments of context_assert: cleaned, and refused with all faults at once (context contract §2, §6)."""

import unicodedata
from collections.abc import Mapping
from typing import Any

import pytest

from tools.context_plane.arguments.assertions import MAX_FACTS, assertion_of
from tools.context_plane.arguments.cleaning import MAX_MARKS, is_clean, kept_line, kept_text
from tools.context_plane.arguments.echoes import echo_in_episode, echo_in_fact
from tools.context_plane.errors import ContextRefused
from tools.context_plane.identity.keys import Mention
from tools.context_plane.times import time_us
from tools.operation import Failure

GOOD = {"subject": "Kahuna", "predicate": "champion", "value": "Dana"}


def refused(arguments: Mapping[str, Any]) -> Failure:
    with pytest.raises(ContextRefused) as found:
        assertion_of(arguments)
    return found.value.failure


def test_every_fault_is_told_at_once() -> None:
    failure = refused(
        {
            "facts": [
                {"subject": "", "predicate": 7, "value": None, "valid_from": "31/12/2026", "confidence": 2},
                {**GOOD, "valid_from": "2026-02-01", "valid_to": "2026-01-01"},
                {**GOOD, "subject": {"kind": "account"}, "colour": "red"},
                "Kahuna",
            ],
            "episode": {"occurred_at": "2026-01-01T10:00:00", "contents": "x"},
            "private": "yes",
            "predicates": {"stage": "single"},
        }
    )
    assert failure.code == "invalid_arguments"
    assert {fault["path"] for fault in failure.faults} == {
        "facts[0].subject",
        "facts[0].predicate",
        "facts[0].value",
        "facts[0].valid_from",
        "facts[0].confidence",
        "facts[1].valid_to",
        "facts[2].subject.name",
        "facts[2].colour",
        "facts[3]",
        "facts[3].subject",
        "facts[3].predicate",
        "facts[3].value",
        "episode.occurred_at",
        "episode.contents",
        "private",
        "predicates.stage",
    }


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"facts": [{**GOOD, "valid_from": "yesterday"}]}, "bad_time"),
        ({"facts": [{**GOOD, "valid_from": 1_767_225_600}]}, "bad_time"),
        ({"facts": [{**GOOD, "valid_from": "2026-01-01", "valid_to": "2026-01-01"}]}, "bad_time"),
        ({"facts": [{**GOOD, "value": "x" * 2_001}]}, "too_large"),
        ({"facts": [{**GOOD, "value": "x" * 1_000_000}]}, "too_large"),
        ({"facts": [GOOD], "episode": {"content": "x" * 1_000_001}}, "too_large"),
        ({"facts": [GOOD] * (MAX_FACTS + 1)}, "invalid_arguments"),
        ({"facts": []}, "invalid_arguments"),
        ({"facts": {"0": GOOD}}, "invalid_arguments"),
        ({}, "invalid_arguments"),
        ({"facts": [{**GOOD, "value": ["Dana"]}]}, "invalid_arguments"),
        ({"facts": [{**GOOD, "value": 10**5_000}]}, "invalid_arguments"),
        ({"facts": [{**GOOD, "value": float("nan")}]}, "invalid_arguments"),
        ({"facts": [{**GOOD, "valid_to": "9999-12-31T23:59:59-12:00"}]}, "bad_time"),
        ({"facts": [{**GOOD, "subject": {"name": "Dana", "keys": {"ß" * 60: "1"}}}]}, "too_large"),
        ({"facts": [{**GOOD, "value": "\x00\u202e "}]}, "invalid_arguments"),
        ({"facts": [{**GOOD, "subject": {"name": "Dana", "keys": {"name_in_source": "gong: dana"}}}]}, "invalid_arguments"),
        ({"facts": [{**GOOD, "subject": {"name": "Dana", "keys": ["dana@kahuna.example"]}}]}, "invalid_arguments"),
    ],
)
def test_what_is_wrong_has_its_code(arguments: dict[str, Any], code: str) -> None:
    failure = refused(arguments)
    assert failure.code == code
    assert failure.hint == "nothing was kept; `faults` names all of them"
    assert all(fault["rule"] for fault in failure.faults)


def test_nulls_lone_surrogates_and_bidi_controls_are_cleaned_and_said() -> None:
    said = {"subject": "Ka\x00huna", "predicate": "cham\u202epion", "value": "Da\ud800na"}
    episode = {"content": "one\r\ntwo\x07\u2066", "source": "gong"}
    assertion, cleaned = assertion_of({"facts": [said], "episode": episode})
    [fact] = assertion.facts
    assert (fact.subject.name, fact.predicate, fact.value) == ("Kahuna", "champion", "Dana")
    assert assertion.episode.content == "one\ntwo"
    assert set(cleaned) == {"facts[0].subject", "facts[0].predicate", "facts[0].value", "episode.content"}


def test_what_people_write_is_left_alone() -> None:
    """A joiner between letters is part of the word in Persian and in emoji."""
    for text in ("Zoë", "میخواهم", "👩‍💻", "東京", "a\tb"):
        assert kept_text(text) == text
    assert kept_line("  two\nlines  ") == "two lines"


@pytest.mark.parametrize(
    ("value", "said"),
    [(True, "true"), (42, "42"), (4.5, "4.5"), (2**70, str(2**70)), ("  Dana\n Reyes ", "Dana Reyes"), ("ent_!", "ent_!")],
)
def test_a_value_is_text(value: Any, said: str) -> None:
    [fact] = assertion_of({"facts": [{**GOOD, "value": value}]})[0].facts
    assert (fact.value, fact.object) == (said, None)


def test_whom_it_is_about_is_a_name_an_id_or_kind_name_and_keys() -> None:
    keyed = {"kind": "Person", "name": "Dana Reyes", "keys": {"Email": "Dana@Kahuna.example", "crm": ["003A", "003B"]}}
    facts = [{**GOOD, "subject": subject, "value": keyed} for subject in ("Kahuna", "ent_7", {"id": "ent_7"}, keyed)]
    assertion, _ = assertion_of({"facts": facts})
    mention = Mention(name="Dana Reyes", kind="person", keys=(("crm", "003A"), ("crm", "003B"), ("email", "dana@kahuna.example")))
    assert [fact.subject for fact in assertion.facts] == [Mention(name="Kahuna"), Mention(entity_id=7), Mention(entity_id=7), mention]
    assert {fact.object for fact in assertion.facts} == {mention}


def test_a_day_begins_at_midnight_utc() -> None:
    [fact] = assertion_of({"facts": [{**GOOD, "valid_from": "2026-01-15", "valid_to": "2026-01-15T10:00:00+02:00"}]})[0].facts
    assert (fact.valid_from_us, fact.valid_to_us) == (time_us("2026-01-15T00:00:00Z"), time_us("2026-01-15T08:00:00Z"))


@pytest.mark.parametrize(
    "episode",
    [
        {"source": "context_query"},
        {"source": "agent", "kind": "Context_Explain"},
        {"source": "agent", "source_id": "qry_4qhq5t9kspq43"},
        {"content": "as fct_4qhq5t9kspq43 says, Dana is the champion"},
        {"url": "https://gateway.example/v1/context/facts/fct_4qhq5t9kspq43"},
    ],
)
def test_what_came_out_of_memory_is_no_source(episode: dict[str, str]) -> None:
    """Context contract §6: one hallucination fed back by recall 668 times (mem0 #4573)."""
    assertion, _ = assertion_of({"facts": [GOOD], "episode": episode})
    why = echo_in_episode(assertion.episode)
    assert why is not None
    assert "name where it was said first" in why


def test_a_value_that_quotes_a_fact_came_out_of_memory() -> None:
    quoting = {**GOOD, "value": "Dana (fct_4qhq5t9kspq43)"}
    assertion, _ = assertion_of({"facts": [GOOD, quoting], "episode": {"content": "we agreed on the fct_ prefix"}})
    assert echo_in_episode(assertion.episode) is None
    assert [echo_in_fact(fact) is None for fact in assertion.facts] == [True, False]


def test_marks_piled_on_one_letter_are_cut_before_they_are_put_in_order() -> None:
    """UAX #15 §13: ordering four hundred thousand took two minutes, in which nobody else was answered."""
    piled = "Dana" + "\u0323\u0301" * 200_000 + " Reyes"
    assert not is_clean(piled)
    assert kept_text(piled) == "Dan" + "\u1ea1" + "\u0323" * 14 + "\u0301" * 15 + " Reyes"
    assert len(kept_text(piled)) == len("Dana Reyes") + MAX_MARKS - 1
    vietnamese = "Nguye\u0302\u0303n"
    assert is_clean(vietnamese)
    assert kept_text(vietnamese) == "Nguy\u1ec5n"


def test_every_mark_is_among_those_that_are_counted() -> None:
    marks = [chr(number) for number in range(0x110000) if unicodedata.combining(chr(number))]
    assert [mark for mark in marks if is_clean("a" + mark * (MAX_MARKS + 1))] == []
