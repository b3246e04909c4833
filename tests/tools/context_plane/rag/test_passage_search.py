"""Candidates are ranked, judged where there is a judge, and the store has the last word."""

from collections.abc import Collection, Mapping, Sequence

import pytest

from tools.context_plane.rag.passages import CANDIDATES, PassageSearch, RankedRow, RankedRows
from tools.context_plane.rag.records import DocumentFilter, Passage
from tools.context_plane.stores import Scope

ADA = Scope("acme", "ada")


class Ranked:
    """An index that ranks sixty rows by their numbers."""

    asked = 0

    async def search(
        self, tenant_id: str, query: str, audiences: Sequence[str], document_ids: Sequence[int] | None, limit: int
    ) -> RankedRows:
        self.asked = limit
        return RankedRows(tuple(RankedRow(row, 1 / row) for row in range(1, limit + 1)), low_confidence=False, is_behind=False)


class Kept:
    """A store that has all rows but the third, and remembers which it was asked for."""

    def __init__(self) -> None:
        self.read: list[int] = []

    async def passages(self, scope: Scope, rows: Collection[int]) -> Mapping[int, Passage]:
        self.read += rows
        return {row: Passage(row, 0, "a.md", "", None, 0, 1, f"passage {row}") for row in rows if row != 3}


class Judge:
    """A judge that prefers what comes last, or does not answer."""

    def __init__(self, *, answers: bool = True, is_there: bool = True) -> None:
        self._answers, self.is_there = answers, is_there
        self.texts: Sequence[str] = ()

    async def judge(self, query: str, texts: Sequence[str]) -> Sequence[float] | None:
        self.texts = texts
        return [float(place) for place in range(len(texts))] if self._answers else None


async def found(kept: Kept, judge: Judge | None) -> list[int]:
    search = PassageSearch(kept, Ranked(), judge)  # type: ignore[arg-type]  # the half of the store that is asked
    return [each.passage.row for each in (await search.search(ADA, "what", DocumentFilter(), 4)).passages]


async def test_only_what_is_answered_is_read_from_the_store() -> None:
    kept = Kept()
    assert await found(kept, None) == [1, 2, 4]
    assert kept.read == [1, 2, 3, 4]


async def test_a_judge_reads_fifty_and_says_which_come_first() -> None:
    kept, judge = Kept(), Judge()
    assert await found(kept, judge) == [50, 49, 48, 47]
    assert len(judge.texts) == CANDIDATES - 1


@pytest.mark.parametrize("judge", [Judge(answers=False), Judge(is_there=False)])
async def test_without_the_judge_s_word_the_ranking_stands(judge: Judge) -> None:
    assert await found(Kept(), judge) == [1, 2, 4]
