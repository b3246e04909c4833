"""What was asked, prepared for scoring: its words, its clauses, their vectors."""

import re
from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from capability_index.encoders.encoder import WordTable, unit
from capability_index.ranking.asked import PREPOSITIONS, Asked, asked_in
from capability_index.words import STOP_WORDS, non_latin_share, stem, surfaces

Floats = NDArray[np.float32]
MAX_CHARS = 4_000
MAX_TERMS = 64
MAX_CLAUSES = 8
_BREAK = re.compile(r"[.!?;,:\n]+(?=\s|$)|\b(?:and|then|also|but)\b|[。！？；，、]", re.IGNORECASE)
_CHUNK = re.compile(r"\S+")
_WORD = re.compile(r"[^\W_]+")
_MIN_CLAUSE_WORDS = 2


@dataclass(frozen=True, slots=True)
class Intent:
    """`words_by_term` in order of mention. `vectors` (1 + clauses, d): the whole first, then each clause; None without a table."""

    text: str
    words_by_term: dict[str, str]
    clauses: tuple[str, ...]
    vectors: Floats | None
    non_latin: float
    asked: Asked
    #: groups of providers that it names, as `Segment.group_by_word` writes them
    providers: frozenset[str] = frozenset()
    #: well-known products that it names, as it writes them; looked for where it names no provider
    products: tuple[str, ...] = ()


def prepare(text: str, table: WordTable | None, *, splits: bool = True) -> Intent:
    """Read an intent; what is beyond 4,000 characters or 64 words is not looked at. `splits`: its clauses are looked at too."""
    text = text[:MAX_CHARS]
    said = list(surfaces(text))
    words: dict[str, str] = {}
    for word in said:
        if word not in STOP_WORDS:
            words.setdefault(stem(word), word)
            if len(words) == MAX_TERMS:
                break
    spans = _clauses(text) if splits else []
    if splits and table is not None and table.fusion.clause_heads:
        spans += _heads(text, spans or [(0, len(text))])
    clauses = tuple(text[start:end].strip() for start, end in spans)
    vectors = None if table is None else _vectors(text, spans, table)
    return Intent(text, words, clauses, vectors, non_latin_share(text), asked_in(said))


def clauses_of(text: str) -> tuple[str, ...]:
    """Return the clauses of an intent that has several; none otherwise."""
    text = text[:MAX_CHARS]
    return tuple(text[start:end].strip() for start, end in _clauses(text))


def _clauses(text: str) -> list[tuple[int, int]]:
    """Return where the clauses are; none when there is but one."""
    edges = [0, *(edge for found in _BREAK.finditer(text) for edge in found.span()), len(text)]
    spans = [
        (start, end)
        for start, end in zip(edges[::2], edges[1::2], strict=True)
        if sum(word.lower() not in STOP_WORDS for word in _WORD.findall(text[start:end])) >= _MIN_CLAUSE_WORDS
    ]
    return spans[:MAX_CLAUSES] if len(spans) > 1 else []


def _heads(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the part of each clause before its first preposition, where it has two words that say something."""
    found: list[tuple[int, int]] = []
    for start, end in spans:
        said = 0
        for word in _WORD.finditer(text, start, end):
            if word[0].lower() in PREPOSITIONS and said:
                if said >= _MIN_CLAUSE_WORDS:
                    found.append((start, word.start()))
                break
            said += word[0].lower() not in STOP_WORDS
    return found


def _vectors(text: str, spans: list[tuple[int, int]], table: WordTable) -> Floats:
    """Encode the text once; a clause is the mean of the words that begin inside it."""
    found = list(_CHUNK.finditer(text))
    ids = table.word_ids([word[0] for word in found])
    rows = table.rows(np.asarray([token for word in ids for token in word], np.intp))
    vectors = np.zeros((1 + len(spans), table.dimension), np.float32)
    vectors[0] = table.request(rows)
    if spans:
        begins = [word.start() for word in found]
        ends = [0, *accumulate(len(word) for word in ids)]
        for at, (start, end) in enumerate(spans):
            first, last = bisect_left(begins, start), bisect_left(begins, end)
            vectors[1 + at] = table.request(rows[ends[first] : ends[last]])
    return unit(vectors)
