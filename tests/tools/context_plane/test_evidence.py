"""What a model read is taken only where the text says so."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.context_plane.extraction.evidence import MAX_FACTS, facts_in
from tools.operation import Json

TEXT = "Dana Reyes left Kahuna\nin March. Omar Haddad is the new champion of the deal since 2026-03-15."
FACT = {
    "subject": "Kahuna",
    "kind": "account",
    "predicate": "champion",
    "value": "Omar Haddad",
    "valid_from": "2026-03-15",
    "evidence": "Omar Haddad is the new champion",
}


def answer(*facts: Json) -> str:
    return orjson.dumps({"facts": facts}).decode()


def test_a_fact_is_taken_with_the_words_that_say_it() -> None:
    [fact] = facts_in(answer(FACT), TEXT).facts
    assert TEXT[fact.start : fact.end] == "Omar Haddad is the new champion"
    assert (fact.subject, fact.predicate, fact.value) == ("Kahuna", "champion", "Omar Haddad")


def test_a_line_end_within_the_evidence_is_a_blank() -> None:
    [fact] = facts_in(answer(FACT | {"evidence": "dana reyes left kahuna in march"}), TEXT).facts
    assert TEXT[fact.start : fact.end] == "Dana Reyes left Kahuna\nin March"


def test_a_fenced_answer_is_read() -> None:
    assert len(facts_in(f"```json\n{answer(FACT)}\n```", TEXT).facts) == 1


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"subject": "Globex"}, "not in the text"),
        ({"subject": "She"}, "names nobody"),
        ({"evidence": "Omar Haddad became champion"}, "evidence is not in the text"),
        ({"evidence": "deal"}, "evidence is not in the text"),
        ({"value": ""}, "missing"),
        ({"value": 7}, "missing"),
        ({"value": "x" * 501}, "longer"),
        ({"valid_from": "soon"}, "time"),
        ({"valid_from": 2026}, "time"),
        ({"valid_to": "2026-03-15"}, "ends before"),
    ],
)
def test_what_the_text_does_not_say_is_dropped_by_name(changed: Json, why: str) -> None:
    read = facts_in(answer(FACT | changed), TEXT)
    assert read.facts == ()
    assert why in read.dropped[0]


def test_one_that_is_dropped_keeps_back_none_of_the_others() -> None:
    read = facts_in(answer("x", FACT, FACT | {"subject": "Globex"}), TEXT)
    assert len(read.facts) == 1
    assert len(read.dropped) == 2


def test_the_same_fact_twice_is_one_and_a_flood_is_cut() -> None:
    read = facts_in(answer(*[FACT] * (MAX_FACTS + 1)), TEXT)
    assert len(read.facts) == 1
    assert read.dropped == (f"more than {MAX_FACTS} facts",)


@given(
    st.text()
    | st.recursive(
        st.none() | st.booleans() | st.text() | st.integers(-5, 5),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["facts", "subject", "evidence"]), inner),
    ).map(lambda value: orjson.dumps(value).decode())
)
def test_whatever_a_model_says_is_no_fault(said: str) -> None:
    assert facts_in(said, TEXT).facts == ()
