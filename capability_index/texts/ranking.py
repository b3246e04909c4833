"""One question to one segment: what the mask leaves, a first pass over all of it, a close look at the best."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from capability_index.analysis import Analysis
from capability_index.encoders.encoder import WordTable
from capability_index.lexical import K1
from capability_index.ranking.candidates import CandidateScores, Reader, score_words_and_meaning
from capability_index.ranking.intent import Intent, prepare
from capability_index.ranking.scoring import ScoredCandidates, score_candidates
from capability_index.ranking.spaces import NON_LATIN, QueryVectors, spaces_of
from capability_index.segment import TenantIndex
from capability_index.texts.columns import Mask, passing
from capability_index.texts.confidence import answers
from capability_index.texts.evidence import pair_number
from capability_index.texts.model_space import ModelVector, asked_in
from capability_index.vectors import best_rows
from capability_index.words import stems

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]
_DIGITS = 5
#: so many times as many rows are looked at closely in a model's space, of which the first pass reads a part of the coordinates
_WIDER = 4
#: a row with fewer, stop words left out, says little without what stands around it: a turn of a talk
SHORT_WORDS = 30


@dataclass(frozen=True, slots=True)
class Ranking:
    """The candidates by their ids, best first.

    `parts` add up to `scores`; `measures` say how well each fits by itself. `place`: of the row that was asked for, among all rows
    that could be found, from 1.
    """

    ids: NDArray[np.int64]
    scores: Floats
    parts: Mapping[str, Floats]
    measures: Mapping[str, Floats]
    #: the spaces of vectors by which they were scored, the first one that has a vector of the row; none: by words alone
    spaces: tuple[str, ...]
    #: of each candidate: whether it has a vector in the first of these
    is_in_first: NDArray[np.bool_]
    #: how sure the best one is; below 0 it is no answer
    sureness: float
    place: int = 0


def rank(
    held: TenantIndex,
    query: str,
    mask: Mask,
    table: WordTable | None,
    wanted: int,
    also: int | None = None,
    asked_as: ModelVector | None = None,
) -> Ranking | None:
    """Judge the best `wanted` rows of `held` that `mask` leaves, and the row with the id `also`; None where it leaves nothing.

    `asked_as`: the query as a model has it, beside which the vectors of `table` count less.
    """
    view = Reader.of([("", shard) for shard in held.shards])
    if not view.live:
        return None
    analysis = view.shards[0].part.analysis
    intent = prepare(query, table, splits=False)
    outer = asked_in(held, asked_as, analysis.words_share)
    senses = spaces_of(_inner(analysis, intent, view, table), outer, intent.non_latin)
    first = score_words_and_meaning(view, intent, senses)
    around = _around(analysis, view, first.fused) if analysis.around else None
    if around is not None:
        first.fused[:] += around
    view.keep_rows(first.fused, [passing(shard.part, mask) for shard in view.shards])
    looked_at = wanted if outer is None else wanted * _WIDER
    rows = best_rows(first.fused, min(looked_at, view.live))
    rows = np.sort(rows[first.fused[rows] > -np.inf])
    asked = None if also is None else _row_of(view, also)
    if asked is not None:
        rows = np.union1d(rows, [asked]).astype(np.intp)
    if not len(rows):
        return None
    judged = score_candidates(view, intent, first, senses, rows, table)
    parts = _parts(view, intent, first, senses, judged)
    if around is not None:
        parts["around"] = around[rows]
    scores = np.asarray(sum(parts.values()), np.float32)
    # Rounded, so that the last bits of a float do not decide between two rows that say the same.
    order = np.argsort(-np.round(scores, _DIGITS), kind="stable")
    best, place = int(order[0]), 0
    if asked is not None:
        place = _place(first.fused, rows[order], asked, looked_at)
        order = np.concatenate([order[:wanted], [at for at in order[wanted:] if rows[at] == asked]]).astype(np.intp)
    order = order if asked is not None else order[:wanted]
    measures = {"cosine": judged.cosines, "coverage": judged.coverage} | ({} if judged.outer is None else {"model_cosine": judged.outer})
    return Ranking(
        ids=_ids(view, rows)[order],
        scores=scores[order],
        parts={name: values[order] for name, values in parts.items()},
        measures={name: values[order] for name, values in measures.items()},
        spaces=tuple(sense.model for sense in senses),
        is_in_first=_has_vector(view, rows, senses)[order],
        sureness=_sureness(analysis, intent, senses, float(judged.cosines[best]), float(judged.coverage[best])),
        place=place,
    )


def _parts(
    view: Reader, intent: Intent, first: CandidateScores, senses: Sequence[QueryVectors], judged: ScoredCandidates
) -> dict[str, Floats]:
    """Return what adds up to the scores of the candidates, by name."""
    analysis, rows = view.shards[0].part.analysis, judged.rows
    lexical = _lexical(judged, first)
    parts = {"lexical": lexical, "vector": judged.fused - lexical}
    if analysis.sentences and any(not sense.outer for sense in senses):
        parts["vector"] = _by_sentences(view, rows, senses, first, judged)
    if analysis.pairs:
        parts["pairs"] = np.float32(analysis.pairs) * _pairs(view, rows, intent, first)
    return parts


def _place(fused: Floats, ranked: Rows, row: int, wanted: int) -> int:
    """Return the place of `row`, from 1: among the candidates, or for one that was only looked at by request that of the first pass."""
    at = int(np.flatnonzero(ranked == row)[0]) + 1
    return at if at <= wanted else max(at, 1 + int(np.count_nonzero(fused > fused[row])))


def _sureness(analysis: Analysis, intent: Intent, senses: Sequence[QueryVectors], cosine: float, coverage: float) -> float:
    means_something = any(not sense.outer for sense in senses) and intent.non_latin <= NON_LATIN
    return answers(analysis, cosine if means_something else None, coverage, len(intent.words_by_term))


def _inner(analysis: Analysis, intent: Intent, view: Reader, table: WordTable | None) -> QueryVectors | None:
    if table is None or intent.vectors is None or not view.has(table.model):
        return None
    share = table.fusion.words_share if analysis.words_share is None else analysis.words_share
    return QueryVectors(table.model, intent.vectors, 1.0, words_share=share)


def _has_vector(view: Reader, rows: Rows, senses: Sequence[QueryVectors]) -> NDArray[np.bool_]:
    """Say of each of `rows` whether it has a vector in the first space."""
    found = np.full(len(rows), bool(senses))
    for at, low, high in _shards_of(view, rows) if senses else ():
        if (lacking := view.shards[at].part.lacking(senses[0].model)) is not None:
            found[low:high] = ~lacking[rows[low:high] - view.starts[at]]
    return found


def _lexical(judged: ScoredCandidates, first: CandidateScores) -> Floats:
    weights = np.fromiter(first.idf_by_term.values(), np.float32, len(first.idf_by_term))
    scored = weights @ judged.by_term if len(weights) else np.zeros(len(judged.rows), np.float32)
    return np.asarray((scored * (K1 + 1) - first.words_scale.mean) * (first.words_scale.factor * first.words_weight), np.float32)


def _by_sentences(view: Reader, rows: Rows, senses: Sequence[QueryVectors], first: CandidateScores, judged: ScoredCandidates) -> Floats:
    """Return the vector part of the score, in the embedded table's space by the sentence that fits best."""
    found = np.zeros(len(rows), np.float32)
    for sense, scale, weight in zip(senses, first.sense_scales, first.sense_weights, strict=True):
        if sense.outer and judged.outer is not None:
            best = judged.outer
        else:
            best = judged.cosines.copy()
            for at, low, high in _shards_of(view, rows):
                local = rows[low:high] - view.starts[at]
                best[low:high] = view.shards[at].part.evidence.best_sentences(local, sense.vectors[0], judged.cosines[low:high])
        found += (best - scale.mean) * (scale.factor * weight)
    return found


