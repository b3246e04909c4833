"""Answer a question from documents: quotes with where they stand; in prose where the tenant has a model for it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from capability_index.words import stems
from oauth.principal import Principal
from tools.context_plane.rag.passages import FoundPassage, PassageSearch
from tools.context_plane.rag.quotes import Quote, quotes_of, sentences
from tools.context_plane.rag.records import DocumentFilter
from tools.context_plane.stores import Scope

#: at least so much of a sentence's words must stand in what it cites
SUPPORTED_SHARE = 0.5
_NUMBER = re.compile(r"\[(\d{1,3})\]")


@dataclass(frozen=True, slots=True)
class Citation:
    """The n-th thing that is quoted, from 1."""

    n: int
    found: FoundPassage
    quote: Quote


@dataclass(frozen=True, slots=True)
class DocumentAnswer:
    """`answer` in prose with [n], or None; `unsupported`: sentences that were taken out of it, since what they cite does not say so."""

    citations: tuple[Citation, ...]
    low_confidence: bool
    is_behind: bool
    answer: str | None = None
    answered_by: Literal["quotes", "model"] = "quotes"
    unsupported: tuple[str, ...] = ()
    #: why there is no prose although it was asked for
    note: str | None = None
    #: why the tenant's embeddings model had no part in it
    without: str = ""


class AnswerWriter(Protocol):
    """Writes prose from passages, where the tenant has a model for it. What it writes is checked; it may fail at any time."""

    async def write(self, principal: Principal, question: str, passages: Sequence[FoundPassage]) -> str | None:
        """Return an answer with [n] behind each sentence; None where the tenant has no model for it. Raises NoAnswer."""
        ...


class NoAnswer(Exception):
    """The model gave none; the message says why, and the quotes are answered all the same."""


class QuotesOnly:
    """An AnswerWriter for gateways without models."""

    async def write(self, principal: Principal, question: str, passages: Sequence[FoundPassage]) -> str | None:
        return None


class DocumentAnswers:
    """Answers `rag_query`."""

    def __init__(self, search: PassageSearch, writer: AnswerWriter) -> None:
        self._search, self._writer = search, writer

    async def answer(self, principal: Principal, question: str, wanted: DocumentFilter, limit: int, *, in_prose: bool) -> DocumentAnswer:
        """Return up to `limit` quotes that answer `question`, the best first, and prose where it is wished for and to be had."""
        found = await self._search.search(Scope(principal.tenant_id, principal.subject), question, wanted, limit)
        quotes = quotes_of(question, [each.passage for each in found.passages])
        pairs = zip(found.passages, quotes, strict=True)
        citations = tuple(Citation(n, each, quote) for n, (each, quote) in enumerate(pairs, 1))
        quoted = DocumentAnswer(citations, found.low_confidence, found.is_behind, without=found.without)
        if not in_prose or not citations:
            return quoted
        try:
            written = await self._writer.write(principal, question, found.passages)
        except NoAnswer as failure:
            return replace(quoted, note=f"answered in quotes: {failure}")
        if written is None:
            return replace(quoted, note="answered in quotes: no model is set up for answers of this tenant")
        kept, unsupported = supported(written, found.passages)
        return replace(quoted, answer=kept or None, answered_by="model", unsupported=unsupported)


def supported(written: str, passages: Sequence[FoundPassage]) -> tuple[str, tuple[str, ...]]:
    """Return of what a model wrote the sentences that cite what says so, and those that do not.

    A sentence stays where each of its numbers is a passage's, and half of its words stand in those passages.
    """
    kept: list[str] = []
    unsupported: list[str] = []
    for start, end in sentences(_numbers_inside(written)):
        sentence = _numbers_inside(written)[start:end]
        numbers = [int(number) for number in _NUMBER.findall(sentence)]
        said = set(stems(_NUMBER.sub(" ", sentence)))
        cited = [passages[number - 1].passage.text for number in numbers if 1 <= number <= len(passages)]
        words = set().union(*(stems(text) for text in cited))
        is_supported = bool(cited) and len(cited) == len(numbers) and len(said & words) >= SUPPORTED_SHARE * len(said)
        (kept if is_supported else unsupported).append(sentence)
    return " ".join(kept), tuple(unsupported)


def _numbers_inside(text: str) -> str:
    """Return `text` with numbers behind a sentence's end moved into it: `… left. [2]` -> `… left [2].`"""
    return re.sub(r"([.!?]+)((?:\s*\[\d{1,3}\])+)", r"\2\1", text)
