"""The first pass: every visible row scored by words and by meaning, and the most promising few hundred of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capability_index.lexical import add_term, inverse_frequency
from capability_index.part import Alive, Shard
from capability_index.ranking.intent import Intent
from capability_index.ranking.spaces import NON_LATIN, QueryVectors, Scale, scanned
from capability_index.ranking.structure import PROVIDER
from capability_index.vectors import best_rows

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]
#: how many rows the second pass looks at (measured: 100, 300 and 600 give the same nDCG@10)
CANDIDATES = 100
#: share of the words in the fused score (the rest is meaning) for an intent in a script that the embedded table hardly knows
#: (measured: 69.3 nDCG against 65.9), beside a configured encoder too, unless that reads more than English
WORDS_SHARE_NON_LATIN = 0.85
# Words count in full where some row stands out by ten standard deviations; where none does, the match is of everyday words.
_PEAK, _LEAST_PEAK, _MOST_PEAK = 10.0, 0.5, 1.2


@dataclass(frozen=True, slots=True)
class Reader:
    """What one search looks at: the shards of the visible segments, their rows numbered one after the other."""

    names: tuple[str, ...]
    shards: tuple[Shard, ...]
    #: first row of each shard, and the number of all rows
    starts: NDArray[np.int64]
    live: int

    @staticmethod
    def of(shards: Sequence[tuple[str, Shard]]) -> "Reader":
        starts = np.cumsum([0, *(len(shard.part) for _, shard in shards)])
        return Reader(
            tuple(name for name, _ in shards), tuple(shard for _, shard in shards), starts, sum(shard.live for _, shard in shards)
        )

    @property
    def has_operations(self) -> bool:
        return any(len(shard.part.operations) for shard in self.shards)

    @property
    def rows(self) -> int:
        return int(self.starts[-1])

    def place(self, row: int) -> tuple[int, int]:
        """Return shard and row in it."""
        at = int(np.searchsorted(self.starts, row, "right")) - 1
        return at, row - int(self.starts[at])

    def slug(self, row: int) -> str:
        at, local = self.place(row)
        return self.shards[at].part.operations.slugs[local]

    def providers_of(self, rows: Rows) -> list[str]:
        """Return the provider of each of a few rows."""
        places = (np.searchsorted(self.starts, rows, "right") - 1).tolist()
        return [self.shards[at].part.operations.group_of(row - int(self.starts[at])) for at, row in zip(places, rows.tolist(), strict=True)]

    def has(self, model: str) -> bool:
        """Say whether every shard has vectors of this model."""
        return all(model in shard.part.matrices for shard in self.shards)

    def find(self, slug: str) -> int | None:
        """Return the row of the living document of `slug`, in the first segment that has one."""
        for shard, start in zip(self.shards, self.starts.tolist(), strict=False):
            row = shard.part.find(slug)
            if row is not None and shard.lives(row):
                return int(start) + row
        return None

    def named_groups(self, at: int, intent: Intent) -> list[int] | None:
        """Return the groups of shard `at` that the intent names; None where it names no provider."""
        if not intent.providers:
            return None
        ids = self.shards[at].part.operations.group_by_word
        return [ids[word] for word in intent.providers if word in ids]

    def is_named(self, row: int, intent: Intent) -> bool:
        """Say whether the intent names the provider of `row`."""
        at, local = self.place(row)
        return int(self.shards[at].part.operations.group_ids[local]) in (self.named_groups(at, intent) or ())

    def keep_providers(self, fused: Floats, providers: frozenset[str]) -> None:
        """Write -inf to `fused` for the rows of all other providers."""
        for at, shard in enumerate(self.shards):
            kept = np.asarray([name in providers for name in shard.part.operations.groups], np.bool_)
            fused[self.starts[at] : self.starts[at + 1]][~kept[shard.part.operations.group_ids]] = -np.inf

    def keep_rows(self, fused: Floats, masks: Sequence[Alive | None]) -> None:
        """Write -inf to `fused` for the rows that the mask of their shard leaves out."""
        for at, mask in enumerate(masks):
            if mask is not None:
                # Without a branch a row: where a mask leaves half of the rows, assigning by it takes ten times as long.
                bound = mask.astype(np.float32)
                bound -= np.float32(0.5)
                bound *= np.float32(np.inf)
                part_fused = fused[self.starts[at] : self.starts[at + 1]]
                np.minimum(part_fused, bound, out=part_fused)

    def frequency(self, term: str) -> int:
        found = 0
        for shard in self.shards:
            at = shard.part.postings.term_ids.get(term)
            if at is not None:
                found += int(shard.frequencies[at])
        return found


@dataclass(frozen=True, slots=True)
class CandidateScores:
    """`fused` has -inf for dead rows. `words_weight` and `sense_weights` are what a standard deviation of each side is worth."""

    fused: Floats
    words_scale: Scale
    words_weight: float
    sense_scales: tuple[Scale, ...]
    sense_weights: tuple[float, ...]
    idf_by_term: Mapping[str, float]


def score_words_and_meaning(view: Reader, intent: Intent, senses: Sequence[QueryVectors]) -> CandidateScores:
    """Score every row of `view`, which has at least one that lives."""
    idf_by_term = {term: inverse_frequency(view.live, view.frequency(term)) for term in intent.words_by_term}
    fused = np.zeros(view.rows, np.float32)
    _score_words(view, idf_by_term, fused)
    words_scale = Scale.of(fused, view.live)
    peak = (float(fused.max()) - words_scale.mean) * words_scale.factor
    share = _words_share(intent, senses)
    words_weight = share * min(max(peak / _PEAK, _LEAST_PEAK), _MOST_PEAK)
    fused *= np.float32(words_weight * words_scale.factor)
    by_sense, scales = scanned(view.shards, view.starts, senses)
    weights = tuple((1 - share) * sense.share for sense in senses)
    for cosines, scale, weight in zip(by_sense, scales, weights, strict=True):
        cosines *= np.float32(weight * scale.factor)
        fused += cosines
    for at, shard in enumerate(view.shards):
        part_fused = fused[view.starts[at] : view.starts[at + 1]]
        if named := view.named_groups(at, intent):
            part_fused += np.float32(PROVIDER) * np.isin(shard.part.operations.group_ids, named)
        if shard.alive is not None:
            part_fused[~shard.alive] = -np.inf
    return CandidateScores(fused, words_scale, words_weight, scales, weights, idf_by_term)


def _words_share(intent: Intent, senses: Sequence[QueryVectors]) -> float:
    if not senses:
        return 1.0
    if intent.non_latin > NON_LATIN and not any(sense.is_multilingual for sense in senses):
        return WORDS_SHARE_NON_LATIN
    return senses[0].words_share


def _score_words(view: Reader, idf_by_term: Mapping[str, float], scores: Floats) -> None:
    for at, shard in enumerate(view.shards):
        postings, part_scores = shard.part.postings, scores[view.starts[at] : view.starts[at + 1]]
        for term, idf in idf_by_term.items():
            found = postings.term_ids.get(term)
            if found is not None:
                add_term(part_scores, postings, found, idf)
        if shard.alive is not None:
            part_scores *= shard.alive


def candidates(view: Reader, fused: Floats, permits: Callable[[str], bool] | None, wanted: int) -> Rows:
    """Return the best rows that are permitted, ascending: at least `wanted` of them where there are as many.

    Going down the ranking until enough rows are permitted finds the same rows as filtering all of them first.
    """
    depth = max(CANDIDATES, wanted)
    if permits is None:
        rows = best_rows(fused, min(depth, view.live))
        return np.sort(rows[fused[rows] > -np.inf])
    chosen: list[int] = []
    seen = 0
    while True:
        rows = best_rows(fused, min(depth, view.live))
        rows = rows[fused[rows] > -np.inf]
        chosen += [row for row in rows[seen:].tolist() if permits(view.slug(row))]
        seen = len(rows)
        if len(chosen) >= max(wanted, CANDIDATES // 2) or seen < min(depth, view.live) or seen == view.live:
            return np.sort(np.asarray(chosen, np.intp))
        depth *= 4
