"""One search: score every visible row both ways, fuse, take the best."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capability_index.encoder import WordTable
from capability_index.lexical import add_term, inverse_frequency, query_terms
from capability_index.part import Shard
from capability_index.vectors import best_rows, scan

Floats = NDArray[np.float32]
_DENSE, _WORDS = 0.55, 0.45


@dataclass(frozen=True, slots=True)
class Visible:
    """What the caller may see: segments, and where given, which slugs of them. Applied before anything is ranked."""

    segments: tuple[str, ...]
    permits: Callable[[str], bool] | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A document found. `score` is absolute, 0-1, comparable between queries and catalogues."""

    slug: str
    segment: str
    score: float
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits, best first. `low_confidence`: nothing visible fits the intent well."""

    hits: tuple[Hit, ...]
    low_confidence: bool
    warnings: tuple[str, ...] = ()


def search(
    intent: str | Sequence[str], shards: Sequence[tuple[str, Shard]], visible: Visible, k: int, table: WordTable | None
) -> SearchResult:
    """Return the best `k` of the visible rows of `shards`."""
    texts = [intent] if isinstance(intent, str) else list(intent)
    total = sum(len(shard.part) for _, shard in shards)
    if total == 0 or k <= 0:
        return SearchResult((), True)
    starts = np.cumsum([0] + [len(shard.part) for _, shard in shards])
    words = np.zeros(total, np.float32)
    coverage = _score_words(texts, shards, starts, words)
    dense = np.zeros(total, np.float32)
    if table is not None:
        query = table.encode([" ".join(texts)])[0]
        for at, (_, shard) in enumerate(shards):
            if shard.part.vectors is not None:
                scan(shard.part.vectors, query, dense[starts[at] : starts[at + 1]])
    fused = _standard(words) * _WORDS + _standard(dense) * _DENSE
    for at, (_, shard) in enumerate(shards):
        if shard.alive is not None:
            fused[starts[at] : starts[at + 1]][~shard.alive] = -np.inf
    hits: list[Hit] = []
    for row in best_rows(fused, total if visible.permits else k):
        at = int(np.searchsorted(starts, row, "right")) - 1
        name, shard = shards[at]
        slug = shard.part.slugs[int(row - starts[at])]
        if fused[row] == -np.inf:
            break
        if visible.permits is None or visible.permits(slug):
            score = 1 / (1 + np.exp(-(8 * dense[row] + 4 * words[row] / coverage - 5)))
            hits.append(Hit(slug, name, min([float(score), *(hit.score for hit in hits[-1:])])))
            if len(hits) == k:
                break
    return SearchResult(tuple(hits), not hits or hits[0].score < 0.35)


def _score_words(texts: Sequence[str], shards: Sequence[tuple[str, Shard]], starts: NDArray[np.int64], scores: Floats) -> float:
    """Add the BM25F score of each row to `scores`; return the most that a row could have."""
    live = sum(shard.live for _, shard in shards)
    most = 1e-6
    for term in query_terms(texts):
        ids = [shard.part.postings.term_ids.get(term) for _, shard in shards]
        frequency = sum(int(shard.frequencies[found]) for found, (_, shard) in zip(ids, shards, strict=True) if found is not None)
        idf = inverse_frequency(live, frequency)
        most += idf
        for at, found in enumerate(ids):
            if found is not None:
                add_term(scores[starts[at] : starts[at + 1]], shards[at][1].part.postings, found, idf)
    return most


def _standard(scores: Floats) -> Floats:
    spread = float(scores.std())
    return np.zeros_like(scores) if spread == 0 else np.asarray((scores - scores.mean()) / spread, np.float32)
