"""What was probably meant by an operation id that does not exist."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import chain, islice

from tools.catalog.catalog import Catalog
from tools.near_names import near
from tools.operation import Failure, Operation

MAX_SUGGESTIONS = 3
MAX_ID_CHARS = 120
#: of one request: whoever asks for more ids that do not exist is guessing
MAX_ANSWERED = 8
_MIN_RATIO = 0.55
#: ids that are looked at for one that is unknown, and those of them that are compared letter by letter
_CANDIDATES, _COMPARED = 400, 5
_MAX_COMPARED_CHARS = 80
_WORD = re.compile(r"[a-z0-9]+")


class Suggestions:
    """Near ids within what a tenant sees. Candidates share words with what was asked, so a large catalogue stays fast."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        #: tenant id (None: shared) -> (the operations it was made from, their words)
        self._words: dict[str | None, tuple[Mapping[str, Operation], _Words]] = {}

    def unknown(self, tenant_id: str, operation_id: str, *, suggests: bool = True) -> Failure:
        """Return the failure for an id that `tenant_id` does not see; another tenant's ids are as unknown as invented ones."""
        shown = operation_id[:MAX_ID_CHARS]
        return Failure(
            code="unknown_operation",
            message=f"no operation '{shown}'; try discover_apis",
            did_you_mean=self.near(tenant_id, operation_id) if suggests else (),
            hint="discover_apis finds operations by what they are good for",
        )

    def near(self, tenant_id: str, operation_id: str) -> tuple[str, ...]:
        """Return up to three visible ids that resemble `operation_id`, the nearest first."""
        wanted = operation_id[:MAX_ID_CHARS].lower()
        asked = set(_WORD.findall(wanted))
        candidates: dict[str, int] = {}
        for owner in (tenant_id, None):
            candidates |= self._words_of(owner).sharing(asked)
        ranked = sorted(candidates, key=lambda name: (-candidates[name], abs(len(name) - len(wanted)), name))
        matcher = SequenceMatcher(b=wanted[:_MAX_COMPARED_CHARS], autojunk=False)
        rated: list[tuple[float, str]] = []
        for candidate in ranked[:_COMPARED]:
            matcher.set_seq1(candidate.lower()[:_MAX_COMPARED_CHARS])
            if (ratio := matcher.ratio()) >= _MIN_RATIO:
                rated.append((-ratio, candidate))
        return tuple(candidate for _, candidate in sorted(rated)[:MAX_SUGGESTIONS])

    def _words_of(self, owner: str | None) -> "_Words":
        operations = self._catalog.ids_of(owner)
        kept = self._words.get(owner)
        if kept is None or kept[0] is not operations:
            kept = self._words[owner] = (operations, _words_in(operations))
        return kept[1]


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of many ids, to be found also where they are misspelled: few slips are in both the first and the last two letters."""

    ids_by_word: Mapping[str, list[str]]
    words_by_start: Mapping[str, list[str]]
    words_by_end: Mapping[str, list[str]]

    def sharing(self, asked: Iterable[str]) -> dict[str, int]:
        """Return ids that share words with what was asked, and how many; those with the rarest word come in first."""
        words = {alike for word in asked for alike in self._alike(word)}
        rarest_first = sorted(words, key=lambda word: (len(self.ids_by_word[word]), word))
        found = islice(chain.from_iterable(self.ids_by_word[word] for word in rarest_first), _CANDIDATES)
        return {name: sum(word in lower for word in rarest_first) for name, lower in ((each, each.lower()) for each in found)}

    def _alike(self, word: str) -> Iterator[str]:
        if word in self.ids_by_word:
            yield word
        else:
            yield from near(word, chain(self.words_by_start.get(word[:2], ()), self.words_by_end.get(word[-2:], ())), 3, 0.7)


def _words_in(operation_ids: Iterable[str]) -> _Words:
    ids_by_word: dict[str, list[str]] = {}
    for operation_id in operation_ids:
        lower = operation_id.lower().replace("_", ".").replace("-", ".")
        for word in lower.split("."):
            if word in ids_by_word:
                ids_by_word[word].append(operation_id)
            else:
                ids_by_word[word] = [operation_id]
    words_by_start: dict[str, list[str]] = {}
    words_by_end: dict[str, list[str]] = {}
    for word in ids_by_word:
        words_by_start.setdefault(word[:2], []).append(word)
        words_by_end.setdefault(word[-2:], []).append(word)
    return _Words(ids_by_word, words_by_start, words_by_end)
