"""What was probably meant by an operation id that does not exist."""

import re
from collections import Counter
from collections.abc import Mapping
from difflib import SequenceMatcher, get_close_matches

from tools.catalog import Catalog
from tools.operation import Failure, Operation

MAX_SUGGESTIONS = 3
MAX_ID_CHARS = 120
_CANDIDATES = 60
_MIN_RATIO = 0.55
_WORD = re.compile(r"[a-z0-9]+")
_Postings = dict[str, list[str]]


class Suggestions:
    """Near ids within what a tenant sees. Candidates share words with what was asked, so a large catalogue stays fast."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        #: tenant id (None: shared) -> (the operations it was made from, word -> ids that contain it)
        self._postings: dict[str | None, tuple[Mapping[str, Operation], _Postings]] = {}

    def unknown(self, tenant_id: str, operation_id: str) -> Failure:
        """Return the failure for an id that `tenant_id` does not see; another tenant's ids are as unknown as invented ones."""
        shown = operation_id[:MAX_ID_CHARS]
        return Failure(
            code="unknown_operation",
            message=f"no operation '{shown}'; try discover_apis",
            did_you_mean=self.near(tenant_id, operation_id),
            hint="discover_apis finds operations by what they are good for",
        )

    def near(self, tenant_id: str, operation_id: str) -> tuple[str, ...]:
        """Return up to three visible ids that resemble `operation_id`, the nearest first."""
        wanted = operation_id[:MAX_ID_CHARS].lower()
        shared: Counter[str] = Counter()
        for owner in (tenant_id, None):
            shared.update(_sharing(self._words_of(owner), set(_WORD.findall(wanted))))
        matcher = SequenceMatcher(b=wanted, autojunk=False)
        rated: list[tuple[float, str]] = []
        for candidate, _ in shared.most_common(_CANDIDATES):
            matcher.set_seq1(candidate.lower())
            if (ratio := matcher.ratio()) >= _MIN_RATIO:
                rated.append((-ratio, candidate))
        return tuple(candidate for _, candidate in sorted(rated)[:MAX_SUGGESTIONS])

    def _words_of(self, owner: str | None) -> _Postings:
        operations = self._catalog.ids_of(owner)
        kept = self._postings.get(owner)
        if kept is not None and kept[0] is operations:
            return kept[1]
        ids_by_word: _Postings = {}
        for operation_id in operations:
            for word in set(_WORD.findall(operation_id.lower())):
                ids_by_word.setdefault(word, []).append(operation_id)
        self._postings[owner] = (operations, ids_by_word)
        return ids_by_word


def _sharing(ids_by_word: _Postings, words: set[str]) -> Counter[str]:
    """Return how many words each id shares; a word that no id has counts for the words that look like it."""
    shared: Counter[str] = Counter()
    for word in words:
        alike = [word] if word in ids_by_word else get_close_matches(word, ids_by_word, 3, 0.7)
        for each in alike:
            shared.update(ids_by_word[each])
    return shared
