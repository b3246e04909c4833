"""BM25F: weighted fields, one posting list for each stem, scored by words that the caller names.

The field lengths of operations are normalised by fixed reference lengths and not by the average of the catalogue: a document's
weights then depend on nothing but itself, and no tenant's catalogue shows in another's scores. Segments of texts are one tenant's
own and their lengths are whatever the tenant writes: there the reference is the mean, and the counts stay, to weigh them anew.
"""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capability_index.analysis import Analysis, FieldRule
from capability_index.documents import SLUG, Document
from capability_index.words import plain, split_name, terms

K1 = 1.2
#: a stored weight is tf / (k1 + tf) in steps of 1 / SCALE
SCALE = 65_535
MAX_SUMMARY_CHARS = 1_000
MAX_PARAMETERS = 60
MAX_PARAMETER_CHARS = 160

_MOST = 65_535

Floats = NDArray[np.float32]
Rows = NDArray[np.int32]
#: (rows, fields): words in each field
Lengths = NDArray[np.uint16]


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
        """The texts by the names that the analysis and a word table weigh them by."""
        return {
            "name": self.name,
            "text": self.text,
            "parameter_names": self.parameter_names,
            "parameter_texts": self.parameter_texts,
            "tags": self.tags,
            "place": self.place,
            "examples": self.examples,
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
    #: at the same places how often the term is in each field, where lengths are relative to a mean; else empty
    counts: NDArray[np.uint16]

    def frequencies(self, alive: NDArray[np.bool_] | None) -> NDArray[np.int32]:
        """Return in how many living rows each term is."""
        if alive is None:
            return np.diff(self.starts).astype(np.int32)
        if not len(self.rows):
            return np.zeros(len(self.starts) - 1, np.int32)
        total = np.concatenate(([0], np.cumsum(alive[self.rows], dtype=np.int64)))
        return np.asarray(total[self.starts[1:]] - total[self.starts[:-1]], np.int32)


class PostingsBuilder:
    """Collects documents in row order and makes their Postings."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self._ids: dict[str, int] = {}
        self._words: list[str] = []
        # Arrays and not lists: a million documents have twenty million entries. A count in 16 bits is exact as a float.
        self._term_column = array("i")
        self._weight_column = array("f")
        self._sizes = array("i")
        self._lengths = array("H")

    def add(self, texts: Mapping[str, str]) -> list[str]:
        """Read the next row; return the stems of its first field, in order."""
        analysis = self._analysis
        is_relative, bits = analysis.is_relative, analysis.count_bits
        weight_by_term: dict[str, float] = {}
        first: list[str] = []
        for at, (name, rule) in enumerate(analysis.worded):
            found = terms(text) if (text := texts.get(name)) else []
            for term, word in found:
                if term not in self._ids:
                    self._ids[term] = len(self._words)
                    self._words.append(word)
            if is_relative:
                self._lengths.append(min(len(found), _MOST))
                _count(found, at * bits, (1 << bits) - 1, weight_by_term)
            elif found:
                _weigh(found, rule, weight_by_term)
            if not at:
                first = [term for term, _ in found]
        self._term_column.extend([self._ids[term] for term in weight_by_term])
        self._weight_column.extend(weight_by_term.values())
        self._sizes.append(len(weight_by_term))
        return first

    @property
    def term_ids(self) -> Mapping[str, int]:
        """The terms read so far."""
        return self._ids

    @property
    def lengths(self) -> Lengths:
        """The words of each row read so far, by field; nothing where lengths are absolute."""
        fields = len(self._analysis.worded) if self._analysis.is_relative else 0
        return np.frombuffer(self._lengths, np.uint16).copy().reshape(len(self._sizes), fields)

    def build(self, reference: Floats) -> Postings:
        """Return the postings of all rows read. `reference`: the mean words of each field, where lengths are relative to it."""
        columns = np.frombuffer(self._term_column, np.int32)
        weighed = np.frombuffer(self._weight_column, np.float32)
        rows = np.repeat(np.arange(len(self._sizes), dtype=np.int32), np.frombuffer(self._sizes, np.int32))
        order = np.argsort(columns, kind="stable")
        terms_read = np.bincount(columns, minlength=len(self._words)) if len(columns) else np.zeros(len(self._words), np.int64)
        starts = np.concatenate(([0], np.cumsum(terms_read))).astype(np.int64)
        rows, weighed = rows[order], weighed[order]
        if not self._analysis.is_relative:
            weights = np.rint(weighed / (K1 + weighed) * SCALE).astype(np.uint16)
            return Postings(self._ids, self._words, starts, rows, weights, np.zeros(0, np.uint16))
        counts = weighed.astype(np.uint16)
        return Postings(
            self._ids, self._words, starts, rows, relative_weights(self._analysis, counts, rows, self.lengths, reference), counts
        )


def _weigh(found: Sequence[tuple[str, str]], rule: FieldRule, weight_by_term: dict[str, float]) -> None:
    step = rule.weight / (1 - rule.b + rule.b * len(found) / (rule.reference_words or len(found)))
    for term, _ in found:
        weight_by_term[term] = weight_by_term.get(term, 0.0) + step


def _count(found: Sequence[tuple[str, str]], shift: int, most: int, count_by_term: dict[str, float]) -> None:
    step, full = 1 << shift, most << shift
    for term, _ in found:
        held = int(count_by_term.get(term, 0))
        if held & full != full:
            count_by_term[term] = held + step


def relative_weights(analysis: Analysis, counts: NDArray[np.uint16], rows: Rows, lengths: Lengths, reference: Floats) -> NDArray[np.uint16]:
    """Return the stored weights of postings from their counts. `reference` (fields,): the mean words of a field, at least 1."""
    bits = analysis.count_bits
    total = np.zeros(len(rows), np.float32)
    for at, (_, rule) in enumerate(analysis.worded):
        normal = rule.reference_words or max(float(reference[at]), 1.0)
        factor = rule.weight / (1 - rule.b + rule.b * lengths[:, at].astype(np.float32) / normal)
        total += ((counts >> np.uint16(at * bits)) & np.uint16((1 << bits) - 1)) * factor.astype(np.float32)[rows]
    return np.asarray(np.rint(total / (K1 + total) * SCALE), np.uint16)


def inverse_frequency(documents: int, frequency: float) -> float:
    """Return what a term's presence tells (BM25's idf, never negative)."""
    return float(np.log1p((documents - frequency + 0.5) / (frequency + 0.5)))


def add_term(scores: Floats, postings: Postings, term: int, weight: float) -> None:
    """Add `weight` times the stored weights of one term to `scores`, one score a row."""
    start, end = postings.starts[term], postings.starts[term + 1]
    scores[postings.rows[start:end]] += postings.weights[start:end] * np.float32(weight * (K1 + 1) / SCALE)
