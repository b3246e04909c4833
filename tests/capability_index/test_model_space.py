"""A model's vectors beside the embedded table's: searched by once nearly all rows have them, never mixed with another model's."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from capability_index.corpora import FACTS, PASSAGES
from capability_index.encoders.encoder import WordTable, unit
from capability_index.text_index import Found, Mask, ModelVector, Text, TextIndex
from capability_index.vectors import CODED_FROM_NUMBERS, CodedMatrix, best_rows
from tests.capability_index.test_text_index import fact

SEGMENT, SPACE = "acme/facts", "tiny/4"
#: what only the model knows: which of four things a text is about
ABOUT = {"Quuxley": 0, "Zorbitz": 1, "Frobnik": 2}


def vectors(*texts: str) -> NDArray[np.float32]:
    rows = np.full((len(texts), 4), 0.05, np.float32)
    for at, text in enumerate(texts):
        rows[at, next((place for name, place in ABOUT.items() if name in text), 3)] = 1
    return unit(rows)


def asked(text: str, space: str = SPACE) -> ModelVector:
    return ModelVector(space, vectors(text)[0])


TEXTS = {row: f"{name}: note: {row}" for row, name in enumerate(["Quuxley", "Zorbitz", "Frobnik", *(f"Other{n}" for n in range(17))], 1)}


def filled(table: WordTable, rows: int = len(TEXTS)) -> TextIndex:
    index = TextIndex(table)
    index.upsert(SEGMENT, FACTS, [fact(row, text) for row, text in TEXTS.items()])
    fill(index, list(TEXTS)[:rows])
    return index


def fill(index: TextIndex, rows: list[int]) -> None:
    index.fill(SEGMENT, SPACE, rows, vectors(*(TEXTS.get(row, "") for row in rows)))


def search(index: TextIndex, space: str = SPACE) -> Found:
    """Ask in words that no row has, and that the table does not know, for what the model takes for Zorbitz."""
    return index.search(SEGMENT, "xyzzy", Mask(), 3, asked_as=ModelVector(space, vectors("Zorbitz")[0]))


def test_a_row_is_found_by_what_the_model_alone_knows(table: WordTable) -> None:
    found = search(filled(table))
    assert (found.hits[0].row, found.hits[0].space) == (2, SPACE)
    assert found.hits[0].features["model_cosine"] > 0.9


@pytest.mark.parametrize(("rows", "space"), [(17, "wordllama-l2-supercat-256"), (18, SPACE), (20, SPACE)])
def test_the_embedded_table_answers_until_nine_in_ten_have_their_vectors(table: WordTable, rows: int, space: str) -> None:
    assert search(filled(table, rows)).hits[0].space == space


def test_the_vectors_of_another_model_or_size_are_not_met(table: WordTable) -> None:
    index = filled(table)
    found = index.search(SEGMENT, "xyzzy", Mask(), 3, asked_as=ModelVector("tiny/2", np.asarray([1, 0], np.float32)))
    assert {hit.space for hit in found.hits} == {table.model}
    assert all("model_cosine" not in hit.features for hit in found.hits)


def test_a_new_row_is_found_by_its_words_at_once_and_by_its_vector_later(table: WordTable) -> None:
    index = filled(table)
    index.upsert(SEGMENT, FACTS, [fact(99, "Grault: champion: Dana")])
    found = index.search(SEGMENT, "champion of Grault", Mask(), 3, asked_as=asked("Grault"))
    assert (found.hits[0].row, found.hits[0].space) == (99, table.model)
    assert index.lacking(SEGMENT, SPACE, 10) == [99]
    index.fill(SEGMENT, SPACE, [99, 12_345], vectors("Zorbitz", "Zorbitz"))
    assert {hit.row for hit in search(index).hits[:2]} == {2, 99}
    assert index.lacking(SEGMENT, SPACE, 10) == []


def test_a_row_whose_columns_change_keeps_its_vector(table: WordTable) -> None:
    index = filled(table)
    index.upsert(SEGMENT, FACTS, [fact(2, TEXTS[2], end=50)])
    assert index.spaces(SEGMENT) == {SPACE: 20}
    assert search(index).hits[0].row == 2


def test_vectors_are_saved_loaded_and_forgotten_with_their_rows(table: WordTable, tmp_path: Path) -> None:
    index, again = filled(table), TextIndex(table)
    index.save(tmp_path)
    again.load(tmp_path)
    assert again.spaces(SEGMENT) == {SPACE: 20}
    assert search(again).hits[0].row == 2
    again.delete(SEGMENT, [2])
    again.compact(SEGMENT)
    assert again.spaces(SEGMENT) == {SPACE: 19}
    again.keep_spaces({"other/4"})
    assert again.spaces(SEGMENT) == {}
    assert search(again).hits[0].space == table.model


def test_rows_that_come_one_by_one_and_get_their_vectors_between_leave_few_shards(table: WordTable) -> None:
    index = filled(table)
    for row in range(100, 160):
        index.upsert(SEGMENT, FACTS, [fact(row, f"Late{row}: note: x")])
        fill(index, [row])
    assert index.spaces(SEGMENT) == {SPACE: 80}
    assert len(index._segments[SEGMENT].shards) <= 8
    assert search(index).hits[0].row == 2


def test_an_explanation_says_which_space_scored(table: WordTable) -> None:
    index = filled(table, 19)
    known = index.explain(SEGMENT, "xyzzy", 2, Mask(), asked_as=asked("Zorbitz"))
    unknown = index.explain(SEGMENT, "xyzzy", 20, Mask(), asked_as=asked("Zorbitz"))
    assert known.hit is not None
    assert (known.rank, known.hit.space) == (1, SPACE)
    assert unknown.hit is not None
    assert unknown.hit.space == table.model


def test_passages_are_found_by_a_model_beside_their_sentences(table: WordTable) -> None:
    index = TextIndex(table)
    texts = [f"{name} stands in the first sentence of it. Another sentence is here for company." for name in TEXTS.values()]
    rows = list(range(1, len(texts) + 1))
    columns = {"document": 1, "audience": 0, "source": 0}
    index.upsert(SEGMENT, PASSAGES, [Text(row, {"text": text}, {**columns, "n": row * 2}) for row, text in zip(rows, texts, strict=True)])
    index.fill(SEGMENT, SPACE, rows, vectors(*texts))
    hit = search(index).hits[0]
    assert hit.row == 2
    sums = sum(hit.features[name] for name in ("lexical", "vector", "pairs", "around"))
    assert sums == pytest.approx(hit.score, abs=1e-4)


def test_many_long_vectors_are_scanned_by_their_heads_and_hold_the_memory_of_their_codes() -> None:
    """Context contract §7: what a row takes stays near its codes, whichever model made it."""
    n, d = CODED_FROM_NUMBERS // 1_536 + 1, 1_536
    chance = np.random.default_rng(5)
    # Real vectors lie near few directions.
    rows = unit((chance.normal(size=(n, 40)) @ chance.normal(size=(40, d)) + 0.2 * chance.normal(size=(n, d))).astype(np.float32))
    matrix = CodedMatrix.of(rows)
    assert matrix.codes.nbytes + matrix.head.nbytes < n * (d + 300)
    out = np.empty(n, np.float32)
    matrix.scan(rows[7], out)
    assert best_rows(out, 1)[0] == 7
    half = np.arange(0, n, 2)
    partly = CodedMatrix.filled(n, None, half, matrix.codes[half], matrix.scales[half])
    whole = CodedMatrix.filled(n, partly, half[:-1] + 1, matrix.codes[half[:-1] + 1], matrix.scales[half[:-1] + 1])
    whole.scan(rows[7], out)
    assert (best_rows(out, 1)[0], partly.lacking is None) == (7, False)
