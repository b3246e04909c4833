"""Facts and passages: what a mask leaves is ranked, and nothing else is seen."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capability_index import segment
from capability_index.corpora import FACTS, PASSAGES
from capability_index.encoders.encoder import WordTable
from capability_index.text_index import Mask, Text, TextIndex
from tests.examples import examples

EVER = 2**62


def fact(row: int, text: str, start: int = -EVER, end: int = EVER, **columns: int) -> Text:
    subject, predicate, value = text.split(": ")
    windows = {"valid_from": start, "valid_to": end, "recorded_at": 0, "retired_at": EVER}
    rest = {"audience": 0, "source": 0, "subject": 0, "object": 0, "predicate": 0, "state": 0}
    return Text(row, {"text": text, "subject": subject, "predicate": predicate, "object": value}, {**windows, **rest, **columns})


@pytest.fixture
def index(table: WordTable) -> TextIndex:
    filled = TextIndex(table)
    filled.upsert(
        "acme/facts",
        FACTS,
        [
            fact(1, "Kahuna: champion: Maria Lopez", 0, 100),
            fact(2, "Kahuna: champion: Ben Stone", 100),
            fact(3, "Kahuna: deal stage: negotiation"),
            fact(4, "Initech: champion: Ada Moss", audience=7),
        ],
    )
    return filled


def on(day: int) -> Mask:
    return Mask(at_most={"valid_from": day}, more_than={"valid_to": day}, among={"audience": (0,)})


@pytest.mark.parametrize(("day", "row"), [(50, 1), (99, 1), (100, 2), (5_000, 2)])
def test_the_fact_that_held_on_the_day_comes_first(index: TextIndex, day: int, row: int) -> None:
    found = index.search("acme/facts", "who is the champion at Kahuna?", on(day))
    assert found.hits[0].row == row
    assert not found.low_confidence


def test_what_the_mask_keeps_out_is_never_found(index: TextIndex) -> None:
    found = index.search("acme/facts", "champion at Initech: Ada Moss", on(50))
    assert 4 not in {hit.row for hit in found.hits}


def test_a_row_that_was_written_again_has_its_new_text(index: TextIndex) -> None:
    index.upsert("acme/facts", FACTS, [fact(3, "Kahuna: renewal date: in spring")])
    found = index.search("acme/facts", "when is the renewal?", on(50))
    assert found.hits[0].row == 3
    assert len(found.hits) == 2


def test_a_deleted_row_is_gone_and_an_unknown_one_harmless(index: TextIndex) -> None:
    index.delete("acme/facts", [3, 999])
    found = index.search("acme/facts", "deal stage of Kahuna", on(50))
    assert [hit.row for hit in found.hits] == [1]


def test_a_dropped_segment_is_an_empty_one(index: TextIndex) -> None:
    index.drop("acme/facts")
    found = index.search("acme/facts", "champion", Mask())
    assert (found.hits, found.low_confidence, found.candidates) == ((), True, 0)


def test_explain_says_the_rank_or_the_condition_that_keeps_a_row_out(index: TextIndex) -> None:
    first = index.explain("acme/facts", "who is the champion at Kahuna?", 1, on(50))
    assert first.rank == 1
    assert first.hit is not None
    assert first.hit.score == pytest.approx(first.hit.lexical + first.hit.vector, abs=1e-4)
    later = index.explain("acme/facts", "who is the champion at Kahuna?", 2, on(50))
    assert (later.rank, later.kept_out_by) == (None, ("valid_from <= 50",))
    assert not index.explain("acme/facts", "champion", 999, Mask()).known


def test_a_saved_index_answers_as_before(index: TextIndex, table: WordTable, tmp_path: Path) -> None:
    passage = Text(5, {"text": "The cat sat on the mat.", "heading": "Pets"}, {"document": 1, "audience": 0, "source": 0, "n": 0})
    index.upsert("acme/passages", PASSAGES, [passage])
    index.save(tmp_path)
    again = TextIndex(table)
    again.load(tmp_path)
    for name, query in (("acme/facts", "champion at Kahuna"), ("acme/passages", "where did the cat sit?")):
        assert again.search(name, query, Mask()) == index.search(name, query, Mask())


@pytest.mark.parametrize("query", ["asdkjh qwe zxcv", "how do I bake sourdough bread at high altitude?", ""])
def test_what_nothing_answers_is_said_to_be_in_doubt(index: TextIndex, query: str) -> None:
    assert index.search("acme/facts", query, on(50)).low_confidence


def test_the_turn_after_the_words_of_the_question_is_found(table: WordTable) -> None:
    """Who answers does not repeat the question."""
    said = ["Nice weather today.", "When does the renewal of the Kahuna contract happen?", "In spring, she thinks.", "Fine.", "Bye now."]
    turns = TextIndex(table)
    turns.upsert(
        "t", PASSAGES, [Text(at, {"text": text}, {"document": 1, "audience": 0, "source": 0, "n": at}) for at, text in enumerate(said)]
    )
    found = turns.search("t", "renewal of the Kahuna contract", Mask())
    assert [hit.row for hit in found.hits][:2] == [1, 2]
    assert found.hits[1].features["around"] > 0


def test_the_sentence_that_answers_speaks_for_a_long_passage(table: WordTable) -> None:
    weather = "It rained on Monday. It rained on Tuesday. It rained on Wednesday. "
    texts = [
        weather * 4 + "The invoice was paid by the customer. " + weather * 4,
        weather * 8,
        "An essay about bills and birds and their nests.",
    ]
    rows = [Text(at, {"text": text}, {"document": at, "audience": 0, "source": 0, "n": 0}) for at, text in enumerate(texts)]
    seen = []
    for analysis in (PASSAGES, replace(PASSAGES, sentences=False)):
        index = TextIndex(table)
        index.upsert("t", analysis, rows)
        by_row = {hit.row: hit for hit in index.search("t", "has the client settled the bill?", Mask()).hits}
        seen.append(by_row[0].vector - by_row[1].vector)
    assert seen[0] > 2 * seen[1]


numbers = st.integers(-5, 5)
conditions = st.dictionaries(st.sampled_from(PASSAGES.columns), numbers, max_size=2)


@examples(60)
@given(
    rows=st.lists(st.fixed_dictionaries(dict.fromkeys(PASSAGES.columns, numbers)), min_size=1, max_size=12),
    at_most=conditions,
    more_than=conditions,
    among=st.dictionaries(st.sampled_from(PASSAGES.columns), st.lists(numbers, max_size=12), max_size=2),
)
def test_a_mask_leaves_what_meets_each_of_its_conditions(
    rows: list[dict[str, int]], at_most: dict[str, int], more_than: dict[str, int], among: dict[str, list[int]]
) -> None:
    """The vectorised conditions are the plain ones, and explain names those that a row fails."""
    plain = TextIndex(None)
    plain.upsert("t", PASSAGES, [Text(at, {"text": "rain"}, columns) for at, columns in enumerate(rows)])
    mask = Mask(at_most, more_than, among)
    left = {
        at
        for at, columns in enumerate(rows)
        if all(columns[name] <= value for name, value in at_most.items())
        and all(columns[name] > value for name, value in more_than.items())
        and all(columns[name] in values for name, values in among.items())
    }
    assert {hit.row for hit in plain.search("t", "rain", mask, 20).hits} == left
    for at in range(len(rows)):
        assert bool(plain.explain("t", "rain", at, mask).kept_out_by) == (at not in left)


def test_a_large_segment_is_searched_in_several_parts(table: WordTable, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits until a million rows are written anew: large parts stay apart, and the best of all of them is found."""
    monkeypatch.setattr(segment, "_MAX_ROWS", 16)
    many = TextIndex(table)
    for at in range(100):
        many.upsert("t", FACTS, [fact(at, f"company {at}: champion: person {at}")])
    assert [many.search("t", f"champion of company {at}", Mask()).hits[0].row for at in range(100)] == list(range(100))
    ranks = sorted(rank for at in range(100) if (rank := many.explain("t", "champion", at, Mask()).rank) is not None)
    assert (len(ranks), ranks[0]) == (100, 1)


def test_ranks_of_all_rows_are_told_also_beyond_the_candidates(table: WordTable) -> None:
    many = TextIndex(table)
    many.upsert("t", FACTS, [fact(at, f"Kahuna: champion: person {at}") for at in range(120)])
    ranks = sorted(rank for at in range(120) if (rank := many.explain("t", "champion", at, Mask()).rank) is not None)
    assert len(ranks) == 120
    assert ranks[0] == 1


def test_searches_beside_writes_see_whole_states(table: WordTable) -> None:
    """A reader takes the state once: a row is there with its text, or not at all."""
    shared = TextIndex(table)
    shared.upsert("t", FACTS, [fact(0, "Kahuna: champion: nobody")])

    def write() -> None:
        for row in range(1, 40):
            shared.upsert("t", FACTS, [fact(row, f"Kahuna: champion: person {row}")])
            if row % 3 == 0:
                shared.delete("t", [row - 1])
                shared.compact("t")

    with ThreadPoolExecutor(3) as pool:
        writing = pool.submit(write)
        while not writing.done():
            assert shared.search("t", "champion of Kahuna", on(50)).hits
        writing.result()
    assert shared.count("t") == 40 - 13
