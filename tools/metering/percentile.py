"""What most of many values stay below, read from how many fell into each bucket."""

from collections.abc import Sequence


def percentile(counts: Sequence[int], ends: Sequence[float], share: float) -> float | None:
    """Return below which value `share` of all stay, read within its bucket by interpolation; None: there were none.

    `ends`: the upper end of each bucket, in the unit of the answer.
    """
    total = sum(counts)
    if not total:
        return None
    wanted, before = share * total, 0
    for place, count in enumerate(counts):
        if count and before + count >= wanted:
            low = ends[place - 1] if place else 0.0
            return low + (ends[place] - low) * (wanted - before) / count
        before += count
    return float(ends[-1])
