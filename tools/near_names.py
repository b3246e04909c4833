"""Which of the known names was probably meant: a few comparisons, however many names there are and however long the word is."""

from collections.abc import Iterable
from difflib import SequenceMatcher
from itertools import islice

#: nobody mistypes more than this
MAX_WORD_CHARS = 48
MAX_KNOWN = 1_000
#: Comparing two names letter by letter takes a hundred times as long as looking at which letters they have.
MAX_COMPARED = 4


def near(word: str, known: Iterable[str], most: int = 3, cutoff: float = 0.6) -> tuple[str, ...]:
    """Return up to `most` of `known` that resemble `word` by at least `cutoff` (0 to 1), the nearest first.

    No more than MAX_KNOWN names are looked at, and of those the MAX_COMPARED with the most letters in common are compared.
    """
    if not word or len(word) > MAX_WORD_CHARS:
        return ()
    letters, length = set(word), len(word)
    # `ratio` is twice the letters in common by all letters: two names whose lengths differ more cannot reach `cutoff`.
    shortest, longest = length * cutoff / (2 - cutoff), length * (2 - cutoff) / cutoff
    fitting = [name for name in islice(known, MAX_KNOWN) if shortest <= len(name) <= longest]
    fitting.sort(key=lambda name: (len(letters.symmetric_difference(name)), abs(len(name) - length)))
    matcher = SequenceMatcher(b=word, autojunk=False)
    rated: list[tuple[float, str]] = []
    for name in fitting[:MAX_COMPARED]:
        matcher.set_seq1(name)
        if (ratio := matcher.ratio()) >= cutoff:
            rated.append((-ratio, name))
    return tuple(name for _, name in sorted(rated)[:most])
