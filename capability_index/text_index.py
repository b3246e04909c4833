"""TextIndex: facts and passages in, the rows that a question is about out. A segment is one tenant's rows of one kind.

Segments share nothing: words are counted, lengths averaged and scores scaled within one alone. Writers make new immutable segments
and swap one reference; readers take the reference once and never wait.
"""

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from capability_index import snapshot
from capability_index.analysis import Analysis
from capability_index.encoders.encoder import Floats, WordTable
from capability_index.encoders.reembedding import filled, without_others
from capability_index.encoders.word_file import int8_rows
from capability_index.segment import TenantIndex
from capability_index.texts.building import build_texts
from capability_index.texts.columns import Mask, failed
from capability_index.texts.model_space import (
    ModelVector,
    carried,
    covered,
    is_searched,
    lacking_ids,
    with_vectors,
)
from capability_index.texts.ranking import Ranking, rank
from capability_index.words import forget_stems

__all__ = ["Explanation", "Found", "Hit", "Mask", "ModelVector", "Text", "TextIndex"]

EMPTY = TenantIndex()


@dataclass(frozen=True, slots=True)
class Text:
    """One row to be found: `row` is the caller's own id (int64), unique in its segment.

    `fields` by the names of the analysis (facts: text, subject, predicate, object; passages: text, heading, name), absent ones
    are empty; `columns` are int64 numbers by the names that it declares, all of them.
    """

    row: int
    fields: Mapping[str, str]
    columns: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Hit:
    """A row found. `features` has every part of `score` by its name, and measures of the row alone: `cosine`, `coverage`."""

    row: int
    score: float
    lexical: float
    vector: float
    features: Mapping[str, float]
    #: the space of vectors that it was scored in; "": by words alone
    space: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """Hits, best first. `low_confidence`: nothing that the mask leaves fits well. `candidates`: how many were looked at closely."""

    hits: tuple[Hit, ...]
    low_confidence: bool
    candidates: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a row stands where it stands: `rank` from 1 among all rows that the mask leaves, None where it keeps this one out.

    `kept_out_by`: the conditions of the mask that it fails, in words; `hit` is then what it would be without them.
    """

    known: bool
    rank: int | None
    hit: Hit | None
    kept_out_by: tuple[str, ...]


class TextIndex:
    """Many segments, one analysis each. Safe to write and search from any thread; callers keep it off the event loop.

    `table` None: by words alone.
    """

    def __init__(self, table: WordTable | None) -> None:
        self._table = table
        self._segments: Mapping[str, TenantIndex] = MappingProxyType({})
        self._writing = threading.Lock()

    def upsert(self, segment: str, analysis: Analysis, texts: Sequence[Text]) -> None:
        """Add rows, and replace those whose id is known; the next search sees them. Of two rows with one id the later counts.

        A row that is replaced keeps the vectors that a model made of it: its columns may change, what it says may not.
        """
        latest = {text.row: text for text in texts}
        if not latest:
            return
        ids = np.fromiter(latest, np.int64, len(latest))
        columns = np.asarray([[text.columns[name] for text in latest.values()] for name in analysis.columns], np.int64)
        fields = [text.fields for text in latest.values()]
        with self._writing:
            held = self._segments.get(segment, EMPTY)
            fresh = build_texts(analysis, ids, fields, columns.reshape(len(analysis.columns), len(ids)), self._table, held.shards)
            for space, (known, codes, scales) in carried(held.shards, ids, self._model).items():
                fresh = filled(fresh, space, fresh.rows_of(known).astype(np.intp), codes, scales)
            self._swap({**self._segments, segment: held.changed(held.places(ids), fresh)})

    def delete(self, segment: str, rows: Collection[int]) -> None:
        """Forget rows, which no search finds any more; unknown ones are passed over. `compact` takes what is left of them."""
        with self._writing:
            held = self._segments.get(segment, EMPTY)
            dead = held.places(np.fromiter(dict.fromkeys(rows), np.int64))
            if dead:
                self._swap({**self._segments, segment: held.changed(dead, None)})

    def drop(self, segment: str) -> None:
        """Forget a whole segment."""
        with self._writing:
            self._swap({name: held for name, held in self._segments.items() if name != segment})
            self._forget_words()

    def compact(self, segment: str) -> None:
        """Write what holds deleted rows anew: nothing of them stays in memory, nor in files saved from now on."""
        with self._writing:
            if segment in self._segments:
                self._swap({**self._segments, segment: self._segments[segment].compacted()})
            self._forget_words()

    def count(self, segment: str) -> int:
        """Return how many rows a segment holds."""
        return self._segments.get(segment, EMPTY).live

    def spaces(self, segment: str) -> Mapping[str, int]:
        """Return the spaces of models behind endpoints in which rows have vectors, and how many of them."""
        held = self._segments.get(segment, EMPTY)
        names = dict.fromkeys(name for shard in held.shards for name in shard.part.matrices if name != self._model)
        return {name: covered(held, name) for name in names}

    def searched_spaces(self, segment: str) -> tuple[str, ...]:
        """Return those of `spaces` that a search may be asked in now: nearly all rows have vectors there."""
        held = self._segments.get(segment, EMPTY)
        return tuple(space for space in self.spaces(segment) if is_searched(held, space))

    def lacking(self, segment: str, space: str, most: int) -> list[int]:
        """Return up to `most` rows that have no vector in `space` yet, the latest ones first."""
        return lacking_ids(self._segments.get(segment, EMPTY), space, most)

    def fill(self, segment: str, space: str, rows: Sequence[int], vectors: Floats) -> None:
        """Give rows the unit vectors of another space beside the embedded one; rows that went meanwhile are passed over."""
        codes, scales = int8_rows(vectors)
        with self._writing:
            if (held := self._segments.get(segment)) is not None:
                self._swap({**self._segments, segment: with_vectors(held, space, np.asarray(rows, np.int64), codes, scales)})

    def keep_spaces(self, wanted: Collection[str]) -> None:
        """Forget the vectors of all spaces but the embedded table's and the `wanted` ones."""
        with self._writing:
            self._swap(without_others(self._segments, {self._model, *wanted}))

    def search(
        self, segment: str, query: str, mask: Mask, limit: int = 10, candidates: int = 50, *, asked_as: ModelVector | None = None
    ) -> Found:
        """Return the `limit` rows of `segment` that `mask` leaves and that fit `query` best. An unknown segment is an empty one.

        `asked_as`: the query as a model has it whose vectors nearly all rows have (`fill`); where fewer have them it is passed over.
        Raises KeyError: a column that the analysis of the segment does not have.
        """
        found = rank(self._segments.get(segment, EMPTY), query, mask, self._table, max(limit, candidates), asked_as=asked_as)
        if found is None:
            return Found((), True, 0)
        return Found(_hits(found, slice(0, limit)), found.sureness < 0, len(found.ids))

    def explain(self, segment: str, query: str, row: int, mask: Mask, *, asked_as: ModelVector | None = None) -> Explanation:
        """Return the scores and the rank of one row, and which conditions of `mask` keep it out."""
        held = self._segments.get(segment, EMPTY)
        places = held.places(np.asarray([row], np.int64))
        if not places:
            return Explanation(False, None, None, ())
        ((shard, local),) = places
        left, kept_out_by = failed(held.shards[shard].part, local, mask)
        found = rank(held, query, left, self._table, 50, row, asked_as)
        if found is None:
            return Explanation(True, None, None, kept_out_by)
        at = int(np.flatnonzero(found.ids == row)[0])
        (hit,) = _hits(found, slice(at, at + 1))
        return Explanation(True, None if kept_out_by else found.place, hit, kept_out_by)

    def save(self, directory: Path) -> None:
        """Write all segments, in one step as seen by `load`; parts that are there already are not written again."""
        snapshot.save(self._segments, directory, self._model)

    def load(self, directory: Path) -> None:
        """Take over saved segments, whole. Raises SnapshotInvalid: absent, damaged, or of another model or format."""
        loaded = snapshot.load(directory, self._model)
        with self._writing:
            self._swap(loaded)

    @property
    def _model(self) -> str:
        return snapshot.WORDS_ONLY if self._table is None else self._table.model

    def _forget_words(self) -> None:
        """Forget the words that were remembered to save time: some may come from what was deleted."""
        forget_stems()
        if self._table is not None:
            self._table.forget_words()

    def _swap(self, segments: Mapping[str, TenantIndex]) -> None:
        self._segments = MappingProxyType(dict(segments))


def _hits(found: Ranking, places: slice) -> tuple[Hit, ...]:
    """Return the candidates in some places."""
    named = {**found.parts, **found.measures}
    # Whole columns at once: a number by itself out of an array costs more than all else here.
    features = [dict(zip(named, values, strict=True)) for values in zip(*(each[places].tolist() for each in named.values()), strict=True)]
    own, other = next(iter(found.spaces), ""), next(iter(found.spaces[1:]), "")
    rows = zip(found.ids[places].tolist(), found.scores[places].tolist(), found.is_in_first[places].tolist(), features, strict=True)
    return tuple(
        Hit(row, score, each["lexical"], each["vector"], MappingProxyType(each), own if is_in_first else other)
        for row, score, is_in_first, each in rows
    )
