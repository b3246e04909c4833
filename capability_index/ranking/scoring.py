"""The second pass over the candidates: words that mean the same, each clause by itself, names."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capability_index.encoders.encoder import WordTable
from capability_index.lexical import K1, SCALE, Postings
from capability_index.part import Segment, Shard
from capability_index.ranking.candidates import CandidateScores, Reader
from capability_index.ranking.intent import Intent
from capability_index.ranking.query_expansion import NearTerms, near_by_table
from capability_index.ranking.spaces import QueryVectors, exact
from capability_index.ranking.structure import Structure, judge_structure
from capability_index.ranking.verbs import only_makes_or_reads, removes

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]
#: what removing costs where it was not asked for, in standard deviations: enough between equals, too little to hide what fits best
REMOVES_UNASKED = 0.3
_VERBS_READ = 50
_LONG_POSTING = 8_192
_MANY_TOKENS = 512


@dataclass(frozen=True, slots=True)
class ScoredCandidates:
    """The candidates by row: `fused` orders them; the rest are absolute and say how well each fits.

    `by_term` (terms, n): what each word of the intent found, in units of its idf. `cosines` (n,) with the whole intent,
    `clauses` (n,) with the clause that fits best, `clause_at` its number or -1, `names` (n,) with the name alone.
    """

    rows: Rows
    fused: Floats
    by_term: Floats
    coverage: Floats
    cosines: Floats
    clauses: Floats
    clause_at: NDArray[np.intp]
    names: Floats
    #: cosines in the configured encoder's space, where the intent has a vector there
    outer: Floats | None
    structure: Structure


def score_candidates(
    view: Reader, intent: Intent, first: CandidateScores, senses: Sequence[QueryVectors], rows: Rows, table: WordTable | None
) -> ScoredCandidates:
    """Judge the candidate `rows`, ascending."""
    n = len(rows)
    by_term = np.zeros((len(first.idf_by_term), n), np.float32)
    whole, best, names = np.zeros(n, np.float32), np.zeros(n, np.float32), np.zeros(n, np.float32)
    clause_at = np.full(n, -1, np.intp)
    fused, outer = np.zeros(n, np.float32), np.zeros(n, np.float32)
    structure = Structure.of_nothing(n)
    has_outer = any(sense.outer for sense in senses)
    edges = np.searchsorted(rows, view.starts)
    for at, shard in enumerate(view.shards):
        low, high = int(edges[at]), int(edges[at + 1])
        if low == high:
            continue
        local = rows[low:high] - view.starts[at]
        near = _near(shard.part, intent, table)
        if len(near.ids):
            _expanded_words(view.live, shard, near, first, local, by_term[:, low:high])
        found = judge_structure(shard.part, local, intent.asked, near, first.idf_by_term, view.named_groups(at, intent))
        if found is not None and high - low == n:
            structure = found
        elif found is not None:
            structure.put(low, found)
        by_sense = exact(shard.part, local, senses, first.sense_scales)
        for sense, cosines, scale, weight in zip(senses, by_sense, first.sense_scales, first.sense_weights, strict=True):
            if table is not None and not sense.outer:
                name_share, clause_share = np.float32(table.fusion.name_share), np.float32(table.fusion.clause_share)
                joined = cosines
                if len(shard.part.operations):
                    named = _name_cosines(shard.part, local, sense.vectors, table)
                    joined = (1 - name_share) * cosines + name_share * named
                    names[low:high] = named.max(axis=0)
                blend = joined[0]
                whole[low:high] = best[low:high] = cosines[0]
                if len(cosines) > 1:
                    blend = (1 - clause_share) * joined[0] + clause_share * joined[1:].max(axis=0)
                    clause_at[low:high] = joined[1:].argmax(axis=0)
                    best[low:high] = cosines[1:].max(axis=0)
            else:
                blend = cosines[0]
                outer[low:high] = cosines[0]
            fused[low:high] += (blend - scale.mean) * (scale.factor * weight)
    weights = np.fromiter(first.idf_by_term.values(), np.float32, len(first.idf_by_term))
    scored = weights @ by_term if len(weights) else np.zeros(n, np.float32)
    fused += (scored * (K1 + 1) - first.words_scale.mean) * (first.words_scale.factor * first.words_weight)
    if view.has_operations and not structure.known.all() and only_makes_or_reads(intent.words_by_term):
        for at in np.argsort(-fused)[:_VERBS_READ].tolist():
            fused[at] -= REMOVES_UNASKED * (not structure.known[at] and removes(view.slug(int(rows[at]))))
    fused = structure.added(fused)
    coverage = np.asarray(scored / max(float(weights.sum()), 1e-6), np.float32)
    return ScoredCandidates(rows, fused, by_term, coverage, whole, best, clause_at, names, outer if has_outer else None, structure)


def _near(part: Segment, intent: Intent, table: WordTable | None) -> NearTerms:
    """Return the terms of `part` that the words of the intent meet: without vectors only themselves."""
    if table is not None and part.neighbours is not None:
        return NearTerms.of(part.neighbours.near(intent.words_by_term, part.postings.term_ids, table))
    if table is not None and part.analysis.expands:
        return NearTerms.of(near_by_table(intent.words_by_term, part.postings.term_ids, table))
    own = [part.postings.term_ids.get(term) for term in intent.words_by_term]
    return NearTerms.of([(np.asarray([] if at is None else [at], np.int32), np.ones(int(at is not None), np.float32)) for at in own])


def _expanded_words(live: int, shard: Shard, near: NearTerms, first: CandidateScores, rows: Rows, out: Floats) -> None:
    """Write to `out` (terms, rows) the best that any word near a term finds in each row, as a share of the term's idf."""
    part, terms, ids = shard.part, near.terms, near.ids
    idf = np.fromiter(first.idf_by_term.values(), np.float32, len(first.idf_by_term))
    # A rare word that is only near must not outweigh the word that was said.
    frequencies = shard.frequencies[ids]
    factors = near.worth * np.minimum(np.log1p((live - frequencies + 0.5) / (frequencies + 0.5)) / idf[terms], 1)
    _take_best(part.postings, len(part), terms, ids, factors, rows, out)


