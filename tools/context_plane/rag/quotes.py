"""Choose from a passage what answers: its sentence that says most of the question, with neighbours as long as there is room."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from capability_index.words import stems
from tools.context_plane.rag.records import Passage

MAX_QUOTE_CHARS = 400
#: a sentence ends at its sign and a blank, at a line's end, or at the sign of a script that sets no blanks
_SENTENCE = re.compile(r"[^\n]+?(?:[.!?…]+[\"'”’)\]]*(?=\s)|[。！？]+[」』”’）]*|(?=\n)|\Z)")


@dataclass(frozen=True, slots=True)
class Quote:
    """`text` is exactly the document's characters from `start` to `end`."""

    start: int
    end: int
    text: str


def quotes_of(query: str, passages: Sequence[Passage]) -> tuple[Quote, ...]:
    """Return one quote a passage. Words that few of the passages have weigh more."""
    asked = set(stems(query))
    split = [[(start, end, set(stems(passage.text[start:end]))) for start, end in sentences(passage.text)] for passage in passages]
    in_passages = Counter(word for each in split for word in asked & set().union(*(words for _s, _e, words in each)))
    weight = {word: math.log(1 + len(passages) / in_passages[word]) for word in in_passages}
    return tuple(_quote(passage, each, weight) for passage, each in zip(passages, split, strict=True))


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each sentence of `text` begins and ends, without the blanks around it."""
    for match in _SENTENCE.finditer(text):
        said = match[0].strip()
        if said:
            start = match.start() + match[0].index(said[0])
            yield start, start + len(said)


def _quote(passage: Passage, split: Sequence[tuple[int, int, set[str]]], weight: dict[str, float]) -> Quote:
    if not split:
        return _slice(passage, 0, min(len(passage.text), MAX_QUOTE_CHARS))
    scores = [sum(weight.get(word, 0.0) for word in words) for _start, _end, words in split]
    first = last = max(range(len(split)), key=lambda at: (scores[at], -at))
    start, end, _words = split[first]
    # The neighbour that says more of the question comes first; what says nothing of it is left out.
    while True:
        beside = [at for at in (first - 1, last + 1) if 0 <= at < len(split) and scores[at] > 0]
        fitting = [at for at in beside if max(end, split[at][1]) - min(start, split[at][0]) <= MAX_QUOTE_CHARS]
        if not fitting:
            break
        taken = max(fitting, key=lambda at: scores[at])
        first, last = min(first, taken), max(last, taken)
        start, end = split[first][0], split[last][1]
    return _slice(passage, start, min(end, start + MAX_QUOTE_CHARS))


def _slice(passage: Passage, start: int, end: int) -> Quote:
    return Quote(passage.start + start, passage.start + end, passage.text[start:end])
