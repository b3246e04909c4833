"""Scans and the best of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capability_index import accelerator
from capability_index.vectors import Matrix, best_rows
from tests.examples import examples


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
