"""Make one part of several shards, without the texts: what is dead stays behind."""

from collections.abc import Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from capability_index.lexical import Postings
from capability_index.part import Names, Segment, Shard, Texts
from capability_index.ranking.query_expansion import Neighbours
from capability_index.shapes import joined
from capability_index.vectors import Matrix

Rows = NDArray[np.intp]


def merge(shards: Sequence[Shard]) -> Segment:
    """Return the living rows of `shards` as one part, in their order. Spaces that not all of them have are left out."""
    parts = [shard.part for shard in shards]
    kept = [np.arange(len(shard.part)) if shard.alive is None else np.flatnonzero(shard.alive) for shard in shards]
    slugs = [part.slugs[row] for part, rows in zip(parts, kept, strict=True) for row in rows.tolist()]
    sums = np.concatenate([_sums(part)[rows] for part, rows in zip(parts, kept, strict=True)])
    order = np.argsort(sums, kind="stable")
    groups = tuple(dict.fromkeys(part.group_of(row) for part, rows in zip(parts, kept, strict=True) for row in rows.tolist()))
    group_ids = np.concatenate([_renamed(part, groups)[part.group_ids[rows]] for part, rows in zip(parts, kept, strict=True)])
    models = [model for model in parts[0].matrices if all(model in part.matrices for part in parts)]
    postings, term_maps = _postings(shards, kept)
    return Segment(
        slugs=Texts.of(slugs),
        slug_sums=sums[order],
        slug_rows=order.astype(np.uint32),
        digests=np.concatenate([part.digests[rows] for part, rows in zip(parts, kept, strict=True)]),
        groups=groups,
        group_ids=group_ids.astype(np.int32),
        postings=postings,
        matrices=MappingProxyType(
            {
                model: Matrix.of(np.concatenate([part.matrices[model].rows[rows] for part, rows in zip(parts, kept, strict=True)]))
                for model in models
            }
        ),
        names=_names(parts, kept),
        neighbours=_neighbours(parts, term_maps, postings),
        shapes=joined((part.shapes, rows, mapped) for part, rows, mapped in zip(parts, kept, term_maps, strict=True)),
    )


def _sums(part: Segment) -> NDArray[np.uint32]:
    by_row = np.empty(len(part), np.uint32)
    by_row[part.slug_rows] = part.slug_sums
    return by_row


def _renamed(part: Segment, groups: Sequence[str]) -> NDArray[np.int32]:
    """Return by group id of `part` the id in `groups`; -1 for a group whose rows are all dead."""
    ids = {name: at for at, name in enumerate(groups)}
    return np.asarray([ids.get(name, -1) for name in part.groups], np.int32)


def _postings(shards: Sequence[Shard], kept: Sequence[Rows]) -> tuple[Postings, list[NDArray[np.int32]]]:
    """Return the joined postings and, for each shard, old term id -> new term id (-1: no living row has it)."""
    ids: dict[str, int] = {}
    words: list[str] = []
    maps, columns, rows, weights = [], [], [], []
    origin = 0
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
        maps.append(mapped)
    column = np.concatenate(columns)
    # Stable: rows come in ascending order from each shard, and the shards' rows follow one another.
    order = np.argsort(column, kind="stable")
    starts = np.concatenate(([0], np.cumsum(np.bincount(column, minlength=len(words))))).astype(np.int64)
    return Postings(ids, words, starts, np.concatenate(rows)[order], np.concatenate(weights)[order]), maps


def _names(parts: Sequence[Segment], kept: Sequence[Rows]) -> Names:
    tokens, lengths = [], []
    for part, rows in zip(parts, kept, strict=True):
        ends = part.names.ends.astype(np.int64)
        sizes = ends - np.concatenate(([0], ends[:-1]))
        chosen = np.zeros(len(part), np.bool_)
        chosen[rows] = True
        tokens.append(part.names.tokens[np.repeat(chosen, sizes)])
        lengths.append(sizes[rows])
    scales = np.concatenate([part.names.scales[rows] for part, rows in zip(parts, kept, strict=True)])
    return Names(np.concatenate(tokens), np.cumsum(np.concatenate(lengths)).astype(np.uint32), scales)


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
