"""Find the passages of documents that fit a question: masks first, then scores, and only what is answered is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tools.context_plane.rag.records import DocumentFilter, Passage
from tools.context_plane.rag.stores import DocumentStore
from tools.context_plane.stores import Scope

#: ranked closely, before the best of them are answered
CANDIDATES = 50
#: documents that a filter may leave; what leaves more is better asked without it
MAX_FILTERED = 10_000


@dataclass(frozen=True, slots=True)
class RankedRow:
    """One chunk as the index ranks it."""

    row: int
    score: float


@dataclass(frozen=True, slots=True)
class RankedRows:
    """`is_behind`: what was kept last is not among them yet. `without`: why the tenant's embeddings model had no part in it."""

    rows: tuple[RankedRow, ...]
    low_confidence: bool
    is_behind: bool
    without: str = ""


class PassageIndex(Protocol):
    async def search(
        self, tenant_id: str, query: str, audiences: Sequence[str], document_ids: Sequence[int] | None, limit: int
    ) -> RankedRows:
        """Rank the chunks of one tenant that these audiences may see, within these documents (None: all); the best first."""
        ...


class PassageJudge(Protocol):
    """Reads question and passages together, slower and better; in bounded time."""

    @property
    def is_there(self) -> bool:
        """Say whether there is one to ask."""
        ...

    async def judge(self, query: str, texts: Sequence[str]) -> Sequence[float] | None:
        """Return how well each text answers, in their order; None where it cannot be had now."""
        ...


@dataclass(frozen=True, slots=True)
class FoundPassage:
    passage: Passage
    score: float


@dataclass(frozen=True, slots=True)
class FoundPassages:
    passages: tuple[FoundPassage, ...]
    low_confidence: bool
    is_behind: bool
    without: str = ""


class PassageSearch:
    """Answers `rag_search`."""

    def __init__(self, store: DocumentStore, index: PassageIndex, judge: PassageJudge | None = None) -> None:
        self._store, self._index, self._judge = store, index, judge

    async def search(self, scope: Scope, query: str, wanted: DocumentFilter, limit: int) -> FoundPassages:
        """Return up to `limit` passages, the best first. Documents that are foreign, unknown or not ready give none."""
        document_ids = None if wanted.is_open else await self._store.find(scope, wanted, MAX_FILTERED)
        if document_ids is not None and not document_ids:
            return FoundPassages((), low_confidence=True, is_behind=False)
        ranked = await self._index.search(scope.tenant_id, query, scope.audiences, document_ids, max(limit, CANDIDATES))
        rows = await self._judged(scope, query, ranked.rows)
        # The store has the last word on what may be seen: what was deleted a moment ago is not answered.
        passages = await self._store.passages(scope, [each.row for each in rows[:limit]])
        found = tuple(FoundPassage(passages[each.row], each.score) for each in rows[:limit] if each.row in passages)
        return FoundPassages(found, ranked.low_confidence or not found, ranked.is_behind, ranked.without)

    async def _judged(self, scope: Scope, query: str, rows: Sequence[RankedRow]) -> Sequence[RankedRow]:
        """Return the rows as the judge orders them, where there is one that answers; only then are all candidates read."""
        if self._judge is None or len(rows) < 2 or not self._judge.is_there:
            return rows
        passages = await self._store.passages(scope, [each.row for each in rows])
        there = [each for each in rows if each.row in passages]
        scores = await self._judge.judge(query, [passages[each.row].text for each in there])
        if scores is None:
            return rows
        judged = [RankedRow(each.row, score) for each, score in zip(there, scores, strict=True)]
        return sorted(judged, key=lambda each: -each.score)
