"""Facts and passages: what a mask leaves is ranked, and nothing else is seen."""

from pathlib import Path

import pytest

from capability_index.corpora import FACTS, PASSAGES
from capability_index.encoders.encoder import WordTable
from capability_index.text_index import Mask, Text, TextIndex

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
    for segment, query in (("acme/facts", "champion at Kahuna"), ("acme/passages", "where did the cat sit?")):
        assert again.search(segment, query, Mask()) == index.search(segment, query, Mask())
