"""A configured judge puts the candidates in its order; where it gives none, the order is ours."""

from collections.abc import Sequence

import pytest

from tests.tools.context_plane.retrieval.conftest import BOB, Known
from tests.tools.context_plane.saying import fact


class LikesTheLongest:
    """Judges by length, or not at all."""

    def __init__(self, *, answers: bool) -> None:
        self._answers = answers
        self.read: list[str] = []

    async def judge(self, query: str, texts: Sequence[str]) -> Sequence[float] | None:
        self.read += texts
        return [float(len(text)) for text in texts] if self._answers else None


@pytest.mark.parametrize("answers", [True, False])
async def test_a_judge_orders_what_may_be_seen_and_its_failure_changes_nothing(known: Known, answers: bool) -> None:
    """Context contract §2: deterministic features or a configured `/rerank`."""
    await known.say(fact("Kahuna", "champion", "Dana"), fact("Kahuna", "note", "a long remark about the weather that day"), source="crm")
    await known.say(fact("Kahuna", "secret", "a remark that is private and longer than all of the others"), private=True, source="note")
    ours = await known.texts("champion of Kahuna", BOB)
    assert ours[0] == "Kahuna champion Dana"
    judge = LikesTheLongest(answers=answers)
    known.plane.query._judge = lambda: judge
    assert await known.texts("champion of Kahuna", BOB) == (ours[::-1] if answers else ours)
    assert not [text for text in judge.read if "secret" in text], "what the caller may not see leaves for no judge"
    told = (await known.explain("champion of Kahuna", BOB))["facts"][0]["scores"]
    assert ("judge" in told) == answers