def _take_best(
    postings: Postings, documents: int, terms: NDArray[np.intp], ids: NDArray[np.int32], factors: Floats, rows: Rows, out: Floats
) -> None:
    """Raise `out[term, candidate]` to `factor` times the stored weight, for each (term, posting, factor)."""
    starts, ends = postings.starts[ids], postings.starts[ids + 1]
    factors = factors / np.float32(SCALE)
    short = ends - starts <= _LONG_POSTING
    sizes = (ends - starts)[short]
    total = int(sizes.sum())
    if total:
        place = np.full(documents, -1, np.int32)
        place[rows] = np.arange(len(rows), dtype=np.int32)
        flat = np.repeat(starts[short] - np.cumsum(sizes) + sizes, sizes) + np.arange(total)
        found = place[postings.rows[flat]]
        kept = np.flatnonzero(found >= 0)
        entry = np.repeat(np.flatnonzero(short), sizes)[kept]
        np.maximum.at(out, (terms[entry], found[kept]), postings.weights[flat[kept]] * factors[entry])
    for at in np.flatnonzero(~short).tolist():
        span = postings.rows[starts[at] : ends[at]]
        spots = np.minimum(np.searchsorted(span, rows), len(span) - 1)
        hit = span[spots] == rows
        row = out[terms[at]]
        np.maximum(row, hit * postings.weights[starts[at] : ends[at]][spots] * factors[at], out=row)


def _name_cosines(part: Segment, rows: Rows, vectors: Floats, table: WordTable) -> Floats:
    """Return the cosines (len(vectors), len(rows)) of the names of `rows`, whose vectors are summed from their tokens."""
    names = part.operations.names
    places, sizes = names.tokens.places(rows)
    filled = sizes > 0
    found = np.zeros((len(vectors), len(rows)), np.float32)
    if not filled.any():
        return found
    begins = (np.cumsum(sizes) - sizes)[filled]
    tokens = names.tokens.values[places]
    # Names of one catalogue share their words.
    if len(tokens) > _MANY_TOKENS:
        unique, which = np.unique(tokens, return_inverse=True)
        dots = table.dots(vectors, unique)[:, which]
    else:
        dots = table.dots(vectors, tokens)
    found[:, filled] = np.add.reduceat(dots, begins, axis=1) * names.scales[rows[filled]]
    return found
