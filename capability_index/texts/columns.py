"""Conditions on the numbers of rows, as one vectorised look at each column."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from capability_index.part import Alive, Ids, Segment

#: more values than these are looked up in a sorted list
_FEW_VALUES = 8


@dataclass(frozen=True, slots=True)
class Mask:
    """Which rows may be found, a conjunction: column <= value, column > value, column among values. Applied before anything is ranked."""

    at_most: Mapping[str, int] = field(default_factory=dict)
    more_than: Mapping[str, int] = field(default_factory=dict)
    among: Mapping[str, Sequence[int]] = field(default_factory=dict)


def passing(part: Segment, mask: Mask) -> Alive | None:
    """Return which rows of `part` meet `mask`; None: all of them. Raises KeyError: a column that the analysis does not have."""
    found: Alive | None = None
    for passes in _passes(part, mask):
        if found is None:
            found = passes
        else:
            found &= passes
    return found


def failed(part: Segment, row: int, mask: Mask) -> tuple[Mask, tuple[str, ...]]:
    """Return what is left of `mask` without the conditions that `row` does not meet, and these in words."""
    values = {name: int(part.columns[at, row]) for at, name in enumerate(part.analysis.columns)}
    at_most = {name: limit for name, limit in mask.at_most.items() if values[name] <= limit}
    more_than = {name: limit for name, limit in mask.more_than.items() if values[name] > limit}
    among = {name: wanted for name, wanted in mask.among.items() if values[name] in wanted}
    said = (
        *(f"{name} <= {limit}" for name, limit in mask.at_most.items() if name not in at_most),
        *(f"{name} > {limit}" for name, limit in mask.more_than.items() if name not in more_than),
        *(f"{name} among {list(wanted)}" for name, wanted in mask.among.items() if name not in among),
    )
    return Mask(at_most, more_than, among), said


def _passes(part: Segment, mask: Mask) -> Iterator[Alive]:
    """Yield which rows meet each condition that some rows meet and some do not; one array of nothing where none meets it."""
    places = {name: at for at, name in enumerate(part.analysis.columns)}
    for name, limit in mask.at_most.items():
        low, high = part.bounds[places[name]]
        if high > limit:
            yield part.columns[places[name]] <= limit if low <= limit else np.zeros(len(part), np.bool_)
    for name, limit in mask.more_than.items():
        low, high = part.bounds[places[name]]
        if low <= limit:
            yield part.columns[places[name]] > limit if high > limit else np.zeros(len(part), np.bool_)
    for name, wanted in mask.among.items():
        low, high = part.bounds[places[name]]
        possible = sorted({value for value in wanted if low <= value <= high})
        if low != high or not possible:
            yield _is_among(part.columns[places[name]], possible)


def _is_among(column: Ids, wanted: Sequence[int]) -> Alive:
    if len(wanted) > _FEW_VALUES:
        return np.isin(column, np.asarray(wanted, np.int64))
    found = np.zeros(len(column), np.bool_)
    for value in wanted:
        found |= column == value
    return found
