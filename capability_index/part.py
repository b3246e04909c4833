"""A part: rows that were indexed together, immutable; a segment is a list of parts and which of their rows live.

One format for operations, facts and passages: words, vectors, ids and numbers of every row; what only some corpora have is empty
in the others.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from capability_index.analysis import Analysis
from capability_index.corpora import OPERATIONS
from capability_index.documents import Document
from capability_index.encoders.encoder import WordTable
from capability_index.lexical import Lengths, Postings, PostingsBuilder, fields_of
from capability_index.operations import NamesBuilder, Operations, slug_sum
from capability_index.ranking.query_expansion import Neighbours
from capability_index.shapes import ShapesBuilder, shape_of
from capability_index.texts.evidence import Evidence
from capability_index.vectors import CodedMatrix, Matrix

Floats = NDArray[np.float32]
Alive = NDArray[np.bool_]
Ids = NDArray[np.int64]
Advance = Callable[[int], None]
_BATCH = 512
_FEW_ROWS = 4


@dataclass(frozen=True, slots=True)
class Segment:
    """Rows 0…n-1. No array is written after it is made.

    `matrices` holds the vectors by the model that made them; empty where no encoder was to be had.
    """

    analysis: Analysis
    #: the id of each row, and the rows in the order of their ids, of the type that numpy looks up by: any other is copied each time
    ids: Ids
    id_order: NDArray[np.intp]
    #: (columns of the analysis, n)
    columns: Ids
    lengths: Lengths
    postings: Postings
    matrices: Mapping[str, Matrix | CodedMatrix]
    evidence: Evidence
    operations: Operations
    neighbours: Neighbours | None
    #: `postings.words`, to look up where operations are
    words: frozenset[str] = field(init=False, repr=False)
    #: least and greatest of each column: a condition that all rows meet, or none, is not asked of each
    bounds: tuple[tuple[int, int], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        held = self.columns if len(self.ids) else self.columns[:0]
        object.__setattr__(self, "bounds", tuple((int(column.min()), int(column.max())) for column in held))
        object.__setattr__(self, "words", frozenset(self.postings.words if len(self.operations) else ()))

    @staticmethod
    def of(
        analysis: Analysis,
        *,
        ids: Ids,
        columns: Ids,
        lengths: Lengths,
        postings: Postings,
        matrices: Mapping[str, Matrix | CodedMatrix],
        evidence: Evidence,
        operations: Operations,
        neighbours: Neighbours | None,
    ) -> "Segment":
        order = np.argsort(ids, kind="stable")
        held = MappingProxyType(dict(matrices))
        return Segment(analysis, ids, order, columns, lengths, postings, held, evidence, operations, neighbours)

    def __len__(self) -> int:
        return len(self.ids)

    def find(self, slug: str) -> int | None:
        """Return the row of the operation `slug`."""
        for row in self._rows_of(slug_sum(slug)):
            if self.operations.slugs[row] == slug:
                return row
        return None

    @property
    def coded(self) -> Mapping[str, CodedMatrix]:
        """Return the vectors of texts by the model that made them; operations have none of this kind."""
        return {model: matrix for model, matrix in self.matrices.items() if isinstance(matrix, CodedMatrix)}

    def lacking(self, model: str) -> Alive | None:
        """Return which rows have no vector of `model`; None: all have theirs."""
        matrix = self.matrices.get(model)
        return np.ones(len(self), np.bool_) if matrix is None else matrix.lacking

    def rows_of(self, ids: Ids) -> NDArray[np.int64]:
        """Return the row of each id, -1 where it is none of this part; for ids that are unique."""
        if not len(self.ids):
            return np.full(len(ids), -1)
        at = np.minimum(np.searchsorted(self.ids, ids, sorter=self.id_order), len(self.ids) - 1)
        rows = self.id_order[at]
        return np.where(self.ids[rows] == ids, rows, -1)

    def _rows_of(self, wanted: int) -> list[int]:
        start = int(np.searchsorted(self.ids, wanted, "left", self.id_order))
        end = int(np.searchsorted(self.ids, wanted, "right", self.id_order))
        return [int(row) for row in self.id_order[start:end]]


def build_part(documents: Sequence[Document], table: WordTable | None, advance: Advance | None = None) -> Segment:
    """Index `documents`, whose slugs differ, in the order given."""
    builder = PostingsBuilder(OPERATIONS)
    vectors = None if table is None else np.zeros((len(documents), table.dimension), np.float32)
    names, shapes = NamesBuilder(), ShapesBuilder()
    for start in range(0, len(documents), _BATCH):
        batch = documents[start : start + _BATCH]
        fields = [fields_of(document) for document in batch]
        for document, entry in zip(batch, fields, strict=True):
            builder.add(entry.by_name())
            shapes.add(shape_of(document), builder.term_ids)
        if table is not None and vectors is not None:
            vectors[start : start + len(fields)] = table.encode_fields(
                [entry.for_vector() for entry in fields], [entry.by_name() for entry in fields]
            )
        names.add([entry.name for entry in fields], table)
        if advance is not None:
            advance(len(fields))
    postings = builder.build(np.zeros(0, np.float32))
    return Segment.of(
        OPERATIONS,
        ids=np.fromiter((slug_sum(document.slug) for document in documents), np.int64, len(documents)),
        columns=np.zeros((0, len(documents)), np.int64),
        lengths=builder.lengths,
        postings=postings,
        matrices={} if table is None or vectors is None else {table.model: Matrix.of(vectors)},
        evidence=Evidence.none(),
        operations=Operations.of(documents, names.build(), shapes.build()),
        neighbours=None if table is None else Neighbours.of(postings.words, np.diff(postings.starts), table),
    )


@dataclass(frozen=True, slots=True)
class Shard:
    """A part and which of its rows live (None: all of them). Immutable too: a delete makes a new Shard of the same part."""

    part: Segment
    alive: Alive | None
    live: int
    #: in how many living rows each term is
    frequencies: NDArray[np.int32]
    #: how many words the living rows have, by field
    words: NDArray[np.int64]

    @staticmethod
    def of(part: Segment, alive: Alive | None = None) -> "Shard":
        if alive is not None and alive.all():
            alive = None
        live = len(part) if alive is None else int(np.count_nonzero(alive))
        lengths = part.lengths if alive is None else part.lengths[alive]
        return Shard(part, alive, live, part.postings.frequencies(alive), lengths.sum(axis=0, dtype=np.int64))

    def without(self, rows: Sequence[int]) -> "Shard":
        """Return this shard with living `rows` dead."""
        alive = np.ones(len(self.part), np.bool_) if self.alive is None else self.alive.copy()
        alive[list(rows)] = False
        if len(rows) > _FEW_ROWS:
            return Shard.of(self.part, alive)
        postings, frequencies = self.part.postings, self.frequencies.copy()
        for row in rows:
            frequencies[np.searchsorted(postings.starts, np.flatnonzero(postings.rows == row), "right") - 1] -= 1
        words = self.words - self.part.lengths[list(rows)].sum(axis=0, dtype=np.int64)
        return Shard(self.part, alive, self.live - len(rows), frequencies, words)

    def lives(self, row: int) -> bool:
        return self.alive is None or bool(self.alive[row])

    def live_among(self, rows: Alive) -> int:
        """Return how many of `rows` live."""
        return int(np.count_nonzero(rows if self.alive is None else rows & self.alive))


def reference_of(shards: Sequence[Shard]) -> Floats:
    """Return the mean words of each field in the living rows of `shards`, of which there is at least one."""
    live = sum(shard.live for shard in shards)
    return np.asarray(sum(shard.words for shard in shards) / max(live, 1), np.float32)
