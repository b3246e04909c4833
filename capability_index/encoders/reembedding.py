"""Give parts the vectors of another space beside the ones they have; the rows do not move, so searches need not stop."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from capability_index.documents import Document
from capability_index.encoders.encoder import Encoder
from capability_index.lexical import fields_of
from capability_index.part import Segment
from capability_index.segment import TenantIndex
from capability_index.vectors import CodedMatrix, Matrix

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]
_BATCH = 256


def lacking(segments: Mapping[str, TenantIndex], model: str) -> list[tuple[str, Segment]]:
    """Return the parts that have no vectors of `model`, with the segment of each."""
    return [(name, shard.part) for name, segment in segments.items() for shard in segment.shards if model not in shard.part.matrices]


def with_space(part: Segment, encoder: Encoder, documents: Iterable[Document]) -> Segment:
    """Return `part` with the vectors of `encoder` too; a row whose document is not given keeps zeros. Raises EncoderUnavailable."""
    rows: list[int] = []
    texts: list[str] = []
    for document in documents:
        row = part.find(document.slug)
        if row is not None:
            rows.append(row)
            texts.append(fields_of(document).for_vector())
    vectors = np.zeros((len(part), encoder.dimension), np.float32)
    for start in range(0, len(texts), _BATCH):
        vectors[rows[start : start + _BATCH]] = encoder.encode(texts[start : start + _BATCH])
    return replace(part, matrices=MappingProxyType({**part.matrices, encoder.model: Matrix.of(vectors)}))


def filled(part: Segment, model: str, rows: Rows, codes: NDArray[np.int8], scales: Floats) -> Segment:
    """Return `part` with the vectors of `model` of some rows, as int8 codes with a scale each; the others keep theirs, or lack them."""
    held = part.matrices.get(model)
    matrix = CodedMatrix.filled(len(part), held if isinstance(held, CodedMatrix) else None, rows, codes, scales)
    return replace(part, matrices=MappingProxyType({**part.matrices, model: matrix}))


def without_others(segments: Mapping[str, TenantIndex], wanted: Collection[str]) -> Mapping[str, TenantIndex]:
    """Return `segments` with the vectors of the `wanted` models only."""

    def slim(part: Segment) -> Segment:
        return replace(part, matrices=MappingProxyType({model: held for model, held in part.matrices.items() if model in wanted}))

    return MappingProxyType(
        {name: segment.with_parts([slim(shard.part) for shard in segment.shards]) for name, segment in segments.items()}
    )
