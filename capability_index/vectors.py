"""Rows of unit vectors: scan them all, take the best."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from capability_index.accelerator import INT8_SCAN
from capability_index.encoders.word_file import int8_rows

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]
#: below this a float scan fits the processor's cache, and a second copy of the rows would only cost memory
INT8_FROM_ROWS = 30_000
_BLOCK_ROWS = 64
#: coordinates that a scan of coded rows reads; of few rows, which take no more memory than these of 256 coordinates, it reads all of them
HEAD = 64
CODED_FROM_ROWS, CODED_FROM_NUMBERS = 8_192, 8_192 * 256
_CHUNK_ROWS = 65_536


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

    @property
    def lacking(self) -> NDArray[np.bool_] | None:
        """None: every row has its vector."""
        return None

    def scan(self, query: Floats, out: Floats) -> None:
        """Write the cosine of each row to the unit vector `query` into `out`; from int8 codes it is off by less than 0.01."""
        if INT8_SCAN is not None and self.codes is not None and self.scales is not None:
            INT8_SCAN(self.codes, self.scales, query, out)
        else:
            np.dot(self.rows, query, out=out)

    def exact(self, rows: Rows, queries: Floats) -> Floats:
        """Return the exact cosines (len(queries), len(rows)) of a few rows."""
        return np.asarray(queries @ self.rows[rows].T, np.float32)


@dataclass(frozen=True, slots=True)
class CodedMatrix:
    """(n, d) unit rows as int8 `codes` with a scale each, and their first `HEAD` coordinates on axes of their own as float32.

    Half the memory of float32, and a scan reads a quarter of it: what the head leaves out is too little to keep a row out of the
    candidates, which are scored by their codes. Few rows have all coordinates in their head, and no `axes`. A row whose vector is not
    there yet has the scale 0.
    """

    codes: NDArray[np.int8]
    scales: Floats
    head: Floats
    #: (d, HEAD) the directions in which these very rows differ most; (0, 0) where the head has all of them
    axes: Floats
    #: which rows have no vector yet; None: all have theirs
    lacking: NDArray[np.bool_] | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        lacking = self.scales == 0
        object.__setattr__(self, "lacking", lacking if lacking.any() else None)

    @staticmethod
    def of(rows: Floats) -> "CodedMatrix":
        return CodedMatrix.of_codes(*int8_rows(rows))

    @staticmethod
    def of_codes(codes: NDArray[np.int8], scales: Floats) -> "CodedMatrix":
        n, d = codes.shape
        if (n < CODED_FROM_ROWS and n * d < CODED_FROM_NUMBERS) or d <= 2 * HEAD:
            return CodedMatrix(codes, scales, codes * scales[:, None], np.zeros((0, 0), np.float32))
        known = np.flatnonzero(scales)
        sample = known[:: max(len(known) * d // CODED_FROM_NUMBERS, 1)]
        rows = codes[sample] * scales[sample, None]
        # Eigenvalues ascend. Not centred: a cosine counts from the origin.
        axes = np.ascontiguousarray(np.linalg.eigh(rows.T @ rows)[1][:, -HEAD:], np.float32)
        return CodedMatrix(codes, scales, _heads(codes, scales, axes), axes)

    def __len__(self) -> int:
        return len(self.codes)

    def scan(self, query: Floats, out: Floats) -> None:
        """Write the cosine of each row to the unit vector `query` into `out`, as far as the head knows it."""
        np.dot(self.head, query @ self.axes if len(self.axes) else query, out=out)

    @staticmethod
    def filled(n: int, held: "CodedMatrix | None", rows: Rows, codes: NDArray[np.int8], scales: Floats) -> "CodedMatrix":
        """Return a matrix of `n` rows: `held`, where there is one, with the vectors of some `rows`."""
        all_codes = np.zeros((n, codes.shape[1]), np.int8) if held is None else held.codes.copy()
        all_scales = np.zeros(n, np.float32) if held is None else held.scales.copy()
        all_codes[rows], all_scales[rows] = codes, scales
        if held is None or not len(held.axes):
            return CodedMatrix.of_codes(all_codes, all_scales)
        # The axes stay: finding them takes longer than all else, and a merge finds them anew.
        head = held.head.copy()
        head[rows] = _heads(codes, scales, held.axes)
        return CodedMatrix(all_codes, all_scales, head, held.axes)

    def exact(self, rows: Rows, queries: Floats) -> Floats:
        """Return the cosines (len(queries), len(rows)) of a few rows; int8 takes less than 0.01."""
        return np.asarray((queries @ self.codes[rows].astype(np.float32).T) * self.scales[rows], np.float32)


def _heads(codes: NDArray[np.int8], scales: Floats, axes: Floats) -> Floats:
    """Return the coordinates of rows on `axes`."""
    head = np.empty((len(codes), axes.shape[1]), np.float32)
    for start in range(0, len(codes), _CHUNK_ROWS):
        chunk = slice(start, start + _CHUNK_ROWS)
        head[chunk] = (codes[chunk].astype(np.float32) @ axes) * scales[chunk, None]
    return head


def whole_rows(matrix: Matrix | CodedMatrix) -> Floats:
    """Return all rows as float32; of codes a copy."""
    return matrix.rows if isinstance(matrix, Matrix) else matrix.codes * matrix.scales[:, None]


def joined_matrices(held: Sequence[tuple[Matrix | CodedMatrix, Rows]]) -> Matrix | CodedMatrix:
    """Join some rows of several matrices of one kind."""
    coded = [(matrix, rows) for matrix, rows in held if isinstance(matrix, CodedMatrix)]
    if coded:
        codes = np.concatenate([matrix.codes[rows] for matrix, rows in coded])
        return CodedMatrix.of_codes(codes, np.concatenate([matrix.scales[rows] for matrix, rows in coded]))
    return Matrix.of(np.concatenate([matrix.rows[rows] for matrix, rows in held if isinstance(matrix, Matrix)]))


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
