"""What only the candidates of a search are judged by: the vector of each sentence, and which words stand together."""

import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from capability_index.encoders.encoder import WordTable
from capability_index.encoders.word_file import int8_rows
from capability_index.ragged import Ragged

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+|(?<=[。！？])")
#: shorter ones say nothing by themselves; the rest of a very long text has the vector of the whole
_LEAST_CHARS, MAX_SENTENCES = 20, 24
MAX_PAIRS = 400


@dataclass(frozen=True, slots=True)
class Evidence:
    """`codes` of each sentence of a row as int8, and `scales` at the same places; `pairs` of a row as numbers of 16 bits.

    Two pairs in 65,536 share a number: then a row gets what another one deserves, a little and seldom.
    """

    codes: Ragged
    scales: Floats
    pairs: Ragged

    @staticmethod
    def none() -> "Evidence":
        return EvidenceBuilder(None, False, False).build()

    @staticmethod
    def joined(held: Iterable[tuple["Evidence", Rows]]) -> "Evidence":
        """Join some rows of several."""
        each = list(held)
        if not any(len(evidence.codes.ends) for evidence, _ in each):
            return each[0][0]
        scales = [evidence.scales[evidence.codes.places(rows)[0]] for evidence, rows in each]
        return Evidence(
            Ragged.joined((evidence.codes, rows) for evidence, rows in each),
            np.concatenate(scales),
            Ragged.joined((evidence.pairs, rows) for evidence, rows in each),
        )

    def best_sentences(self, rows: Rows, query: Floats, whole: Floats) -> Floats:
        """Return for each of `rows` the best cosine of one of its sentences with `query`; `whole` where it has none."""
        places, sizes = self.codes.places(rows)
        found = whole.copy()
        if len(places):
            cosines = (self.codes.values[places].astype(np.float32) @ query) * self.scales[places]
            filled = sizes > 0
            found[filled] = np.maximum.reduceat(cosines, (np.cumsum(sizes) - sizes)[filled])
        return found

    def pairs_found(self, rows: Rows, worth_by_pair: Mapping[int, float]) -> Floats:
        """Return for each of `rows` the worth of the pairs that it has."""
        found = np.zeros(len(rows), np.float32)
        if not worth_by_pair:
            return found
        places, sizes = self.pairs.places(rows)
        values, of_row = self.pairs.values[places], np.repeat(np.arange(len(rows)), sizes)
        for pair, worth in worth_by_pair.items():
            found[of_row[values == pair]] += np.float32(worth)
        return found


def pair_number(one: str, other: str) -> int:
    """Return the number of two stems that stand together."""
    return zlib.crc32(f"{one} {other}".encode("utf-8", "surrogatepass")) & 0xFFFF


class EvidenceBuilder:
    """Collects rows in order; `table` None: no sentences."""

    def __init__(self, table: WordTable | None, sentences: bool, pairs: bool) -> None:
        self._table, self._has_sentences, self._has_pairs = table, sentences, pairs
        width = 0 if table is None else table.dimension
        self._codes: list[NDArray[np.int8]] = [np.zeros((0, width), np.int8)]
        self._scales: list[Floats] = [np.zeros(0, np.float32)]
        self._pairs: list[NDArray[np.uint16]] = [np.zeros(0, np.uint16)]
        self._sentence_sizes: list[int] = []
        self._pair_sizes: list[int] = []

    def add(self, texts: Sequence[str], stems: Sequence[Sequence[str]]) -> None:
        """Take the next rows. A pair is kept once in a row."""
        if not self._has_sentences and not self._has_pairs:
            return
        found = [sentences_of(text) if self._has_sentences and self._table is not None else [] for text in texts]
        if self._table is not None and any(found):
            codes, scales = int8_rows(self._table.encode([sentence for sentences in found for sentence in sentences]))
            self._codes.append(codes)
            self._scales.append(scales)
        self._sentence_sizes += map(len, found)
        for words in stems:
            pairs = sorted({pair_number(*pair) for pair in pairwise(words[: MAX_PAIRS + 1])}) if self._has_pairs else []
            self._pairs.append(np.asarray(pairs, np.uint16))
            self._pair_sizes.append(len(pairs))

    def build(self) -> Evidence:
        return Evidence(
            Ragged.of(np.concatenate(self._codes), self._sentence_sizes),
            np.concatenate(self._scales),
            Ragged.of(np.concatenate(self._pairs), self._pair_sizes),
        )


def sentences_of(text: str) -> list[str]:
    """Return the sentences of a text that has several; of one that is a single sentence none: it has a vector already."""
    found = [part for part in _SENTENCE.split(text) if part and len(part) >= _LEAST_CHARS]
    return found[:MAX_SENTENCES] if len(found) > 1 else []
