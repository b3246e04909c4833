"""A query in the vector spaces that it is asked in: the embedded word table's, and that of a model beside it.

Vectors of two spaces never meet: each space has its own cosines, and only how far these stand out of their own mean is added up.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from capability_index.part import Segment, Shard

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]
#: in a script that the embedded table hardly knows, from this share of it on
NON_LATIN = 0.3
#: share of the words beside a model, and the model's share of the meaning beside the table (measured with MiniLM on operations)
WORDS_SHARE_OUTER = 0.35
OUTER_SHARE = 0.62
#: how models that read more than English are called
_MULTILINGUAL = re.compile(
    r"multilingual|bge-m3|labse|xlm|qwen3|gemma|gte-|jina-embeddings-v[345]|cohere.*v[34]|text-embedding-3", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class QueryVectors:
    """The intent in one vector space: `vectors` (1 + clauses, d), and the share of this space in the meaning."""

    model: str
    vectors: Floats
    share: float
    #: the configured encoder's space, and not the embedded table's
    outer: bool = False
    #: share of the words beside it
    words_share: float = 1.0
    is_multilingual: bool = False

    @staticmethod
    def of_model(model: str, vectors: Floats, words_share: float = WORDS_SHARE_OUTER) -> "QueryVectors":
        """Return an intent as a configured model has it."""
        is_multilingual = _MULTILINGUAL.search(model) is not None
        return QueryVectors(model, vectors, 1.0, outer=True, words_share=words_share, is_multilingual=is_multilingual)


def spaces_of(inner: QueryVectors | None, outer: QueryVectors | None, non_latin: float) -> list[QueryVectors]:
    """Return the spaces to search in: a model's, where there is one, beside the embedded table's."""
    if outer is None:
        return [] if inner is None else [inner]
    if inner is None or non_latin > NON_LATIN:
        return [outer]
    return [replace(outer, share=OUTER_SHARE), replace(inner, share=1 - OUTER_SHARE)]


@dataclass(frozen=True, slots=True)
class Scale:
    """Turns raw scores into standard deviations above the mean of the visible rows."""

    mean: float
    factor: float

    @staticmethod
    def of(scores: Floats, live: int) -> "Scale":
        """Measure `scores` of `live` rows; all other ones are 0."""
        live = max(live, 1)
        mean = float(scores.sum()) / live
        variance = float(np.dot(scores, scores)) / live - mean * mean
        return Scale(mean, 1 / variance**0.5 if variance > 1e-12 else 0.0)


def scanned(shards: Sequence[Shard], starts: NDArray[np.int64], senses: Sequence[QueryVectors]) -> tuple[list[Floats], tuple[Scale, ...]]:
    """Return for each space the cosines of all rows, dead ones 0, and their scale among those that have a vector there.

    A row that has none yet stands as far out of the mean as it does in the embedded table's space.
    """
    found = [_scan(shards, starts, sense) for sense in senses]
    scales = tuple(Scale.of(cosines, living) for cosines, living in found)
    inner = _inner(senses)
    for sense, (cosines, _), scale in zip(senses, found, scales, strict=True):
        for at, shard in enumerate(shards):
            if sense.outer and (lacking := shard.part.lacking(sense.model)) is not None:
                place = slice(int(starts[at]), int(starts[at + 1]))
                known = None if inner is None else found[inner][0][place][lacking]
                cosines[place][lacking] = scale.mean if known is None or inner is None else _stand_in(known, scales[inner], scale)
    return [cosines for cosines, _ in found], scales


def exact(part: Segment, rows: Rows, senses: Sequence[QueryVectors], scales: Sequence[Scale]) -> list[Floats]:
    """Return for each space the exact cosines (queries, rows) of a few rows of `part`, with the same stand-ins."""
    inner = _inner(senses)
    own = None if inner is None else part.matrices[senses[inner].model].exact(rows, senses[inner].vectors)
    found: list[Floats] = []
    for sense, scale in zip(senses, scales, strict=True):
        if not sense.outer and own is not None:
            found.append(own)
            continue
        lacking, matrix = part.lacking(sense.model), part.matrices.get(sense.model)
        cosines = np.full((len(sense.vectors), len(rows)), scale.mean, np.float32) if matrix is None else matrix.exact(rows, sense.vectors)
        if lacking is not None and (missing := lacking[rows]).any():
            cosines[:, missing] = scale.mean if own is None or inner is None else _stand_in(own[0, missing], scales[inner], scale)
        found.append(cosines)
    return found


def _inner(senses: Sequence[QueryVectors]) -> int | None:
    return next((at for at, sense in enumerate(senses) if not sense.outer), None)


def _scan(shards: Sequence[Shard], starts: NDArray[np.int64], sense: QueryVectors) -> tuple[Floats, int]:
    cosines, living = np.zeros(int(starts[-1]), np.float32), 0
    for at, shard in enumerate(shards):
        matrix, out = shard.part.matrices.get(sense.model), cosines[starts[at] : starts[at + 1]]
        if matrix is None:
            continue
        matrix.scan(sense.vectors[0], out)
        if shard.alive is not None:
            out *= shard.alive
        living += shard.live if matrix.lacking is None else shard.live_among(~matrix.lacking)
    return cosines, living


def _stand_in(cosines: Floats, own: Scale, other: Scale) -> Floats:
    """Return what is as far from the mean of `other` as `cosines` are from that of their own space."""
    spread = own.factor / other.factor if other.factor else 0.0
    return np.asarray((cosines - own.mean) * spread + other.mean, np.float32)
