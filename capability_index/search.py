"""One search: what is visible, a first pass over all of it, a second over the best, and how sure that leaves us."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capability_index.encoders.encoder import Encoder, WordTable
from capability_index.errors import EncoderUnavailable, RerankerUnavailable
from capability_index.part import Shard
from capability_index.ranking.asked import Asked
from capability_index.ranking.candidates import (
    CANDIDATES,
    CandidateScores,
    Reader,
    candidates,
    score_words_and_meaning,
)
from capability_index.ranking.confidence import low_of, scores
from capability_index.ranking.intent import Intent
from capability_index.ranking.named_providers import prepared
from capability_index.ranking.reasons import reasons
from capability_index.ranking.reranker import RERANKED, Reranker
from capability_index.ranking.scoring import ScoredCandidates, score_candidates
from capability_index.ranking.search_feedback import Bonus
from capability_index.ranking.spaces import QueryVectors, spaces_of
from capability_index.ranking.verbs import families_of

MAX_INTENTS = 5
_USED_BEFORE = 0.75
_DIGITS = 5
_MET, _MAX_UNMET = 0.1, 3


@dataclass(frozen=True, slots=True)
class Visible:
    """What the caller may see: segments, and where given, which providers and which slugs of them. Applied before anything is ranked.

    Naming `providers` is the fast way: a `permits` that few slugs pass is asked of many.
    """

    segments: tuple[str, ...]
    permits: Callable[[str], bool] | None = None
    providers: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A document found. `score` is absolute, 0-1, comparable between queries and catalogues. `reasons` where asked for."""

    slug: str
    segment: str
    score: float
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits, best first. `low_confidence`: nothing visible fits the intent well. `warnings`: what the search had to do without."""

    hits: tuple[Hit, ...]
    low_confidence: bool
    warnings: tuple[str, ...] = ()
    #: words of the intent that no visible operation has, nor one near them; of several texts none
    unmet: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchResources:
    """What a search has to work with. `encoder` is the configured one beside the embedded `table`."""

    table: WordTable | None
    encoder: Encoder | None = None
    reranker: Reranker | None = None
    #: (segment, vector of the intent, what it asks for) -> bonus by slug
    bonuses: Callable[[str, NDArray[np.float32], Asked], Mapping[str, Bonus]] | None = None


@dataclass(frozen=True, slots=True)
class ScoredIntent:
    """The candidates of one intent, with their absolute scores."""

    view: Reader
    intent: Intent
    first: CandidateScores
    senses: Sequence[QueryVectors]
    judged: ScoredCandidates
    scores: NDArray[np.float32]
    bonus_by_row: Mapping[int, Bonus]


def search(
    intent: str | Sequence[str],
    shards: Sequence[tuple[str, Shard]],
    visible: Visible,
    k: int,
    means: SearchResources,
    explain: bool = False,
) -> SearchResult:
    """Return the best `k` of the visible rows of `shards`; of several texts, the best of each by turns, then by score."""
    texts = [intent] if isinstance(intent, str) else list(intent)[:MAX_INTENTS]
    view = Reader.of(shards)
    if view.live == 0 or k <= 0 or not texts:
        return SearchResult((), True)
    warnings: list[str] = []
    judged = [find(text, view, visible, k, means, warnings) for text in texts]
    found = [_hits(text, one, k, means, explain, warnings) for text, one in zip(texts, judged, strict=True)]
    hits = found[0] if len(found) == 1 else _by_turns(found, k)
    unmet = _unmet(judged[0]) if len(judged) == 1 else ()
    return SearchResult(tuple(hits), not hits or hits[0].score < low_of(means.table), tuple(dict.fromkeys(warnings)), unmet)


def _unmet(found: ScoredIntent | None) -> tuple[str, ...]:
    """Return the products that are no providers here, and the words, verbs left out, that found nothing in any candidate."""
    if found is None:
        return ()
    best = found.judged.by_term.max(axis=1, initial=0)
    words = zip(found.intent.words_by_term.values(), best.tolist(), strict=True)
    unmet = (word for word, share in words if share < _MET and not families_of(word))
    return tuple(dict.fromkeys((*found.intent.products, *unmet)))[:_MAX_UNMET]


def find(text: str, view: Reader, visible: Visible, k: int, means: SearchResources, warnings: list[str]) -> ScoredIntent | None:
    """Judge the candidates for one intent; None where nothing is visible."""
    intent = prepared(text, (shard.part for shard in view.shards), means.table)
    senses = spaces_of(_inner(view, intent, means.table), _outer(text, view, means, warnings), intent.non_latin)
    first = score_words_and_meaning(view, intent, senses)
    if visible.providers is not None:
        view.keep_providers(first.fused, visible.providers)
    rows = candidates(view, first.fused, visible.permits, max(k, CANDIDATES))
    bonus_by_row = _bonuses(view, intent, visible, means, first)
    if bonus_by_row:
        rows = np.union1d(rows, np.fromiter(bonus_by_row, np.intp, len(bonus_by_row)))
    if not len(rows):
        return None
    judged = score_candidates(view, intent, first, senses, rows, means.table)
    absolute = scores(intent, judged, first, senses, view, means.table)
    for row, bonus in bonus_by_row.items():
        at = int(np.searchsorted(rows, row))
        # What was called for such an intent says better what was asked than its words do.
        judged.fused[at] += bonus.worth + bonus.sureness * (judged.structure.worth.max() - judged.structure.worth[at])
        if bonus.cosine > _USED_BEFORE:
            absolute[at] = max(float(absolute[at]), bonus.cosine)
    return ScoredIntent(view, intent, first, senses, judged, absolute, bonus_by_row)


def _hits(text: str, found: ScoredIntent | None, k: int, means: SearchResources, explain: bool, warnings: list[str]) -> list[Hit]:
    if found is None:
        return []
    view = found.view
    judged, depth = found.judged, max(k, RERANKED if means.reranker else 0)
    # Rounded, so that the last bits of a float do not decide between two rows that say the same.
    best = np.argsort(-np.round(judged.fused, _DIGITS), kind="stable")[:depth]
    rows = judged.rows[best]
    shards = np.searchsorted(view.starts, rows, "right") - 1
    places = list(zip(best.tolist(), rows.tolist(), shards.tolist(), (rows - view.starts[shards]).tolist(), strict=True))
    names = [(view.names[shard], view.shards[shard].part.operations.slugs[local]) for _, _, shard, local in places]
    hits: list[Hit] = []
    ceiling = 1.0
    for rank in _reranked(text, names, means, warnings)[:k]:
        (at, row, _, _), (segment, slug) = places[rank], names[rank]
        ceiling = min(ceiling, float(found.scores[at]))
        why = reasons(view, found.intent, judged, at, row in found.bonus_by_row) if explain else ()
        hits.append(Hit(slug, segment, round(ceiling, _DIGITS), why))
    return hits


def _inner(view: Reader, intent: Intent, table: WordTable | None) -> QueryVectors | None:
    if table is None or intent.vectors is None or not view.has(table.model):
        return None
    return QueryVectors(table.model, intent.vectors, 1.0, words_share=table.fusion.words_share)


def _outer(text: str, view: Reader, means: SearchResources, warnings: list[str]) -> QueryVectors | None:
    """Return the intent in the configured encoder's space; None, with a warning, where that cannot be had."""
    if means.encoder is None:
        return None
    if not view.has(means.encoder.model):
        warnings.append(f"encoder {means.encoder.model}: not every operation has its vectors yet; searched without it")
        return None
    try:
        return QueryVectors.of_model(means.encoder.model, means.encoder.encode([text]))
    except EncoderUnavailable as error:
        warnings.append(f"{error}; searched without it")
        return None


