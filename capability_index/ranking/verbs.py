"""Whether an operation removes something where the intent only makes or reads: "add a note" must not find `notes.delete` first.

Other differences between verbs stay with the vectors: a search may well answer "create", and an update "add".
"""

from collections.abc import Iterable
from functools import lru_cache

from capability_index.words import split_name, stem

# Not "get" and "make": "get an order taken back" and "make it go away" are said of removing too.
_HARMLESS = frozenset(map(stem, ("add", "create", "insert", "register", "find", "list", "look", "read", "search", "show", "view")))
_REMOVING = frozenset(map(stem, ("delete", "remove", "erase", "destroy", "purge", "discard", "trash", "rid")))


def only_makes_or_reads(stems: Iterable[str]) -> bool:
    """Say whether an intent of these stems names an act, and none that removes."""
    said = frozenset(stems)
    return not said.isdisjoint(_HARMLESS) and said.isdisjoint(_REMOVING)


@lru_cache(4_096)
def removes(slug: str) -> bool:
    """Say whether the last part of `slug` begins or ends with a word that removes."""
    words = split_name(slug.rpartition(".")[2]).lower().split()
    return any(stem(word) in _REMOVING for word in (*words[:1], *words[-1:]))
