"""Words of the catalogue that mean much the same as a word of the intent: `buyers` meets `customers`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capability_index.encoders.encoder import WordTable
from capability_index.encoders.manifest import Fusion

Floats = NDArray[np.float32]
#: (term ids, what each is worth against the word itself), the word itself first where the part has it
Near = tuple[NDArray[np.int32], Floats]


@dataclass(frozen=True, slots=True)
class NearTerms:
    """What the words of an intent meet in one part, all in a row: word `terms[i]`, counted from 0, meets `ids[i]` at `worth[i]`."""

    terms: NDArray[np.intp]
    ids: NDArray[np.int32]
    worth: Floats

    @staticmethod
    def of(found: Sequence[Near]) -> "NearTerms":
        if not found:
            return NearTerms(np.zeros(0, np.intp), np.zeros(0, np.int32), np.zeros(0, np.float32))
        counts = [len(ids) for ids, _ in found]
        terms = np.repeat(np.arange(len(counts)), counts)
        return NearTerms(terms, np.concatenate([ids for ids, _ in found]), np.concatenate([worth for _, worth in found]))


MAX_NEIGHBOURS = 16
MAX_WORDS = 32_768
_MAX_CACHED = 8_192
#: a word of more tokens is a name or a rare one, and the mean of its pieces is noise
_MAX_PIECES = 3


class Neighbours:
    """Vectors of a part's words, and what was found for words asked before. Safe to share: a lost race costs a second look.

    `term_ids` (m,) says whose vector each row of `vectors` (m, d) is.
    """

    def __init__(self, term_ids: NDArray[np.int32], vectors: Floats) -> None:
        self.term_ids = term_ids
        self.vectors = vectors
        self._near_by_word: dict[str, Near] = {}

    @staticmethod
    def of(words: Sequence[str], frequencies: NDArray[np.int64], table: WordTable) -> "Neighbours":
        """Take the words that have a meaning of their own; of very many, those in most documents."""
        usable = np.asarray([at for at, known in enumerate(known_words(words, table)) if known], np.int32)
        if len(usable) > MAX_WORDS:
            usable = np.sort(usable[np.argsort(-frequencies[usable], kind="stable")[:MAX_WORDS]])
        return Neighbours(usable, table.encode([words[at] for at in usable.tolist()]))

    @staticmethod
    def joined(places: Sequence[tuple[int, int]], vectors: Floats, frequencies: NDArray[np.int64]) -> "Neighbours":
        """Take over known vectors: `places` are (term id, row of `vectors`); of very many, those in most documents."""
        if len(places) > MAX_WORDS:
            places = sorted(sorted(places, key=lambda place: (-int(frequencies[place[0]]), place[0]))[:MAX_WORDS])
        chosen = np.asarray(places, np.int64).reshape(-1, 2)
        return Neighbours(chosen[:, 0].astype(np.int32), vectors[chosen[:, 1]])

    def near(self, words_by_term: Mapping[str, str], term_ids: Mapping[str, int], table: WordTable) -> list[Near]:
        """Return the terms of the part that each word of an intent meets."""
        known = self._near_by_word
        missing = [(term, word) for term, word in words_by_term.items() if word not in known]
        if missing:
            if len(known) + len(missing) > _MAX_CACHED:
                # A new dict and not a cleared one: another thread may be reading the old.
                self._near_by_word = known = {word: known[word] for word in words_by_term.values() if word in known}
            known.update(self._looked_up(missing, term_ids, table))
        return [known[word] for word in words_by_term.values()]

    def _looked_up(self, missing: Sequence[tuple[str, str]], term_ids: Mapping[str, int], table: WordTable) -> dict[str, Near]:
        usable = known_words([word for _, word in missing], table)
        words = [word for (_, word), known in zip(missing, usable, strict=True) if known]
        cosines = iter(table.encode(words) @ self.vectors.T if words else ())
        found: dict[str, Near] = {}
        for (term, word), known in zip(missing, usable, strict=True):
            own = term_ids.get(term)
            ids, worth = self._close(next(cosines), own, table.fusion) if known else (np.zeros(0, np.int32), np.zeros(0, np.float32))
            if own is not None:
                ids, worth = np.append(np.int32(own), ids), np.append(np.float32(1), worth)
            found[word] = ids, worth
        return found

    def _close(self, cosines: Floats, own: int | None, fusion: Fusion) -> Near:
        rows = np.flatnonzero(cosines >= fusion.min_cosine)
        if own is not None:
            rows = rows[self.term_ids[rows] != own]
        rows = rows[np.argsort(-cosines[rows], kind="stable")[:MAX_NEIGHBOURS]]
        return self.term_ids[rows], np.float32(fusion.soft) * cosines[rows]


def near_by_table(words_by_term: Mapping[str, str], term_ids: Mapping[str, int], table: WordTable) -> list[Near]:
    """Return the terms of a part that each word of an intent meets, by the table's own words: nothing is kept in the part."""
    terms = list(words_by_term)
    usable = known_words(list(words_by_term.values()), table)
    words = [word for word, known in zip(words_by_term.values(), usable, strict=True) if known]
    close = iter(table.near_words.near(words, table.encode))
    found: list[Near] = []
    for term, known in zip(terms, usable, strict=True):
        near = (
            [(at, cosine) for other, cosine in next(close).items() if other != term and (at := term_ids.get(other)) is not None]
            if known
            else []
        )
        worth = [(at, table.fusion.soft * cosine) for at, cosine in near[:MAX_NEIGHBOURS]]
        if (own := term_ids.get(term)) is not None:
            worth.insert(0, (own, 1.0))
        found.append((np.asarray([at for at, _ in worth], np.int32), np.asarray([each for _, each in worth], np.float32)))
    return found


def known_words(words: Sequence[str], table: WordTable) -> list[bool]:
    """Say of each word whether the table knows what it means: no numbers, no scraps, nothing it has only letters of."""
    plain = [len(word) > 2 and word.isascii() and word.isalpha() for word in words]
    return [usable and 0 < len(ids) <= _MAX_PIECES for usable, ids in zip(plain, table.word_ids(words), strict=True)]
