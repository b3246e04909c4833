"""A part: documents that were indexed together, immutable; a segment is a list of parts and which of their rows live."""

import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capability_index.documents import Document, digest
from capability_index.encoder import WordTable
from capability_index.lexical import Fields, Postings, PostingsBuilder, fields_of

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
_BATCH = 512
MAX_NAME_TOKENS = 32
Advance = Callable[[int], None]


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
class Part:
    """Documents in rows 0…n-1. No array is written after it is made.

    `vectors` (n, d) unit rows, None where no encoder was to be had. `name_tokens` run one after the other, row `r` ends at
    `name_ends[r]`; `name_scales` make their sum a unit vector.
    """

    slugs: Texts
    #: checksums of the slugs, ascending, and the row that each belongs to
    slug_sums: NDArray[np.uint32]
    slug_rows: NDArray[np.uint32]
    digests: NDArray[np.uint8]
    groups: tuple[str, ...]
    group_ids: NDArray[np.int32]
    postings: Postings
    vectors: Floats | None
    name_tokens: NDArray[np.uint16]
    name_ends: NDArray[np.uint32]
    name_scales: Floats

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


def build_part(documents: Sequence[Document], table: WordTable | None, advance: Advance | None = None) -> Part:
    """Index `documents` in the order given."""
    builder = PostingsBuilder()
    vectors = None if table is None else np.zeros((len(documents), table.dimension), np.float32)
    tokens: list[list[int]] = []
    scales = np.zeros(len(documents), np.float32)
    for start in range(0, len(documents), _BATCH):
        fields = [fields_of(document) for document in documents[start : start + _BATCH]]
        for entry in fields:
            builder.add(entry)
        if table is not None and vectors is not None:
            vectors[start : start + len(fields)] = table.encode([entry.for_vector() for entry in fields])
            ids = _name_tokens(table, fields)
            tokens += ids
            norms = np.linalg.norm(table.pool(ids), axis=1)
            scales[start : start + len(fields)] = np.divide(1, norms, out=np.zeros_like(norms), where=norms > 0)
        if advance is not None:
            advance(len(fields))
    if table is None:
        tokens = [[] for _ in documents]
    sums = np.fromiter((slug_sum(document.slug) for document in documents), np.uint32, len(documents))
    order = np.argsort(sums, kind="stable")
    groups = {name: at for at, name in enumerate(dict.fromkeys(document.provider for document in documents))}
    return Part(
        slugs=Texts.of(document.slug for document in documents),
        slug_sums=sums[order],
        slug_rows=order.astype(np.uint32),
        digests=np.frombuffer(b"".join(digest(document) for document in documents), np.uint8).reshape(-1, 16),
        groups=tuple(groups),
        group_ids=np.fromiter((groups[document.provider] for document in documents), np.int32, len(documents)),
        postings=builder.build(),
        vectors=vectors,
        name_tokens=np.fromiter((token for ids in tokens for token in ids), np.uint16),
        name_ends=np.cumsum([len(ids) for ids in tokens], dtype=np.int64).astype(np.uint32),
        name_scales=scales,
    )


def _name_tokens(table: WordTable, fields: Sequence[Fields]) -> list[list[int]]:
    return [ids[:MAX_NAME_TOKENS] for ids in table.token_ids([entry.name for entry in fields])]


@dataclass(frozen=True, slots=True)
class Shard:
    """A part and which of its rows live (None: all of them). Immutable too: a delete makes a new Shard of the same part."""

    part: Part
    alive: Mask | None
    live: int
    frequencies: NDArray[np.int32]

    @staticmethod
    def of(part: Part, alive: Mask | None = None) -> "Shard":
        if alive is not None and alive.all():
            alive = None
        live = len(part) if alive is None else int(np.count_nonzero(alive))
        return Shard(part, alive, live, part.postings.frequencies(alive))

    def without(self, rows: Iterable[int]) -> "Shard":
        alive = np.ones(len(self.part), np.bool_) if self.alive is None else self.alive.copy()
        alive[list(rows)] = False
        return Shard.of(self.part, alive)

    def lives(self, row: int) -> bool:
        return self.alive is None or bool(self.alive[row])