def _bonuses(view: Reader, intent: Intent, visible: Visible, means: SearchResources, first: CandidateScores) -> dict[int, Bonus]:
    """Return by row what past use adds, for rows that live and are permitted."""
    if means.bonuses is None or intent.vectors is None:
        return {}
    found: dict[int, Bonus] = {}
    for segment in dict.fromkeys(visible.segments):
        for slug, bonus in means.bonuses(segment, intent.vectors[0], intent.asked).items():
            if (visible.permits is None or visible.permits(slug)) and (row := view.find(slug)) is not None and first.fused[row] > -np.inf:
                found[row] = max(bonus, found.get(row, bonus))
    return found


def _reranked(text: str, names: Sequence[tuple[str, str]], means: SearchResources, warnings: list[str]) -> list[int]:
    """Return the places of `names`, the first fifty in the reranker's order where there is one and it answers in time."""
    places = list(range(len(names)))
    if means.reranker is None or not names:
        return places
    try:
        worth = means.reranker.judge(text, names[:RERANKED])
    except RerankerUnavailable as error:
        warnings.append(f"{error}; ranked without it")
        return places
    return [*sorted(places[:RERANKED], key=lambda place: (-worth[place], place)), *places[RERANKED:]]


def _by_turns(found: Sequence[Sequence[Hit]], k: int) -> list[Hit]:
    """Return the best of each list by turns, `k` in all, then by score: no sub-task is crowded out by another."""
    chosen: dict[tuple[str, str], Hit] = {}
    for rank in range(max(len(hits) for hits in found)):
        for hits in found:
            if rank < len(hits) and len(chosen) < k:
                hit = hits[rank]
                held = chosen.get((hit.segment, hit.slug), hit)
                chosen[hit.segment, hit.slug] = max(hit, held, key=lambda entry: entry.score)
    return sorted(chosen.values(), key=lambda hit: -hit.score)
