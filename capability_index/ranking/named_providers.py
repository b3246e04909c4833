"""Providers that a request names: they say where to look, and are no words to look for."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from capability_index.encoders.encoder import WordTable
from capability_index.part import Segment
from capability_index.ranking.intent import Intent, prepare
from capability_index.ranking.products import products_in
from capability_index.shapes import PATH
from capability_index.words import stem

_WORD = re.compile(r"[^\W_]+")
#: "google cloud storage" may be one name
_MOST_WORDS = 3
_LEAST_COMPOUND = 5


def prepared(text: str, segments: Iterable[Segment], table: WordTable | None) -> Intent:
    """Read an intent; what names a provider of `segments` is taken out of it, unless nothing would be left.

    A name that also names a thing in some path (`mail`, `contacts`) stays a word.
    """
    held = list(segments)
    found = list(_WORD.finditer(text))
    #: each run of up to three words as one -> where the last such run begins, and its words
    runs: dict[str, tuple[int, int]] = {}
    lowered = [word[0].lower() for word in found]
    for length in range(1, _MOST_WORDS + 1):
        for at in range(len(lowered) - length + 1):
            runs["".join(lowered[at : at + length])] = at, length
    named: set[str] = set()
    for segment in held:
        named |= segment.operations.group_by_word.keys() & runs.keys()
    if not named:
        intent = prepare(text, table)
        if products := products_in(lowered, runs):
            intent = replace(intent, products=products)
        return _with_compounds(intent, runs, held)
    gone: list[tuple[int, int]] = []
    for name in named:
        at, length = runs[name]
        if not any(_is_noun(name, segment) for segment in held):
            gone.append((found[at].start(), found[at + length - 1].end()))
    left = text
    for start, end in sorted(gone, reverse=True):
        left = f"{left[:start]} {left[end:]}"
    intent = prepare(left, table)
    intent = replace(intent if intent.words_by_term else prepare(text, table), providers=frozenset(named))
    return _with_compounds(intent, runs, held)


def _with_compounds(intent: Intent, runs: Mapping[str, tuple[int, int]], segments: Sequence[Segment]) -> Intent:
    """Add neighbours that the catalogue writes as one word: `oncalls` for "on call"."""
    wholes = {form for whole, (_, length) in runs.items() if length > 1 and len(whole) >= _LEAST_COMPOUND for form in (whole, f"{whole}s")}
    added: dict[str, str] = {}
    for segment in segments:
        for whole in segment.words & wholes:
            added.setdefault(stem(whole), whole)
    if not added.keys() - intent.words_by_term.keys():
        return intent
    added = {term: added[term] for term in sorted(added) if term not in intent.words_by_term}
    heads = intent.asked.heads
    words = [word for term, word in intent.words_by_term.items() if term in heads]
    joined = {term for term, whole in added.items() if any(whole.startswith(word) or whole.endswith(word) for word in words)}
    return replace(intent, words_by_term={**intent.words_by_term, **added}, asked=replace(intent.asked, heads=heads | joined))


def _is_noun(name: str, segment: Segment) -> bool:
    term = segment.postings.term_ids.get(stem(name))
    return term is not None and bool((segment.operations.shapes.nouns[:, PATH] == term).any())
