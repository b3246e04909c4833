"""Well-known products that a request names: where none of the catalogue's providers is one of them, what was asked for may not be here."""

from collections.abc import Mapping, Sequence
from importlib.resources import files

from capability_index.words import word_set

#: before a name that is an everyday word too: "in box", "on square"
_BEFORE = word_set("in on at from to with via into through")


def _listed() -> tuple[frozenset[str], frozenset[str]]:
    """Return the names that are nothing else, and those that are everyday words too, without blanks."""
    text = (files("capability_index") / "ranking" / "product_names.txt").read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    plain, _, everyday = "\n".join(lines).replace("_", "").partition("[in]")
    return word_set(plain), word_set(everyday)


_PLAIN, _EVERYDAY = _listed()
_ALL = _PLAIN | _EVERYDAY


def products_in(words: Sequence[str], runs: Mapping[str, tuple[int, int]]) -> tuple[str, ...]:
    """Return the products that a request of these lower-case `words` names, as it writes them.

    `runs`: neighbouring words as one -> (where they begin, how many they are).
    """
    found = []
    for name in sorted(_ALL.intersection(runs)):
        at, length = runs[name]
        if name in _PLAIN or (at and words[at - 1] in _BEFORE):
            found.append(" ".join(words[at : at + length]))
    return tuple(found)
