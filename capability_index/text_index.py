"""TextIndex: facts and passages in, the rows that a question is about out. A segment is one tenant's rows of one kind.

Segments share nothing: words are counted, lengths averaged and scores scaled within one alone.
"""

import json
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from capability_index.analysis import Analysis
from capability_index.corpora import FACTS, PASSAGES
from capability_index.encoders.encoder import WordTable
from capability_index.errors import SnapshotInvalid
from capability_index.lexical import K1, inverse_frequency
from capability_index.words import plain, stems

_FILE = "texts.json"
_LOW = 0.3
Floats = NDArray[np.float32]


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
class Mask:
    """Which rows may be found, a conjunction: column <= value, column > value, column among values. Applied before anything is ranked."""

    at_most: Mapping[str, int] = field(default_factory=dict)
    more_than: Mapping[str, int] = field(default_factory=dict)
    among: Mapping[str, Sequence[int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hit:
    """A row found. `features` has every part of `score` by its name."""

    row: int
    score: float
    lexical: float
    vector: float
    features: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Found:
    """Hits, best first. `low_confidence`: nothing that the mask leaves fits well. `candidates`: how many were looked at closely."""

    hits: tuple[Hit, ...]
    low_confidence: bool
    candidates: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a row stands where it stands: `rank` from 1, None where it is none of the candidates.

    `kept_out_by`: the conditions of the mask that it fails, in words.
    """

    known: bool
    rank: int | None
    hit: Hit | None
    kept_out_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Built:
    texts: tuple[Text, ...]
    stems: tuple[Mapping[str, float], ...]
    frequencies: Mapping[str, int]
    vectors: Floats


class TextIndex:
    """Many segments, one analysis each. Safe to write and search from any thread; callers keep it off the event loop."""

    def __init__(self, table: WordTable | None) -> None:
        self._table = table
        self._analyses: dict[str, Analysis] = {}
        self._texts: dict[str, dict[int, Text]] = {}
        self._built: dict[str, _Built] = {}
        self._turn = threading.RLock()

    def upsert(self, segment: str, analysis: Analysis, texts: Sequence[Text]) -> None:
        """Add rows, and replace those whose id is known; the next search sees them."""
        with self._turn:
            self._analyses[segment] = analysis
            self._texts.setdefault(segment, {}).update((text.row, text) for text in texts)
            self._built.pop(segment, None)

    def delete(self, segment: str, rows: Collection[int]) -> None:
        """Forget rows; unknown ones are passed over."""
        with self._turn:
            for row in rows:
                self._texts.get(segment, {}).pop(row, None)
            self._built.pop(segment, None)

    def drop(self, segment: str) -> None:
        """Forget a whole segment."""
        with self._turn:
            for held in (self._analyses, self._texts, self._built):
                held.pop(segment, None)

    def compact(self, segment: str) -> None:
        """Write a segment anew: nothing of a deleted row stays in memory, nor in files saved from now on."""

    def search(self, segment: str, query: str, mask: Mask, limit: int = 10, candidates: int = 50) -> Found:
        """Return the `limit` rows of `segment` that `mask` leaves and that fit `query` best. An unknown segment is an empty one."""
        hits = self._ranked(segment, query, mask)[: max(limit, candidates)]
        low = not hits or max(hits[0].features["cosine"], hits[0].features["coverage"]) < _LOW
        return Found(tuple(hits[:limit]), low, len(hits))

    def explain(self, segment: str, query: str, row: int, mask: Mask) -> Explanation:
        """Return the scores and the rank of one row, and which conditions of `mask` keep it out."""
        with self._turn:
            text = self._texts.get(segment, {}).get(row)
        if text is None:
            return Explanation(False, None, None, ())
        kept_out_by = tuple(
            [f"{name} <= {value}" for name, value in mask.at_most.items() if not text.columns[name] <= value]
            + [f"{name} > {value}" for name, value in mask.more_than.items() if not text.columns[name] > value]
            + [f"{name} among {list(values)}" for name, values in mask.among.items() if text.columns[name] not in values]
        )
        hits = self._ranked(segment, query, Mask() if kept_out_by else mask)
        at = next(at for at, hit in enumerate(hits) if hit.row == row)
        return Explanation(True, None if kept_out_by else at + 1, hits[at], kept_out_by)

    def save(self, directory: Path) -> None:
        """Write all segments, in one step as seen by `load`."""
        directory.mkdir(parents=True, exist_ok=True)
        with self._turn:
            held = {
                name: [self._analyses[name].name, [_plain_text(text) for text in texts.values()]] for name, texts in self._texts.items()
            }
        fresh = directory / (_FILE + ".new")
        fresh.write_text(json.dumps(held), encoding="utf-8")
        fresh.replace(directory / _FILE)

    def load(self, directory: Path) -> None:
        """Take over saved segments, whole. Raises SnapshotInvalid: absent or damaged."""
        try:
            held = json.loads((directory / _FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise SnapshotInvalid(f"no index in {directory}; build it anew") from error
        known = {analysis.name: analysis for analysis in (FACTS, PASSAGES)}
        with self._turn:
            self._built.clear()
            self._analyses = {name: known[kind] for name, (kind, _) in held.items()}
            self._texts = {name: {entry["row"]: Text(**entry) for entry in texts} for name, (_, texts) in held.items()}

    def _ranked(self, segment: str, query: str, mask: Mask) -> list[Hit]:
        with self._turn:
            if not self._texts.get(segment):
                return []
            analysis = self._analyses[segment]
            if segment not in self._built:
                self._built[segment] = _built(analysis, tuple(self._texts[segment].values()), self._table)
            built = self._built[segment]
        idf = {term: inverse_frequency(len(built.texts), built.frequencies.get(term, 0)) for term in dict.fromkeys(stems(query))}
        words = np.asarray([sum(idf[term] * held[term] for term in idf if term in held) for held in built.stems], np.float32)
        cosines = np.zeros(len(built.texts), np.float32) if self._table is None else built.vectors @ self._table.encode_request(query)
        rows = np.asarray([at for at, text in enumerate(built.texts) if _passes(text.columns, mask)], np.intp)
        if not len(rows):
            return []
        share = 1.0 if self._table is None else analysis.words_share
        lexical, vector = share * _standard(words[rows]), (1 - share) * _standard(cosines[rows])
        total = max(sum(idf.values()), 1e-6)
        return [
            Hit(
                built.texts[row].row,
                float(lexical[at] + vector[at]),
                float(lexical[at]),
                float(vector[at]),
                MappingProxyType(
                    {
                        "lexical": float(lexical[at]),
                        "vector": float(vector[at]),
                        "cosine": float(cosines[row]),
                        "coverage": float(words[row]) / total,
                    }
                ),
            )
            for at, row in sorted(enumerate(rows.tolist()), key=lambda place: (-float(lexical[place[0]] + vector[place[0]]), place[0]))
        ]


def _plain_text(text: Text) -> dict[str, object]:
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in asdict(text).items()}


def _built(analysis: Analysis, texts: tuple[Text, ...], table: WordTable | None) -> _Built:
    weighed: list[dict[str, float]] = [{} for _ in texts]
    for name, rule in analysis.fields.items():
        found = [stems(plain(text.fields.get(name, ""), rule.max_chars)) for text in texts]
        mean = max(sum(len(words) for words in found) / len(texts), 1)
        for held, words in zip(weighed, found, strict=True):
            step = rule.weight / (1 - rule.b + rule.b * len(words) / mean)
            for word in words:
                held[word] = held.get(word, 0.0) + step
    frequencies: dict[str, int] = {}
    for held in weighed:
        for word in held:
            frequencies[word] = frequencies.get(word, 0) + 1
            held[word] = held[word] / (K1 + held[word])
    spoken = [" ".join(text.fields.get(name, "") for name, rule in analysis.fields.items() if rule.in_vector) for text in texts]
    return _Built(texts, tuple(weighed), frequencies, np.zeros((len(texts), 0), np.float32) if table is None else table.encode(spoken))


def _passes(columns: Mapping[str, int], mask: Mask) -> bool:
    return (
        all(columns[name] <= value for name, value in mask.at_most.items())
        and all(columns[name] > value for name, value in mask.more_than.items())
        and all(columns[name] in values for name, values in mask.among.items())
    )


def _standard(scores: Floats) -> Floats:
    spread = float(scores.std())
    return np.asarray((scores - scores.mean()) / spread if spread > 1e-6 else np.zeros_like(scores), np.float32)
