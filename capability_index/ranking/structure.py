"""What words and vectors do not see: whether an operation does what was asked, to the thing that was asked about.

Rows of which neither method nor access is known get nothing and lose nothing. All figures are standard deviations of the fused
score, found on intents over real documents; docs/decisions says what each is worth.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capability_index.part import Segment
from capability_index.ranking.asked import Asked
from capability_index.ranking.query_expansion import NearTerms
from capability_index.ranking.verbs import CREATE, GENERAL, OTHER, READ, REMOVE, UPDATE
from capability_index.shapes import LEAF, LEAVES, LISTS, OWN, PARENTS, TITLE
from capability_index.words import stem_set

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]
#: an operation that does what was asked, or the reverse; and one that removes where nothing was to be removed
VERB, UNASKED = 2.0, 1.5
#: the very act (`cancel` for "stop"), or another one
ACT, OTHER_ACT = 1.5, 1.0
#: the thing itself is what was asked about
HEAD = 1.5
#: each word that was not asked for, of what the resource is in, of itself, and of the title
MORE = np.repeat(np.asarray([1.1, 0.5, 0.5], np.float32), [PARENTS, LEAVES, TITLE])
#: of two that differ in nothing else the one that takes more is the plain one: by the logarithm of how many parameters
TAKES = 0.75
_LOGARITHMS = np.log1p(np.arange(256, dtype=np.float32))
#: a list where anything was asked for in the plural, or none where it was not; people where the question is who
LISTED, WHO = 1.0, 3.0
#: of the provider that was named, or of another
PROVIDER = 3.0
#: the gateway's own operation where nothing was asked about the gateway
OWN_UNASKED = 2.0
#: past this many standard deviations a rare word says it twice
STEEP, STEEP_SHARE = 8.0, 0.5

_PEOPLE = stem_set("user member participant collaborator person people teammate attendee subscriber owner")
_FIT = {
    READ: {READ: 1.0, CREATE: -0.6, UPDATE: -0.8, REMOVE: -1.0, OTHER: -0.5},
    CREATE: {READ: -0.7, CREATE: 1.0, UPDATE: 0.1, REMOVE: -1.0, OTHER: -1.0},
    UPDATE: {READ: -0.7, CREATE: 0.2, UPDATE: 1.0, REMOVE: -0.7, OTHER: -1.0},
    REMOVE: {READ: -1.0, CREATE: -0.2, UPDATE: -0.2, REMOVE: 1.0, OTHER: -1.0},
}


def _fits() -> Floats:
    """Return by (asked kinds, kind) how well they go together."""
    found = np.zeros((READ + CREATE + UPDATE + REMOVE + 1, OTHER + 1), np.float32)
    for asked in range(1, len(found)):
        for kind in (READ, CREATE, UPDATE, REMOVE, OTHER):
            found[asked, kind] = max(fit[kind] for said, fit in _FIT.items() if said & asked)
    return found


_FITS = _fits()


@dataclass(slots=True)
class Structure:
    """By candidate: `worth` to add to the fused score, and what it is made of: -1…1 `verb`, 0…1 `head`.

    `known`: whether its kind is known; of the others everything is 0.
    """

    known: NDArray[np.bool_]
    worth: Floats
    verb: Floats
    head: Floats

    @staticmethod
    def of_nothing(n: int) -> "Structure":
        return Structure(np.zeros(n, np.bool_), *np.zeros((3, n), np.float32))

    def put(self, low: int, other: "Structure") -> None:
        """Write what was found of the candidates from `low` on."""
        place = slice(low, low + len(other.known))
        for name in ("known", "worth", "verb", "head"):
            getattr(self, name)[place] = getattr(other, name)

    def added(self, fused: Floats) -> Floats:
        """Return the order of the candidates: less steep where a single rare word makes one stand out, and with their `worth`."""
        steep = np.where(self.known, STEEP_SHARE * np.maximum(fused - STEEP, 0), 0)
        return np.asarray(fused - steep + self.worth, np.float32)


def judge_structure(
    segment: Segment, rows: Rows, asked: Asked, near: NearTerms, idf_by_term: Mapping[str, float], named: Sequence[int] | None
) -> Structure | None:
    """Judge `rows` of `segment`; None where nothing is known of any.

    `near`: what the words of the intent meet there, counted as `idf_by_term` is. `named`: the groups there that the intent
    names, None where it names no provider at all.
    """
    shapes = segment.operations.shapes
    if not len(shapes):
        return None
    kinds = shapes.kinds[rows]
    known = kinds > 0
    if named is None and not known.any():
        return None
    families, flags = shapes.families[rows], shapes.flags[rows]
    verb = (_FITS[asked.kinds] * np.float32(asked.certainty))[kinds]
    worth = VERB * verb
    if not asked.kinds & REMOVE:
        worth -= UNASKED * (kinds == REMOVE)
    is_same = (families & np.uint64(asked.families)) != 0
    worth -= OTHER_ACT * ((families != 0) & ~is_same)
    if said := asked.families & ~GENERAL:
        worth += ACT * ((families & np.uint64(said)) != 0)
    if not asked.is_own:
        worth -= OWN_UNASKED * ((flags & OWN) != 0)
    head, extra = _nouns(segment, rows, asked, near, idf_by_term, kinds, flags)
    worth += HEAD * head + extra
    worth *= known
    if named is not None:
        worth += PROVIDER * np.where(np.isin(segment.operations.group_ids[rows], named), np.float32(1), np.float32(-1))
    return Structure(known, worth, verb * known, head * known)


def _nouns(
    segment: Segment,
    rows: Rows,
    asked: Asked,
    near: NearTerms,
    idf_by_term: Mapping[str, float],
    kinds: NDArray[np.uint8],
    flags: NDArray[np.uint8],
) -> tuple[Floats, Floats]:
    """Return how well the thing itself is met, and what else its words, their number and that of its parameters are worth."""
    # (nouns, rows): what is reduced is then done for all rows at once.
    nouns = segment.operations.shapes.nouns[rows].T
    is_noun = (nouns >= 0).astype(np.float32)
    takes = TAKES * _LOGARITHMS[segment.operations.shapes.parameters[rows]]
    nothing = np.zeros(len(rows), np.float32)
    if not len(near.ids):
        return nothing, takes - MORE @ is_noun
    # Column 0 is of all the nouns that no word of the intent meets; -1, where there is no noun, is the last place and leads there too.
    column_by_id = np.zeros(len(segment.postings.words) + 1, np.int16)
    column_by_id[near.ids] = np.arange(1, len(near.ids) + 1)
    met = np.zeros((len(idf_by_term), len(near.ids) + 1), np.float32)
    met[near.terms, column_by_id[near.ids]] = near.worth
    columns = column_by_id[nouns]
    leaves, is_leaf = nouns[LEAF], is_noun[LEAF]
    head = nothing
    if heads := [at for at, term in enumerate(idf_by_term) if term in asked.heads]:
        sums, counts = met[heads].max(axis=0)[columns[LEAF]].sum(axis=0), is_leaf.sum(axis=0)
        head = np.where(counts > 0, sums / np.maximum(counts, 1), np.float32(0.5))
    extra = takes - MORE @ (is_noun - met.max(axis=0)[columns])
    if asked.kinds & READ:
        extra += (LISTED if asked.plurals or asked.is_who else -LISTED) * (((flags & LISTS) != 0) & (kinds == READ))
    term_ids = segment.postings.term_ids
    if asked.is_who and (people := [term_ids[term] for term in _PEOPLE if term in term_ids]):
        extra += WHO * _among(leaves, people)
    return head, extra


def _among(leaves: NDArray[np.int32], wanted: Sequence[int]) -> NDArray[np.bool_]:
    """Return in which columns one of a few terms is; for so few faster than `np.isin`."""
    found = leaves == wanted[0]
    for term in wanted[1:]:
        found |= leaves == term
    return np.asarray(found.any(axis=0), np.bool_)
