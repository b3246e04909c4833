"""What an operation does and to what, read from its method, its path and its name: a few bytes a row."""

import re
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from capability_index.documents import Document
from capability_index.ranking.verbs import CREATE, GENERAL, NOUNS_TOO, OTHER, READ, REMOVE, UPDATE, families_of, kinds_of
from capability_index.words import STOP_WORDS, split_name, stem

LISTS, ONE, OWN = 1, 2, 4
_KIND_BY_METHOD = {"GET": READ, "POST": CREATE, "PUT": UPDATE, "PATCH": UPDATE, "DELETE": REMOVE}
#: parts of a path that name a version or a door and nothing that is behind it
_DOOR = re.compile(r"(v\d.*|api|apis|\d[\d.\-]*|rest|beta|watch)|.*\.k8s\.io")
_PIECES = re.compile(r"[/.:]+")
_SLOT = re.compile(r"\{[^}]*\}")
#: how many words are kept of a path, the nearest of what the resource is in and of itself, and of a title
PARENTS, LEAVES, TITLE = 4, 4, 6
PATH, LEAF = slice(PARENTS + LEAVES), slice(PARENTS, PARENTS + LEAVES)
_MAX_PARAMETERS = 255
#: what an operation counts as taking that is no request over HTTP: its arguments say nothing of a plain one and its variants
_USUAL_PARAMETERS = 2


@dataclass(frozen=True, slots=True)
class Shapes:
    """Row `r`: its `kinds` (0: nothing is known of it) and `families` as bits of `capability_index.ranking.verbs`, `flags` LISTS, ONE, OWN.

    `nouns` (n, PARENTS + LEAVES + TITLE) are term ids, -1 where there is none: first of what the resource is in, then of itself, then
    of the title. `parameters` are as many as it takes.
    """

    kinds: NDArray[np.uint8]
    families: NDArray[np.uint64]
    flags: NDArray[np.uint8]
    nouns: NDArray[np.int32]
    parameters: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.kinds)

    @staticmethod
    def none() -> "Shapes":
        return ShapesBuilder().build()


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of one operation, with its nouns as stems."""

    kind: int = 0
    families: int = 0
    flags: int = 0
    parents: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()
    title: tuple[str, ...] = ()
    parameters: int = 0


def shape_of(document: Document) -> Shape:
    """Return what `document` does; nothing where it says neither method nor access."""
    if not document.method and not document.access:
        return Shape()
    name = [word.lower() for word in split_name(document.slug.rpartition(".")[2]).split()]
    title = [word.lower() for word in split_name(document.title).split()]
    summary = [word.lower() for word in split_name(document.summary[:60]).split()[:1]]
    pieces, families = _resource(document)
    for word in dict.fromkeys([*name[:1], *title[:1], *summary, *(pieces[-1][:1] if pieces else ())]):
        families |= families_of(word)
    verb = kinds_of((families_of(name[0]) if name else 0) | (families_of(title[0]) if title else 0))
    flags = OWN if document.is_own else 0
    if document.method == "GET":
        flags |= ONE if document.path.removesuffix(".json").rstrip("/").endswith("}") else LISTS
    parents = tuple(stem(word) for piece in pieces[:-1] for word in piece)
    leaves = tuple(stem(word) for piece in pieces[-1:] for word in piece)
    said = tuple(stem(word) for at, word in enumerate(title) if word not in STOP_WORDS and not (at == 0 and families_of(word)))
    kind = _kind(document, verb, name)
    parameters = min(len(document.parameters), _MAX_PARAMETERS) if document.method else _USUAL_PARAMETERS
    return Shape(kind, families & ~GENERAL, flags, parents, leaves, said, parameters)


def _kind(document: Document, verb: int, name: Sequence[str]) -> int:
    """Return what kind of change it makes: by its method, and where that is a POST or unknown, by its name."""
    if name[:1] == ["watch"] or "/watch/" in document.path:
        return OTHER
    kind = _KIND_BY_METHOD.get(document.method, OTHER if document.method else CREATE)
    if kind == CREATE:
        if document.access == "read":
            return READ
        if verb & REMOVE or (not document.method and document.access == "destructive"):
            return REMOVE
        return UPDATE if verb & UPDATE and not verb & CREATE else CREATE
    return CREATE if document.method == "PUT" and verb & CREATE else kind


def _resource(document: Document) -> tuple[list[list[str]], int]:
    """Return the words of the path, a list for each piece that names a thing, and the families of those that name an act."""
    path = document.path.partition("?")[0] if "/" in document.path else document.slug.partition(".")[2] or document.slug
    pieces: list[list[str]] = []
    for piece in _PIECES.split(path.removesuffix(".json")):
        plain = _SLOT.sub("", piece)
        if plain and not _DOOR.fullmatch(plain) and (words := [word.lower() for word in split_name(plain).split() if not word.isdigit()]):
            pieces.append(words)
    families = 0
    while len(pieces) > 1 and len(pieces[-1]) == 1 and not pieces[-1][0].endswith("s") and families_of(pieces[-1][0]):
        families |= families_of(pieces.pop()[0])
    if pieces and len(pieces[-1]) > 1 and pieces[-1][0] not in NOUNS_TOO and (found := families_of(pieces[-1][0])):
        families |= found
        del pieces[-1][0]
    return pieces, families


@dataclass(slots=True)
class ShapesBuilder:
    """Collects shapes in row order."""

    _kinds: "array[int]" = field(default_factory=lambda: array("B"))
    _families: "array[int]" = field(default_factory=lambda: array("Q"))
    _flags: "array[int]" = field(default_factory=lambda: array("B"))
    _nouns: "array[int]" = field(default_factory=lambda: array("i"))
    _parameters: "array[int]" = field(default_factory=lambda: array("B"))

    def add(self, shape: Shape, term_ids: Mapping[str, int]) -> None:
        """Take the next row; nouns that are no terms are left out."""
        self._kinds.append(shape.kind)
        self._families.append(shape.families)
        self._flags.append(shape.flags)
        self._parameters.append(shape.parameters)
        for nouns, most in ((shape.parents, PARENTS), (shape.leaves, LEAVES), (shape.title, TITLE)):
            known = [term_ids[noun] for noun in nouns if noun in term_ids][-most:]
            self._nouns.extend(known + [-1] * (most - len(known)))

    def build(self) -> Shapes:
        return Shapes(
            np.frombuffer(self._kinds, np.uint8).copy(),
            np.frombuffer(self._families, np.uint64).copy(),
            np.frombuffer(self._flags, np.uint8).copy(),
            np.frombuffer(self._nouns, np.int32).reshape(-1, PARENTS + LEAVES + TITLE).copy(),
            np.frombuffer(self._parameters, np.uint8).copy(),
        )


def joined(shapes: Iterable[tuple[Shapes, NDArray[np.intp], NDArray[np.int32]]]) -> Shapes:
    """Join some rows of several: (shapes, rows kept, old term id -> new). A living row's terms live."""
    found = list(shapes)
    return Shapes(
        np.concatenate([held.kinds[rows] for held, rows, _ in found]),
        np.concatenate([held.families[rows] for held, rows, _ in found]),
        np.concatenate([held.flags[rows] for held, rows, _ in found]),
        np.concatenate([np.append(term_map, np.int32(-1))[held.nouns[rows]] for held, rows, term_map in found]),
        np.concatenate([held.parameters[rows] for held, rows, _ in found]),
    )
