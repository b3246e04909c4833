"""Providers that a request names: they say where to look, and are no words to look for."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from capability_index.encoders.encoder import WordTable
from capability_index.part import Segment
from capability_index.ranking.intent import Intent, prepare
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
    lowered = [word[0].lower() for word in found]
    named: set[str] = set()
    gone: list[tuple[int, int]] = []
    for at in range(len(found)):
        for length in range(min(_MOST_WORDS, len(found) - at), 0, -1):
            name = "".join(lowered[at : at + length])
            if any(name in segment.group_by_word for segment in held):
                named.add(name)
                if not any(_is_noun(name, segment) for segment in held):
                    gone.append((found[at].start(), found[at + length - 1].end()))
                break
    if not named:
        return _with_compounds(prepare(text, table), lowered, held)
    left = text
    for start, end in reversed(gone):
        left = f"{left[:start]} {left[end:]}"
    intent = prepare(left, table)
    intent = replace(intent if intent.words_by_term else prepare(text, table), providers=frozenset(named))
    return _with_compounds(intent, lowered, held)


def _with_compounds(intent: Intent, words: Sequence[str], segments: Sequence[Segment]) -> Intent:
    """Add neighbours that the catalogue writes as one word: `oncalls` for "on call"."""
    added: dict[str, str] = {}
    for length in range(2, _MOST_WORDS + 1):
        for at in range(len(words) - length + 1):
            whole = "".join(words[at : at + length])
            term = stem(whole)
            if (
                len(whole) >= _LEAST_COMPOUND
                and term not in intent.words_by_term
                and any(term in segment.postings.term_ids for segment in segments)
            ):
                added[term] = whole
    if not added:
        return intent
    heads = intent.asked.heads
    joined = {term for term, whole in added.items() if any(whole.startswith(word) for word in words if stem(word) in heads)}
    return replace(intent, words_by_term={**intent.words_by_term, **added}, asked=replace(intent.asked, heads=heads | joined))


def _is_noun(name: str, segment: Segment) -> bool:
    term = segment.postings.term_ids.get(stem(name))
    return term is not None and bool((segment.shapes.nouns == term).any())
