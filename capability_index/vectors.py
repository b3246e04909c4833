"""Rows of unit vectors: scan them all, take the best."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capability_index.accelerator import INT8_SCAN
from capability_index.encoders.word_file import int8_rows

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]
#: below this a float scan fits the processor's cache, and a second copy of the rows would only cost memory
INT8_FROM_ROWS = 30_000
_BLOCK_ROWS = 64


@dataclass(frozen=True, slots=True)
class Matrix:
    """(n, d) unit rows, and with an accelerator the same rows as int8 with one scale each. Never written after it is made."""

    rows: Floats
    codes: NDArray[np.int8] | None = None
    scales: Floats | None = None

    @staticmethod
    def of(rows: Floats) -> "Matrix":
        if INT8_SCAN is None or len(rows) < INT8_FROM_ROWS:
            return Matrix(rows)
        codes, scales = int8_rows(rows)
        return Matrix(rows, codes, scales)

    def __len__(self) -> int:
        return len(self.rows)

    def scan(self, query: Floats, out: Floats) -> None:
        """Write the cosine of each row to the unit vector `query` into `out`; from int8 codes it is off by less than 0.01."""
        if INT8_SCAN is not None and self.codes is not None and self.scales is not None:
            INT8_SCAN(self.codes, self.scales, query, out)
        else:
            np.dot(self.rows, query, out=out)

    def exact(self, rows: Rows, queries: Floats) -> Floats:
        """Return the exact cosines (len(queries), len(rows)) of a few rows."""
        return np.asarray(queries @ self.rows[rows].T, np.float32)


def best_rows(scores: Floats, k: int) -> Rows:
    """Return the rows of the `k` highest scores, best first; equal scores keep row order."""
    n = len(scores)
    if k <= 0 or n == 0:
        return np.zeros(0, np.intp)
    rows = np.flatnonzero(scores >= _kth_best(scores, k)) if n > k else np.arange(n)
    order = np.argsort(-scores[rows], kind="stable")
    return np.asarray(rows[order[:k]], np.intp)


def _kth_best(scores: Floats, k: int) -> np.float32:
    """Return the k-th highest score.

    A partition of a million scores costs more than all else after the scan, so the maxima of blocks come first: at least
    `k` blocks reach the k-th highest maximum, so the k best rows do. A block is a column of the reshaped scores and not a
    row, because numpy takes maxima down columns at the speed of memory.
    """
    n = len(scores)
    blocks = n // _BLOCK_ROWS
    if blocks >= 2 * k:
        tops = scores[: blocks * _BLOCK_ROWS].reshape(_BLOCK_ROWS, blocks).max(axis=0)
        scores = scores[scores >= np.partition(tops, blocks - k)[blocks - k]]
        n = len(scores)
    return np.float32(np.partition(scores, n - k)[n - k])
