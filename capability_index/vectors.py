"""Rows of unit vectors: scan them all, take the best."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]
_BLOCK = 256


def scan(matrix: Floats, query: Floats, out: Floats) -> None:
    """Write the cosine of each row of `matrix` (n, d) to `query` (d,) into `out` (n,)."""
    np.dot(matrix, query, out=out)


def best_rows(scores: Floats, k: int) -> Rows:
    """Return the rows of the `k` highest scores, best first; equal scores keep row order."""
    n = len(scores)
    if k <= 0 or n == 0:
        return np.zeros(0, np.intp)
    if n > k:
        threshold = _threshold(scores, k)
        rows = np.flatnonzero(scores >= threshold)
    else:
        rows = np.arange(n)
    order = np.argsort(-scores[rows], kind="stable")
    return np.asarray(rows[order[:k]], np.intp)


def _threshold(scores: Floats, k: int) -> np.float32:
    """Return a score that at least `k` rows reach, and few more: the k-th best of block maxima, where there are many blocks."""
    n = len(scores)
    blocks = n // _BLOCK
    if blocks >= 4 * k:
        tops = scores[: blocks * _BLOCK].reshape(blocks, _BLOCK).max(axis=1)
        lower = np.partition(tops, blocks - k)[blocks - k]
        # At least k blocks reach `lower`, so at least k rows do: the k-th best row is among these.
        narrowed = scores[scores >= lower]
        return np.float32(np.partition(narrowed, len(narrowed) - k)[len(narrowed) - k])
    return np.float32(np.partition(scores, n - k)[n - k])
