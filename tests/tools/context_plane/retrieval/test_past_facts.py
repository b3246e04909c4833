"""What was believed long ago is found, however much was learnt and retired since (decision 0051)."""

import time
from typing import Any

import pytest

from tests.tools.context_plane.retrieval.conftest import BOB, Known
from tests.tools.context_plane.saying import fact
from tools.context_plane.retrieval import past_facts
from tools.context_plane.times import time_text

DAY_S = 86_400


def moment() -> str:
    return time_text(time.time_ns() // 1000) or ""


async def told(known: Known) -> dict[str, Any]:
    """Tell of accounts, change all of it, and let forty days go by; return the arguments of a question about what was believed before."""
    await known.one("champion", "stage")
    await known.say(fact("Kahuna", "champion", "Dana Reyes", "2026-01-01"), fact("Wave", "industry", "surfing"), source="crm")
    await known.say(*(fact(f"Account {n}", "stage", f"open {n}", "2026-01-01") for n in range(9)), source="crm")
    await known.say(fact("Kahuna", "champion", "Moby Dick", "2026-01-01"), by=BOB, private=True, source="diary")
    before = moment()
    await known.say(*(fact(f"Account {n}", "stage", f"lost {n}", "2026-01-02") for n in range(9)), source="crm", source_id="2")
    await known.say(fact("Kahuna", "champion", "Omar Haddad", "2026-01-02"), source="crm", source_id="2")
    known.plane.query._clock = lambda: time.time() + 40 * DAY_S
    return {"known_at": before, "as_of": "2026-02-01"}


async def test_what_has_the_words_of_the_question_is_looked_at_first_and_the_rest_is_said(
    known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past_facts, "MOST", 3)
    asked = await told(known)
    answer = await known.ask("who is the champion at Kahuna", **asked)
    assert answer["facts"][0]["text"] == "Kahuna champion Dana Reyes"
    assert "those that have the question's words were looked at first" in answer["partial"]
    assert "partial" not in await known.ask("who is the champion at Kahuna", entities=["Kahuna"], **asked)


async def test_what_has_stood_since_then_is_found_beside_what_has_not(known: Known) -> None:
    asked = await told(known)
    answer = await known.ask("which industry is Wave in", **asked)
    assert answer["facts"][0]["text"] == "Wave industry surfing"
    assert "partial" not in answer
    everything = await known.texts("champion industry stage", limit=20, **asked)
    assert len(everything) == 11
    assert not [text for text in everything if "lost" in text or "Omar" in text or "Moby" in text]


async def test_today_is_asked_of_the_index_alone(known: Known) -> None:
    asked = await told(known)
    del asked["known_at"]
    assert (await known.texts("who is the champion at Kahuna", **asked))[0] == "Kahuna champion Omar Haddad"
