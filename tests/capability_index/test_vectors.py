"""Scans and the best of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from capability_index import accelerator
from capability_index.encoders.encoder import WordTable
from capability_index.vectors import CODED_FROM_ROWS, HEAD, CodedMatrix, Matrix, best_rows, joined_matrices, whole_rows
from capability_index.words import word_set
from tests.examples import examples

#: a hundred words, so ten thousand pairs of them
WORDS = sorted(
    word_set("""
    account address amount answer approval article asset author balance bank batch board book branch budget build calendar call campaign
    card cart case charge chart city claim client code comment company contact contract country coupon course customer date deal delivery
    device discount document domain draft driver event export file flight folder forecast form game goal group guest hotel house image
    invoice issue item job key label language lead letter license list loan location log mail map market meeting member menu message
    metric model movie music network note number offer office order page park payment person phone photo place plan player price
    """)
)


@pytest.fixture(scope="module")
def pairs(table: WordTable) -> NDArray[np.float32]:
    return table.encode([f"{one} {other}" for one in WORDS for other in WORDS])


@examples(60)
@given(n=st.integers(0, 5_000), k=st.integers(0, 40), spread=st.integers(1, 2_000), seed=st.integers(0, 99))
def test_the_best_rows_are_those_of_a_full_sort(n: int, k: int, spread: int, seed: int) -> None:
    """The block maxima that come first change nothing; equal scores keep row order."""
    scores = np.random.default_rng(seed).integers(0, spread, n).astype(np.float32)
    assert best_rows(scores, k).tolist() == np.argsort(-scores, kind="stable")[:k].tolist()


def test_rows_that_are_out_of_the_question_come_last() -> None:
    """A dead row has minus infinity."""
    scores = np.full(20_000, -np.inf, np.float32)
    scores[[7, 19_000]] = 1, 2
    assert best_rows(scores, 2).tolist() == [19_000, 7]


def test_the_int8_scan_keeps_the_best() -> None:
    """issue 4: at least 0.99 overlap of the top 20 with exact float32 after rescoring a hundred."""
    if accelerator.INT8_SCAN is None:
        pytest.skip("numba is not installed")
    chance = np.random.default_rng(1)
    rows = chance.standard_normal((40_000, 64), np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    matrix = Matrix.of(rows)
    assert matrix.codes is not None
    shared = 0
    for query in rows[:20]:
        out = np.empty(len(rows), np.float32)
        matrix.scan(query, out)
        near = best_rows(out, 100)
        rescored = near[np.argsort(-matrix.exact(near, query[None])[0], kind="stable")[:20]]
        shared += len(set(rescored.tolist()) & set(best_rows(rows @ query, 20).tolist()))
    assert shared >= 0.99 * 20 * 20


def test_the_head_of_a_coded_matrix_keeps_the_best(pairs: NDArray[np.float32]) -> None:
    """issue 14: a scan reads a quarter of the coordinates; of the ten nearest of exact float32 nearly all are candidates."""
    matrix = CodedMatrix.of(pairs)
    assert matrix.head.shape == (len(pairs), HEAD)
    shared = 0
    for query in pairs[::600]:
        out = np.empty(len(pairs), np.float32)
        matrix.scan(query, out)
        near = best_rows(out, 50)
        rescored = near[np.argsort(-matrix.exact(near, query[None])[0], kind="stable")[:10]]
        shared += len(set(rescored.tolist()) & set(best_rows(pairs @ query, 10).tolist()))
    assert shared >= 0.9 * 10 * len(pairs[::600])


def test_joined_codes_are_those_that_were_joined(pairs: NDArray[np.float32]) -> None:
    """Nothing is rounded twice, however often a part is written anew."""
    low, high = CodedMatrix.of(pairs[:CODED_FROM_ROWS]), CodedMatrix.of(pairs[CODED_FROM_ROWS:])
    kept = np.arange(0, CODED_FROM_ROWS, 2), np.arange(len(high))
    joined = joined_matrices([(low, kept[0]), (high, kept[1])])
    assert np.array_equal(whole_rows(joined), np.concatenate([whole_rows(low)[kept[0]], whole_rows(high)]))
