"""Calls teach the search, each tenant for itself."""

from dataclasses import replace

import pytest

from capability_index.encoders.encoder import load_word_table
from tests.tools.stand_ins import ADA, BOB, DispatcherInMemory, gateway, operation
from tools.operation import Call, Failure, Outcome

POST = operation("slack.chat.post", "write", summary="Send a message to a channel", idempotent=True)
OTHERS = [operation(f"crm.{noun}.list", summary=f"List {noun}") for noun in ("contacts", "deals", "notes", "companies")]
TABLE = load_word_table()
INTENT = "list the usual suspects"


async def learn(house: DispatcherInMemory, times: int, *, gap_s: float = 1) -> None:
    for _ in range(times):
        await house.call("discover_apis", {"query": INTENT, "limit": 20})
        house.clock[0] += gap_s
        await house.call("call_api", {"api": POST.id})
    await house.usage.flush()


async def rank(house: DispatcherInMemory, tenant_id: str = "acme") -> int:
    outcome = await house.call("discover_apis", {"query": INTENT, "limit": 20}, replace(ADA, tenant_id=tenant_id, subject="somebody"))
    ids = [entry["id"] for entry in outcome.data["results"]]
    assert len(ids) == len(set(ids))
    return ids.index(POST.id)


async def test_an_intent_that_led_to_a_call_finds_it_first_the_next_time() -> None:
    """Usage examples are examples of what an operation is good for."""
    house = await gateway([*OTHERS, POST], table=TABLE)
    before = await rank(house)
    await learn(house, 2)
    assert before > 0
    assert await rank(house) == 0


async def test_no_tenant_learns_from_another() -> None:
    """What a tenant's people ask stays in that tenant."""
    house = await gateway([*OTHERS, POST], table=TABLE)
    before = await rank(house, "other")
    await learn(house, 3)
    assert await rank(house, "other") == before


async def test_what_was_learned_outlives_the_process() -> None:
    """The store keeps it, the index is taught at start."""
    house = await gateway([*OTHERS, POST], table=TABLE)
    await learn(house, 2)
    next_house = await gateway([*OTHERS, POST], table=TABLE, uses=house.uses)
    assert await rank(next_house) == 0


async def test_accidents_failures_late_calls_and_other_peoples_searches_teach_nothing() -> None:
    """Once may be an accident; a failed call, a call much later or somebody else's search is no example."""
    house = await gateway([*OTHERS, POST], table=TABLE)
    await learn(house, 1)
    await learn(house, 2, gap_s=16 * 60)
    await house.call("discover_apis", {"query": INTENT, "limit": 20})
    await house.call("call_api", {"api": POST.id}, BOB)

    async def failing(call: Call) -> Outcome:
        return Outcome("error", error=Failure("upstream_error", "slack answered 500"))

    house.runner.answers[POST.id] = failing
    await learn(house, 3)
    assert [each.uses for each in await house.uses.load_uses(1)] == [1]
    assert await house.usage.flush() == 0


async def test_what_is_remembered_of_many_intents_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody's every intent is one entry: the most used half stays."""
    monkeypatch.setattr("tools.catalog.search_feedback.MAX_LEARNED", 4)
    house = await gateway([*OTHERS, POST], table=TABLE)
    await learn(house, 2)
    for number in ("one", "two", "three", "four", "five"):
        await house.call("discover_apis", {"query": f"{INTENT} {number}", "limit": 20})
        await house.call("call_api", {"api": POST.id})
        await house.usage.flush()
    assert house.usage.learned_count <= 4
    assert await rank(house) == 0


async def test_what_a_tenant_taught_that_has_gone_teaches_nobody_of_its_name() -> None:
    house = await gateway([*OTHERS, POST], table=TABLE)
    before = await rank(house)
    await learn(house, 2)
    assert await rank(house) == 0
    house.usage.forget_tenant("acme")
    assert await rank(house) == before
    # Nor does a first use count together with those of before.
    await learn(house, 1)
    assert await rank(house) == before
