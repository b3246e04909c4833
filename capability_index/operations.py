"""What the rows of operations have and no other rows do: slugs, providers, vectors of names, what each does and to what."""

import re
import zlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from capability_index.documents import Document, digest
from capability_index.encoders.encoder import WordTable
from capability_index.ragged import Ragged
from capability_index.shapes import Shapes, joined

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]
MAX_NAME_TOKENS = 32
_SIGNS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Slugs:
    """Many short texts as one run of UTF-8 bytes: a million cost their letters and 4 bytes each."""

    data: bytes | memoryview
    ends: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, row: int) -> str:
        start = int(self.ends[row - 1]) if row else 0
        return str(self.data[start : int(self.ends[row])], "utf-8", "surrogatepass")

    @staticmethod
    def of(texts: Iterable[str]) -> "Slugs":
        encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
        ends = np.cumsum(np.fromiter((len(text) for text in encoded), np.int64, len(encoded)))
        return Slugs(b"".join(encoded), ends.astype(np.uint32))


@dataclass(frozen=True, slots=True)
class Names:
    """The tokens of each row's name: their vectors are summed when a row is a candidate, for a fiftieth of the memory.

    `scales[r]` times the sum of the table rows of `tokens` of row `r` is a unit vector.
    """

    tokens: Ragged
    scales: Floats


@dataclass(frozen=True, slots=True)
class Operations:
    """Rows 0…n-1 of a segment of operations; of any other segment it is empty."""

    slugs: Slugs
    digests: NDArray[np.uint8]
    groups: tuple[str, ...]
    group_ids: NDArray[np.int32]
    names: Names
    shapes: Shapes
    #: a provider's name without blanks and signs -> its group, as a request may write it
    group_by_word: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "group_by_word", {_SIGNS.sub("", name.lower()): at for at, name in enumerate(self.groups)})

    def __len__(self) -> int:
        return len(self.slugs)

    def group_of(self, row: int) -> str:
        return self.groups[int(self.group_ids[row])]

    @staticmethod
    def of(documents: Sequence[Document], names: Names, shapes: Shapes) -> "Operations":
        groups = {name: at for at, name in enumerate(dict.fromkeys(document.provider for document in documents))}
        return Operations(
            slugs=Slugs.of(document.slug for document in documents),
            digests=np.frombuffer(b"".join(digest(document) for document in documents), np.uint8).reshape(-1, 16),
            groups=tuple(groups),
            group_ids=np.fromiter((groups[document.provider] for document in documents), np.int32, len(documents)),
            names=names,
            shapes=shapes,
        )

    @staticmethod
    def none() -> "Operations":
        return Operations.of((), NamesBuilder().build(), Shapes.none())

    @staticmethod
    def joined(held: Sequence["Operations"], kept: Sequence[Rows], term_maps: Sequence[NDArray[np.int32]]) -> "Operations":
        """Join some rows of several; `term_maps`: old term id -> new one."""
        if not any(len(each) for each in held):
            return held[0]
        each = list(zip(held, kept, strict=True))
        groups = tuple(dict.fromkeys(part.group_of(row) for part, rows in each for row in rows.tolist()))
        return Operations(
            slugs=Slugs.of(part.slugs[row] for part, rows in each for row in rows.tolist()),
            digests=np.concatenate([part.digests[rows] for part, rows in each]),
            groups=groups,
            group_ids=np.concatenate([_renamed(part, groups)[part.group_ids[rows]] for part, rows in each]),
            names=Names(
                Ragged.joined((part.names.tokens, rows) for part, rows in each),
                np.concatenate([part.names.scales[rows] for part, rows in each]),
            ),
            shapes=joined((part.shapes, rows, mapped) for (part, rows), mapped in zip(each, term_maps, strict=True)),
        )


def slug_sum(slug: str) -> int:
    """Return the id of an operation's row; two slugs may share it."""
    return zlib.crc32(slug.encode("utf-8", "surrogatepass"))


def _renamed(part: Operations, groups: Sequence[str]) -> NDArray[np.int32]:
    """Return by group id of `part` the id in `groups`; -1 for a group whose rows are all dead."""
    ids = {name: at for at, name in enumerate(groups)}
    return np.asarray([ids.get(name, -1) for name in part.groups], np.int32)


class NamesBuilder:
    """Collects names in row order."""

    def __init__(self) -> None:
        self._tokens = array("H")
        self._lengths = array("i")
        self._scales: list[Floats] = [np.zeros(0, np.float32)]

    def add(self, names: Sequence[str], table: WordTable | None) -> None:
        found: list[list[int]] = [[] for _ in names]
        if table is not None:
            found = [ids[:MAX_NAME_TOKENS] for ids in table.token_ids(names)]
            norms = np.linalg.norm(table.pool(found), axis=1)
            self._scales.append(np.divide(1, norms, out=np.zeros(len(names), np.float32), where=norms > 0))
        else:
            self._scales.append(np.zeros(len(names), np.float32))
        for ids in found:
            self._tokens.extend(ids)
            self._lengths.append(len(ids))

    def build(self) -> Names:
        tokens = Ragged.of(np.frombuffer(self._tokens, np.uint16).copy(), np.frombuffer(self._lengths, np.int32))
        return Names(tokens, np.concatenate(self._scales))
