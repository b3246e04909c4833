"""Signals: what a rule says, by which facts, in which version."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.tools.context_plane.retrieval.conftest import Known, knowing
from tests.tools.context_plane.saying import ADA, fact, number
from tools.context_plane.errors import ContextRefused

ACME = ADA.tenant_id


@pytest.fixture
async def known(tmp_path: Path) -> AsyncIterator[Known]:
    async with knowing(tmp_path) as found:
        yield found


async def test_a_champion_who_left_is_told_with_the_fact_behind_it_and_kept(known: Known) -> None:
    [said] = await known.say(fact("Kahuna", "champion", "Dana Reyes", "2026-01-10", "2026-03-01"), source="crm")
    found = {each.signal: each for each in await known.plane.signals.evaluate(ACME, ["Kahuna"], "run-1")}
    left = found["champion-left"]
    assert (left.verdict, left.rule_version, left.fact_ids, left.run_id) == ("left", "1", (number(said),), "run-1")
    assert "Dana Reyes is no longer the champion" in left.reason
    assert 0.3 <= left.score <= 1
    assert await known.plane.store.signals.latest(ACME, [left.subject_id], 10) == [left]
    assert await known.plane.store.signals.latest("globex", [left.subject_id], 10) == []


async def test_a_champion_who_was_replaced_is_less_pressing(known: Known) -> None:
    await known.say(fact("Kahuna", "champion", "Dana Reyes", "2026-01-10", "2026-03-01"), source="crm")
    await known.say(fact("Kahuna", "champion", "Lee Wong", "2026-03-01"), source="crm")
    [found] = await known.plane.signals.evaluate(ACME, ["Kahuna"])
    assert (found.verdict, found.score) == ("replaced", 0.2)
    assert len(found.fact_ids) == 2


@pytest.mark.parametrize(("heard", "verdict"), [("2020-01-01", "stale"), (None, "active")])
async def test_an_owner_of_whose_account_nothing_is_heard_is_stale(known: Known, heard: str | None, verdict: str) -> None:
    when: dict[str, Any] = {} if heard is None else {"occurred_at": heard}
    await known.say(fact("Kahuna", "owner", "Ana", "2019-01-01"), source="crm", **when)
    found = {each.signal: each for each in await known.plane.signals.evaluate(ACME, ["Kahuna"])}
    assert found["stale-owner"].verdict == verdict


async def test_contradictions_are_a_signal(known: Known) -> None:
    await known.one("owner")
    for owner in ("Ana", "Ben"):
        await known.say(fact("Kahuna", "owner", owner, "2026-01-01"), source=f"crm-{owner}", occurred_at="2026-01-02")
    found = {each.signal: each for each in await known.plane.signals.evaluate(ACME, ["Kahuna"])}
    assert found["contradiction"].verdict == "conflict"
    assert "owner" in found["contradiction"].reason


async def test_private_facts_and_strangers_are_no_signal(known: Known) -> None:
    await known.say(fact("Kahuna", "champion", "Dana Reyes", "2026-01-10", "2026-03-01"), private=True, source="note")
    for tenant_id in (ACME, "globex"):
        with pytest.raises(ContextRefused, match="no such entity"):
            await known.plane.signals.evaluate(tenant_id, ["Kahuna"])