def _pairs(view: Reader, rows: Rows, intent: Intent, first: CandidateScores) -> Floats:
    """Return what the pairs of words that a row shares with the query tell: each as much as the commoner of its two words."""
    idf = first.idf_by_term
    worth = {
        pair_number(*pair): min(idf[pair[0]], idf[pair[1]]) for pair in pairwise(stems(intent.text)) if pair[0] in idf and pair[1] in idf
    }
    found = np.zeros(len(rows), np.float32)
    for at, low, high in _shards_of(view, rows):
        found[low:high] = view.shards[at].part.evidence.pairs_found(rows[low:high] - view.starts[at], worth)
    return found


def _around(analysis: Analysis, view: Reader, fused: Floats) -> Floats:
    """Return what each short row gets of the scores of the rows before and after it in its document."""
    found = np.zeros(len(fused), np.float32)
    document, number = (analysis.columns.index(name) for name in ("document", "n"))
    for at, shard in enumerate(view.shards):
        part, place = shard.part, slice(int(view.starts[at]), int(view.starts[at + 1]))
        is_short = part.lengths[:, 0] < SHORT_WORDS
        if not is_short.any():
            continue
        is_next = (np.diff(part.columns[document]) == 0) & (np.diff(part.columns[number]) == 1)
        scores = np.where(np.isfinite(fused[place]), fused[place], 0)
        found[place][1:] += is_next * scores[:-1]
        found[place][:-1] += is_next * scores[1:]
        found[place] *= np.float32(analysis.around) * is_short
    return found


def _shards_of(view: Reader, rows: Rows) -> Iterator[tuple[int, int, int]]:
    """Yield each shard that has some of `rows`, which ascend, and where these begin and end."""
    edges = np.searchsorted(rows, view.starts).tolist()
    return ((at, low, high) for at, (low, high) in enumerate(pairwise(edges)) if low < high)


def _ids(view: Reader, rows: Rows) -> NDArray[np.int64]:
    found = np.empty(len(rows), np.int64)
    for at, low, high in _shards_of(view, rows):
        found[low:high] = view.shards[at].part.ids[rows[low:high] - view.starts[at]]
    return found


def _row_of(view: Reader, wanted: int) -> int | None:
    """Return the living row with this id."""
    for shard, start in zip(view.shards, view.starts.tolist(), strict=False):
        local = int(shard.part.rows_of(np.asarray([wanted]))[0])
        if local >= 0 and shard.lives(local):
            return int(start) + local
    return None
