"""Rows of different lengths in two arrays: the values of all rows one after the other, and where each row ends."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Ragged:
    """Row `r` has `values[ends[r - 1]:ends[r]]`. Never written after it is made."""

    values: NDArray[Any]
    ends: NDArray[np.uint32]

    @staticmethod
    def of(values: NDArray[Any], sizes: Sequence[int] | NDArray[Any]) -> "Ragged":
        return Ragged(values, np.cumsum(np.asarray(sizes, np.int64)).astype(np.uint32))

    def sizes(self, rows: Rows) -> NDArray[np.int64]:
        """Return how many values each of a few rows has."""
        ends = self.ends[rows].astype(np.int64)
        return np.asarray(ends - np.where(rows > 0, self.ends[rows - 1], 0), np.int64)

    def places(self, rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where the values of `rows` lie, row after row, and how many each row has."""
        sizes = self.sizes(rows)
        starts = self.ends[rows].astype(np.int64) - sizes
        return np.repeat(starts - np.cumsum(sizes) + sizes, sizes) + np.arange(int(sizes.sum())), sizes

    @staticmethod
    def joined(held: Iterable[tuple["Ragged", Rows]]) -> "Ragged":
        """Join some rows of several."""
        values, sizes = [], []
        for ragged, rows in held:
            places, counts = ragged.places(rows)
            values.append(ragged.values[places])
            sizes.append(counts)
        return Ragged.of(np.concatenate(values), np.concatenate(sizes))
