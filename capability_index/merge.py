"""Make one part of several shards, without the texts: what is dead stays behind."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from capability_index.lexical import Lengths, Postings, relative_weights
from capability_index.operations import Operations
from capability_index.part import Floats, Segment, Shard
from capability_index.ranking.query_expansion import Neighbours
from capability_index.texts.evidence import Evidence
from capability_index.vectors import joined_matrices

Rows = NDArray[np.intp]


def merge(shards: Sequence[Shard], reference: Floats) -> Segment:
    """Return the living rows of `shards` as one part, in their order. Spaces that not all of them have are left out.

    `reference`: the mean words of each field in the whole segment, where lengths are relative to it.
    """
    parts = [shard.part for shard in shards]
    kept = [np.arange(len(shard.part)) if shard.alive is None else np.flatnonzero(shard.alive) for shard in shards]
    each = list(zip(parts, kept, strict=True))
    lengths = np.concatenate([part.lengths[rows] for part, rows in each])
    postings, term_maps = _postings(shards, kept, lengths, reference)
    models = [model for model in parts[0].matrices if all(model in part.matrices for part in parts)]
    return Segment.of(
        parts[0].analysis,
        ids=np.concatenate([part.ids[rows] for part, rows in each]),
        columns=np.concatenate([part.columns[:, rows] for part, rows in each], axis=1),
        lengths=lengths,
        postings=postings,
        matrices={model: joined_matrices([(part.matrices[model], rows) for part, rows in each]) for model in models},
        evidence=Evidence.joined((part.evidence, rows) for part, rows in each),
        operations=Operations.joined([part.operations for part in parts], kept, term_maps),
        neighbours=_neighbours(parts, term_maps, postings),
    )


def _postings(
    shards: Sequence[Shard], kept: Sequence[Rows], lengths: Lengths, reference: Floats
) -> tuple[Postings, list[NDArray[np.int32]]]:
    """Return the joined postings and, for each shard, old term id -> new term id (-1: no living row has it)."""
    ids: dict[str, int] = {}
    words: list[str] = []
    maps, columns, rows, weights, counts = [], [], [], [], []
    analysis, origin = shards[0].part.analysis, 0
    for shard, alive_rows in zip(shards, kept, strict=True):
        old = shard.part.postings
        mapped = np.full(len(old.words), -1, np.int32)
        for term, at in old.term_ids.items():
            if shard.frequencies[at]:
                if term not in ids:
                    ids[term] = len(words)
                    words.append(old.words[at])
                mapped[at] = ids[term]
        moved = np.full(len(shard.part), -1, np.int32)
        moved[alive_rows] = np.arange(origin, origin + len(alive_rows), dtype=np.int32)
        origin += len(alive_rows)
        place = moved[old.rows]
        lives = place >= 0
        columns.append(np.repeat(mapped, old.starts[1:] - old.starts[:-1])[lives])
        rows.append(place[lives])
        weights.append(old.weights[lives])
        counts.append(old.counts[lives] if analysis.is_relative else old.counts)
        maps.append(mapped)
    column = np.concatenate(columns)
    # Stable: rows come in ascending order from each shard, and the shards' rows follow one another.
    order = np.argsort(column, kind="stable")
    starts = np.concatenate(([0], np.cumsum(np.bincount(column, minlength=len(words))))).astype(np.int64)
    all_rows, all_counts = np.concatenate(rows)[order], np.concatenate(counts)
    if not analysis.is_relative:
        return Postings(ids, words, starts, all_rows, np.concatenate(weights)[order], all_counts), maps
    all_counts = all_counts[order]
    return Postings(ids, words, starts, all_rows, relative_weights(analysis, all_counts, all_rows, lengths, reference), all_counts), maps


def _neighbours(parts: Sequence[Segment], term_maps: Sequence[NDArray[np.int32]], postings: Postings) -> Neighbours | None:
    """Join the word vectors: the first part that has a word lends its vector."""
    held = [part.neighbours for part in parts]
    terms, vectors = [], []
    for found, mapped in zip(held, term_maps, strict=True):
        if found is None:
            return None
        terms.append(mapped[found.term_ids])
        vectors.append(found.vectors)
    every = np.concatenate(terms)
    joined = np.concatenate(vectors)
    unique, first = np.unique(every, return_index=True)
    usable = [(term, at) for term, at in zip(unique.tolist(), first.tolist(), strict=True) if term >= 0]
    return Neighbours.joined(usable, joined, np.diff(postings.starts))
