"""The vectors of a model behind an endpoint, beside the embedded table's: which rows have theirs, and whether it is searched by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capability_index.encoders.reembedding import filled
from capability_index.part import Ids, Shard
from capability_index.ranking.spaces import QueryVectors
from capability_index.segment import TenantIndex

Floats = NDArray[np.float32]
#: a space is searched by where this share of a segment's rows has vectors there; the rest stands by the embedded table's meanwhile
SEARCHED_FROM = 0.9
#: share of the words beside a model, at the most (measured with MiniLM on passages: half each)
WORDS_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class ModelVector:
    """A query as a model has it: the name of the space, which model and dimension make up, and its unit vector there."""

    space: str
    vector: Floats


def covered(held: TenantIndex, space: str) -> int:
    """Return how many living rows have a vector in `space`."""
    return sum(
        shard.live if (lacking := shard.part.lacking(space)) is None else shard.live_among(~lacking) for shard in held.shards if shard.live
    )


def is_searched(held: TenantIndex, space: str) -> bool:
    """Say whether enough rows have vectors in `space`."""
    return covered(held, space) >= held.live * SEARCHED_FROM


def asked_in(held: TenantIndex, asked: ModelVector | None, words_share: float | None) -> QueryVectors | None:
    """Return the query in the model's space, where enough of the segment has vectors there."""
    if asked is None or not is_searched(held, asked.space):
        return None
    share = WORDS_SHARE if words_share is None else min(words_share, WORDS_SHARE)
    return QueryVectors.of_model(asked.space, asked.vector[None], share)


def lacking_ids(held: TenantIndex, space: str, most: int) -> list[int]:
    """Return the ids of up to `most` living rows that have no vector in `space`, those that came last first."""
    found: list[int] = []
    for shard in reversed(held.shards):
        lacking = shard.part.lacking(space)
        if lacking is not None:
            rows = np.flatnonzero(lacking if shard.alive is None else lacking & shard.alive)
            found += shard.part.ids[rows[: max(most - len(found), 0)]].tolist()
    return found


def with_vectors(held: TenantIndex, space: str, ids: Ids, codes: NDArray[np.int8], scales: Floats) -> TenantIndex:
    """Return `held` with the vectors of some rows; those that are not there any more are passed over."""
    parts = []
    for shard in held.shards:
        rows = shard.part.rows_of(ids)
        at = np.flatnonzero(rows >= 0)
        parts.append(filled(shard.part, space, rows[at], codes[at], scales[at]) if len(at) else shard.part)
    # Parts of the same spaces again: they are joined as others are.
    return held.with_parts(parts).tidied()


def carried(shards: Sequence[Shard], ids: Ids, own: str) -> Mapping[str, tuple[Ids, NDArray[np.int8], Floats]]:
    """Return by space, but for `own`, the vectors that living rows with these ids have: the text of a row never changes."""
    found: dict[str, list[tuple[Ids, NDArray[np.int8], Floats]]] = {}
    for shard in shards:
        rows = shard.part.rows_of(ids)
        rows = rows[rows >= 0]
        for space, matrix in shard.part.coded.items() if len(rows) else ():
            known = rows[matrix.scales[rows] != 0]
            if space != own and len(known):
                found.setdefault(space, []).append((shard.part.ids[known], matrix.codes[known], matrix.scales[known]))
    return {space: tuple(np.concatenate(each) for each in zip(*held, strict=True)) for space, held in found.items()}  # type: ignore[misc]
