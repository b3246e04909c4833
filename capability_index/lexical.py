"""BM25F: weighted fields, one posting list for each stem, scored by words that the caller names.

Field lengths are normalised by fixed reference lengths and not by the average of the catalogue: a document's weights then
depend on nothing but itself, so that parts stay immutable and no tenant's catalogue shows in another's scores.
"""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from capability_index.documents import SLUG, Document
from capability_index.words import plain, split_name, terms

K1 = 1.2
#: a stored weight is tf / (k1 + tf) in steps of 1 / SCALE
SCALE = 65_535
MAX_SUMMARY_CHARS = 1_000
MAX_PARAMETERS = 60
MAX_PARAMETER_CHARS = 160

Floats = NDArray[np.float32]
Rows = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class FieldRule:
    """How much a word in this field weighs, how much a long field costs, and what counts as long."""

    weight: float
    b: float
    reference_words: float


NAME = FieldRule(2.0, 0.3, 3.0)
TEXT = FieldRule(1.0, 0.75, 14.0)
PARAMETER_NAMES = FieldRule(0.5, 0.5, 5.0)
PARAMETER_TEXTS = FieldRule(0.25, 0.75, 25.0)
PLACE = FieldRule(0.5, 0.3, 4.0)
EXAMPLES = FieldRule(0.5, 0.75, 12.0)


@dataclass(frozen=True, slots=True)
class Fields:
    """The texts of a document, cleaned and cut, as the index reads them."""

    name: str
    text: str
    parameter_names: str
    parameter_texts: str
    place: str
    tags: str
    examples: str

    def by_name(self) -> dict[str, str]:
        """The texts by the names that a word table weighs them by."""
        return {
            "name": self.name,
            "text": self.text,
            "parameter_names": self.parameter_names,
            "parameter_texts": self.parameter_texts,
            "tags": self.tags,
        }

    def for_vector(self) -> str:
        """The one text that is encoded."""
        head = f"{self.tags} | {self.name}" if self.tags else self.name
        body = f"{head}: {self.text}"
        return f"{body} Parameters: {self.parameter_names}" if self.parameter_names else body


def fields_of(document: Document) -> Fields:
    """Return the texts of `document`: markup stripped, identifiers split, long ones cut."""
    name = split_name(document.title or document.slug)
    parameters = document.parameters[:MAX_PARAMETERS]
    place = [document.provider, document.path]
    if document.title and "." in document.slug and SLUG.fullmatch(document.slug):
        known = set(name.lower().split())
        place.append(" ".join(word for word in split_name(document.slug).split() if word.lower() not in known))
    tags = " ".join(split_name(tag) for tag in document.tags)
    text = plain(document.summary, MAX_SUMMARY_CHARS)
    more = plain(document.description, MAX_SUMMARY_CHARS)
    if more and more != text:
        text = more if more.startswith(text) else f"{text} {more}"[:MAX_SUMMARY_CHARS]
    if document.returns:
        text = f"{text} Returns {plain(document.returns, MAX_PARAMETER_CHARS)}"
    return Fields(
        name=name,
        text=text,
        parameter_names=", ".join(split_name(parameter.name) for parameter in parameters),
        parameter_texts=" ".join(plain(parameter.description, MAX_PARAMETER_CHARS) for parameter in parameters if parameter.description),
        place=" ".join([split_name(part) for part in place if part] + ([tags] if tags else [])),
        tags=tags,
        examples=" ".join(plain(example, MAX_PARAMETER_CHARS) for example in document.examples[:10]),
    )


@dataclass(frozen=True, slots=True)
class Postings:
    """Which rows hold each stem, and how weightily. Immutable.

    `rows[starts[t]:starts[t + 1]]` are the rows of term `t`, ascending, and `weights` at the same places their weights.
    """

    term_ids: Mapping[str, int]
    #: term id -> a word of the catalogue with this stem, for vectors and reasons
    words: Sequence[str]
    starts: NDArray[np.int64]
    rows: Rows
    weights: NDArray[np.uint16]

    def frequencies(self, alive: NDArray[np.bool_] | None) -> NDArray[np.int32]:
        """Return in how many living rows each term is."""
        if alive is None:
            return np.diff(self.starts).astype(np.int32)
        if not len(self.rows):
            return np.zeros(len(self.starts) - 1, np.int32)
        total = np.concatenate(([0], np.cumsum(alive[self.rows], dtype=np.int64)))
        return np.asarray(total[self.starts[1:]] - total[self.starts[:-1]], np.int32)


@dataclass(slots=True)
class PostingsBuilder:
    """Collects documents in row order and makes their Postings."""

    _ids: dict[str, int] = field(default_factory=dict)
    _words: list[str] = field(default_factory=list)
    # Arrays and not lists: a million documents have twenty million entries.
    _term_column: "array[int]" = field(default_factory=lambda: array("i"))
    _weight_column: "array[float]" = field(default_factory=lambda: array("f"))
    _lengths: "array[int]" = field(default_factory=lambda: array("i"))

    def add(self, fields: Fields) -> None:
        """Read the next row."""
        weight_by_term: dict[str, float] = {}
        for rule, text in (
            (NAME, fields.name),
            (TEXT, fields.text),
            (PARAMETER_NAMES, fields.parameter_names),
            (PARAMETER_TEXTS, fields.parameter_texts),
            (PLACE, fields.place),
            (EXAMPLES, fields.examples),
        ):
            if text:
                self._read(rule, text, weight_by_term)
        self._term_column.extend([self._ids[term] for term in weight_by_term])
        self._weight_column.extend(weight_by_term.values())
        self._lengths.append(len(weight_by_term))

    def _read(self, rule: FieldRule, text: str, weight_by_term: dict[str, float]) -> None:
        found = terms(text)
        if not found:
            return
        step = rule.weight / (1 - rule.b + rule.b * len(found) / rule.reference_words)
        for term, word in found:
            if term not in self._ids:
                self._ids[term] = len(self._words)
                self._words.append(word)
            weight_by_term[term] = weight_by_term.get(term, 0.0) + step

    @property
    def term_ids(self) -> Mapping[str, int]:
        """The terms read so far."""
        return self._ids

    def build(self) -> Postings:
        """Return the postings of all rows read."""
        columns = np.frombuffer(self._term_column, np.int32)
        tf = np.frombuffer(self._weight_column, np.float32)
        rows = np.repeat(np.arange(len(self._lengths), dtype=np.int32), np.frombuffer(self._lengths, np.int32))
        order = np.argsort(columns, kind="stable")
        counts = np.bincount(columns, minlength=len(self._words)) if len(columns) else np.zeros(len(self._words), np.int64)
        starts = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
        weights = np.rint(tf / (K1 + tf) * SCALE).astype(np.uint16)
        return Postings(self._ids, self._words, starts, rows[order], weights[order])


def inverse_frequency(documents: int, frequency: float) -> float:
    """Return what a term's presence tells (BM25's idf, never negative)."""
    return float(np.log1p((documents - frequency + 0.5) / (frequency + 0.5)))


def add_term(scores: Floats, postings: Postings, term: int, weight: float) -> None:
    """Add `weight` times the stored weights of one term to `scores`, one score a row."""
    start, end = postings.starts[term], postings.starts[term + 1]
    scores[postings.rows[start:end]] += postings.weights[start:end] * np.float32(weight * (K1 + 1) / SCALE)
