"""What claims come to: context contract §1, Belief."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.tools.context_plane.beliefs.day_by_day import FIRST, LAST, day_by_day
from tests.tools.context_plane.beliefs.random_claims import claims, random_claims
from tools.context_plane.beliefs.beliefs_of import beliefs_of
from tools.context_plane.facts import Belief, Cardinality, Claim, Method


def claim(value: str, begin: int | None = None, end: int | None = None, *, method: Method = "asserted", occurred: int = 0) -> Claim:
    number = abs(hash((value, begin, end, method, occurred))) + 1
    return Claim(number, 1, "", 1, "stage", None, value, begin, end, 1.0, method, occurred, 0)


def windows(beliefs: tuple[Belief, ...]) -> list[tuple[str | None, int | None, int | None]]:
    return [(belief.value, belief.valid_from_us, belief.valid_to_us) for belief in beliefs]


def held_on(day: int, beliefs: tuple[Belief, ...]) -> list[tuple[str, bool]]:
    return [
        (belief.value or "", belief.state == "conflict")
        for belief in beliefs
        if (belief.valid_from_us is None or belief.valid_from_us <= day) and (belief.valid_to_us is None or day < belief.valid_to_us)
    ]


@pytest.mark.parametrize("cardinality", ["one", "many"])
def test_a_thousand_sets_of_claims_in_five_orders_give_one_belief_each(cardinality: Cardinality) -> None:
    """Context contract §7: 1,000 orders of 20 claims; late news overwrites nothing."""
    chance = random.Random(14)
    for _ in range(1_000):
        check(random_claims(chance), cardinality, chance)


@examples(100)
@given(claims(4), st.sampled_from(["one", "many"]), st.randoms(use_true_random=False))
def test_few_claims_give_one_belief_which_is_what_each_day_says(said: list[Claim], cardinality: Cardinality, chance: random.Random) -> None:
    check(said, cardinality, chance)


def check(said: list[Claim], cardinality: Cardinality, chance: random.Random) -> None:
    """Assert that claims come to what each day says, in whatever order."""
    beliefs = beliefs_of(said, cardinality)
    by_day = day_by_day(said, cardinality)
    by_id = {each.claim_id: each for each in said}
    for _ in range(4):
        chance.shuffle(said)
        assert beliefs_of(said, cardinality) == beliefs
    for day, held in zip(range(FIRST, LAST), by_day, strict=True):
        found = held_on(day, beliefs)
        assert frozenset(found) == held
        assert len(found) == len(held), "no value twice at a time"
    ends = {(belief.value, belief.state, belief.valid_to_us) for belief in beliefs if belief.valid_to_us is not None}
    assert not ends & {(belief.value, belief.state, belief.valid_from_us) for belief in beliefs}, "windows that touch are one"
    for belief in beliefs:
        supporting = [by_id[each] for each in belief.claim_ids]
        assert {(each.value, each.withdrawn_at_us) for each in supporting} == {(belief.value, None)}
        assert belief.confidence == max(each.confidence for each in supporting)


def test_an_open_end_lasts_until_another_value_begins() -> None:
    said = [claim("open", 1), claim("won", 5)]
    assert windows(beliefs_of(said, "one")) == [("open", 1, 5), ("won", 5, None)]
    assert windows(beliefs_of(said, "many")) == [("open", 1, None), ("won", 5, None)]


def test_an_open_end_does_not_come_back_when_what_followed_has_ended() -> None:
    assert windows(beliefs_of([claim("a", 1), claim("b", 5, 8)], "one")) == [("a", 1, 5), ("b", 5, 8)]


def test_a_stated_end_is_kept() -> None:
    said = [claim("a", 1, 10), claim("b", 5, 7)]
    assert windows(beliefs_of(said, "one")) == [("a", 1, 5), ("b", 5, 7), ("a", 7, 10)]


def test_the_latest_begin_wins_whenever_it_arrived_and_whoever_says_it() -> None:
    """Facts §2.2: late news overwrites newer."""
    said = [claim("new", 5, method="extracted"), claim("old", 1, method="record", occurred=9)]
    assert windows(beliefs_of(said, "one")) == [("old", 1, 5), ("new", 5, None)]


@pytest.mark.parametrize(("stronger", "weaker"), [("record", "asserted"), ("asserted", "mapped"), ("mapped", "extracted")])
def test_of_equal_begins_the_stronger_method_wins(stronger: Method, weaker: Method) -> None:
    said = [claim("strong", 1, method=stronger), claim("weak", 1, method=weaker, occurred=9)]
    assert windows(beliefs_of(said, "one")) == [("strong", 1, None)]


def test_of_equal_methods_what_was_said_later_wins() -> None:
    assert windows(beliefs_of([claim("a", 1, occurred=1), claim("b", 1, occurred=2)], "one")) == [("b", 1, None)]


def test_a_tie_is_a_conflict_and_both_stay() -> None:
    """Facts §2.2: a contradiction deletes both (mem0 #4536)."""
    beliefs = beliefs_of([claim("a", 1), claim("b", 1, 5)], "one")
    assert [(*each, belief.state) for each, belief in zip(windows(beliefs), beliefs, strict=True)] == [
        ("a", 1, 5, "conflict"),
        ("b", 1, 5, "conflict"),
        ("a", 5, None, "believed"),
    ]


def test_equal_values_whose_windows_touch_join() -> None:
    said = [claim("a", 1, 5), claim("a", 5, 9), claim("a", 11, None), claim("a", None, 1)]
    assert windows(beliefs_of(said, "many")) == [("a", None, 9), ("a", 11, None)]
    assert windows(beliefs_of(said, "one")) == [("a", None, 9), ("a", 11, None)]


def test_repetition_makes_nothing_surer_and_no_belief_longer() -> None:
    """Facts §2.2: one hallucination on record 668 times (mem0 #4573)."""
    said = [claim("a", 1, occurred=n) for n in range(668)]
    [belief] = beliefs_of(said, "one")
    assert belief.confidence == 1.0
    assert len(belief.claim_ids) == 32
    assert beliefs_of([*said, claim("a", 1, occurred=999)], "one") == (belief,)
