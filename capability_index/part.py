"""A part: documents that were indexed together, immutable; a segment is a list of parts and which of their rows live."""

import re
import zlib
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from capability_index.documents import Document, digest
from capability_index.encoders.encoder import WordTable
from capability_index.lexical import Fields, Postings, PostingsBuilder, fields_of
from capability_index.ranking.query_expansion import Neighbours
from capability_index.shapes import Shapes, ShapesBuilder, shape_of
from capability_index.vectors import Matrix

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Advance = Callable[[int], None]
MAX_NAME_TOKENS = 32
_BATCH = 512
_FEW_ROWS = 4
_SIGNS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Texts:
    """Many short texts as one run of UTF-8 bytes: a million cost their letters and 4 bytes each."""

    data: bytes | memoryview
    ends: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, row: int) -> str:
        start = int(self.ends[row - 1]) if row else 0
        return str(self.data[start : int(self.ends[row])], "utf-8", "surrogatepass")

    @staticmethod
    def of(texts: Iterable[str]) -> "Texts":
        encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
        ends = np.cumsum(np.fromiter((len(text) for text in encoded), np.int64, len(encoded)))
        return Texts(b"".join(encoded), ends.astype(np.uint32))


@dataclass(frozen=True, slots=True)
class Names:
    """The tokens of each row's name: their vectors are summed when a row is a candidate, for a fiftieth of the memory.

    Row `r` has `tokens[ends[r - 1]:ends[r]]`; `scales[r]` times the sum of their table rows is a unit vector.
    """

    tokens: NDArray[np.uint16]
    ends: NDArray[np.uint32]
    scales: Floats


@dataclass(frozen=True, slots=True)
class Segment:
    """Documents in rows 0…n-1. No array is written after it is made.

    `matrices` holds the vectors by the model that made them; empty where no encoder was to be had.
    """

    slugs: Texts
    #: checksums of the slugs, ascending, and the row that each belongs to
    slug_sums: NDArray[np.uint32]
    slug_rows: NDArray[np.uint32]
    digests: NDArray[np.uint8]
    groups: tuple[str, ...]
    group_ids: NDArray[np.int32]
    postings: Postings
    matrices: Mapping[str, Matrix]
    names: Names
    neighbours: Neighbours | None
    shapes: Shapes
    #: a provider's name without blanks and signs -> its group, as a request may write it
    group_by_word: Mapping[str, int] = field(init=False, repr=False)
    #: `postings.words`, to look up
    words: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "group_by_word", {_SIGNS.sub("", name.lower()): at for at, name in enumerate(self.groups)})
        object.__setattr__(self, "words", frozenset(self.postings.words))

    def __len__(self) -> int:
        return len(self.slugs)

    def find(self, slug: str) -> int | None:
        """Return the row of `slug`."""
        wanted = slug_sum(slug)
        at = int(np.searchsorted(self.slug_sums, wanted))
        while at < len(self.slug_sums) and self.slug_sums[at] == wanted:
            row = int(self.slug_rows[at])
            if self.slugs[row] == slug:
                return row
            at += 1
        return None

    def group_of(self, row: int) -> str:
        return self.groups[int(self.group_ids[row])]


def slug_sum(slug: str) -> np.uint32:
    return np.uint32(zlib.crc32(slug.encode("utf-8", "surrogatepass")))


def build_part(documents: Sequence[Document], table: WordTable | None, advance: Advance | None = None) -> Segment:
    """Index `documents`, whose slugs differ, in the order given."""
    builder = PostingsBuilder()
    vectors = None if table is None else np.zeros((len(documents), table.dimension), np.float32)
    names, shapes = _NamesBuilder(), ShapesBuilder()
    for start in range(0, len(documents), _BATCH):
        batch = documents[start : start + _BATCH]
        fields = [fields_of(document) for document in batch]
        for document, entry in zip(batch, fields, strict=True):
            builder.add(entry)
            shapes.add(shape_of(document), builder.term_ids)
        if table is not None and vectors is not None:
            vectors[start : start + len(fields)] = table.encode_fields(
                [entry.for_vector() for entry in fields], [entry.by_name() for entry in fields]
            )
        names.add(fields, table)
        if advance is not None:
            advance(len(fields))
    postings = builder.build()
    sums = np.fromiter((slug_sum(document.slug) for document in documents), np.uint32, len(documents))
    order = np.argsort(sums, kind="stable")
    groups = {name: at for at, name in enumerate(dict.fromkeys(document.provider for document in documents))}
    return Segment(
        slugs=Texts.of(document.slug for document in documents),
        slug_sums=sums[order],
        slug_rows=order.astype(np.uint32),
        digests=np.frombuffer(b"".join(digest(document) for document in documents), np.uint8).reshape(-1, 16),
        groups=tuple(groups),
        group_ids=np.fromiter((groups[document.provider] for document in documents), np.int32, len(documents)),
        postings=postings,
        matrices=MappingProxyType({} if table is None or vectors is None else {table.model: Matrix.of(vectors)}),
        names=names.build(),
        neighbours=None if table is None else Neighbours.of(postings.words, np.diff(postings.starts), table),
        shapes=shapes.build(),
    )


class _NamesBuilder:
    def __init__(self) -> None:
        self._tokens = array("H")
        self._lengths = array("i")
        self._scales: list[Floats] = [np.zeros(0, np.float32)]

    def add(self, fields: Sequence[Fields], table: WordTable | None) -> None:
        found: list[list[int]] = [[] for _ in fields]
        if table is not None:
            found = [ids[:MAX_NAME_TOKENS] for ids in table.token_ids([entry.name for entry in fields])]
            norms = np.linalg.norm(table.pool(found), axis=1)
            self._scales.append(np.divide(1, norms, out=np.zeros(len(fields), np.float32), where=norms > 0))
        else:
            self._scales.append(np.zeros(len(fields), np.float32))
        for ids in found:
            self._tokens.extend(ids)
            self._lengths.append(len(ids))

    def build(self) -> Names:
        ends = np.cumsum(np.frombuffer(self._lengths, np.int32), dtype=np.int64).astype(np.uint32)
        return Names(np.frombuffer(self._tokens, np.uint16).copy(), ends, np.concatenate(self._scales))


@dataclass(frozen=True, slots=True)
class Shard:
    """A part and which of its rows live (None: all of them). Immutable too: a delete makes a new Shard of the same part."""

    part: Segment
    alive: Mask | None
    live: int
    #: in how many living rows each term is
    frequencies: NDArray[np.int32]

    @staticmethod
    def of(part: Segment, alive: Mask | None = None) -> "Shard":
        if alive is not None and alive.all():
            alive = None
        live = len(part) if alive is None else int(np.count_nonzero(alive))
        return Shard(part, alive, live, part.postings.frequencies(alive))

    def without(self, rows: Sequence[int]) -> "Shard":
        """Return this shard with living `rows` dead."""
        alive = np.ones(len(self.part), np.bool_) if self.alive is None else self.alive.copy()
        alive[list(rows)] = False
        if len(rows) > _FEW_ROWS:
            return Shard.of(self.part, alive)
        postings, frequencies = self.part.postings, self.frequencies.copy()
        for row in rows:
            frequencies[np.searchsorted(postings.starts, np.flatnonzero(postings.rows == row), "right") - 1] -= 1
        return Shard(self.part, alive, self.live - len(rows), frequencies)

    def lives(self, row: int) -> bool:
        return self.alive is None or bool(self.alive[row])
