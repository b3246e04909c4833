"""Money through the whole gateway: what is set aside, counted and given back, whatever becomes of a call."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from oauth.principal import Principal
from oauth.scopes import CONNECT
from tests.gateway import add_person, token_for
from tests.server.model_api.conftest import Models
from tests.waiting import until
from tools.operation import ClientInfo

#: a cent for the answer of 4 tokens, nothing for the question
PRICE = {"model": "one/*", "from": "2026-01-01", "input": 0, "output": 2_500}
CENT = 10_000_000
FOUR: dict[str, Any] = {"max_tokens": 4}


async def spent(models: Models) -> dict[str, tuple[float, float, int]]:
    """Return what each budget has spent and set aside in cents, and its tokens."""
    await models.gateway.ai_gateway.ledger.flush()
    counters = await models.gateway.store.budgets.counters(0)
    return {each.charge.budget: (each.spent.nano_usd / CENT, each.reserved.nano_usd / CENT, each.spent.tokens) for each in counters}


async def configure(models: Models, **more: Any) -> None:
    await models.configure(prices=[PRICE], **more)


def capped(**more: Any) -> dict[str, Any]:
    return {"budgets": [{"name": "b", "tenant": "acme", "window": "total"} | more]}


async def test_calls_at_once_are_let_through_to_the_last_cent(models: Models) -> None:
    """Issue 13: never overshot, never refused below it."""
    await configure(models, **capped(usd=0.05))
    replies = await asyncio.gather(*(models.chat("one/m", **FOUR) for _ in range(12)))
    assert sorted(reply.status_code for reply in replies) == [200] * 5 + [402] * 7
    assert (await spent(models))["b"] == (5, 0, 70)


async def test_what_was_set_aside_comes_back_before_anybody_is_refused(models: Models) -> None:
    """One call after the other, each with a maximum four times what it uses: the ledger need not have written yet."""
    await configure(models, **capped(usd=0.07))
    statuses = [(await models.chat("one/m", max_tokens=16)).status_code for _ in range(5)]
    assert statuses == [200] * 4 + [402]


async def test_a_failed_call_counts_nothing(models: Models) -> None:
    await configure(models, **capped(usd=1))
    for model in ("one/fails-503", "one/fails-400", "one/cuts-1"):
        await models.chat(model, **FOUR)
    assert (await spent(models))["b"][1] == 0
    assert (await spent(models))["b"][0] == 0


async def test_a_stream_that_breaks_off_counts_what_was_produced(models: Models) -> None:
    await configure(models, **capped(usd=1))
    reply = await models.chat("one/cuts", stream=True, max_tokens=400)
    assert "[DONE]" not in reply.text
    [row] = await models.rows()
    assert (row.outcome, row.usage.is_estimated) == ("interrupted", True)
    cents, held, _tokens = (await spent(models))["b"]
    assert 0 < cents < 100
    assert held == 0
    assert row.cost_nano_usd == cents * CENT


async def test_tokens_are_set_aside_by_bytes(models: Models) -> None:
    """How a provider counts nobody knows before; there are no more tokens than bytes in any tokenizer."""
    await configure(models, **capped(tokens=60))
    reply = await models.chat("one/m", **FOUR)
    assert len(reply.request.content) + 4 > 60
    assert reply.status_code == 402
    await configure(models, **capped(tokens=len(reply.request.content) + 4))
    assert (await models.chat("one/m", **FOUR)).status_code == 200


async def test_a_key_has_a_budget_of_its_own(models: Models) -> None:
    await configure(models)
    key, other = [await models.mint("acme", "bot", budget_nano_usd=2 * CENT, budget_window="day") for _ in range(2)]
    assert [(await models.chat("one/m", key=key, **FOUR)).status_code for _ in range(3)] == [200, 200, 402]
    assert (await models.chat("one/m", key=other, **FOUR)).status_code == 200
    assert (await models.chat("one/m", **FOUR)).status_code == 200


async def test_a_model_without_a_price_has_no_place_under_dollars(models: Models) -> None:
    await configure(models, **capped(usd=1))
    refused = await models.chat("two/m", **FOUR)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "model_unpriced")
    await configure(models, **capped(tokens=10_000))
    assert (await models.chat("two/m", **FOUR)).status_code == 200
    [row, *_others] = await models.rows()
    assert row.cost_nano_usd is None


async def test_above_a_budget_the_route_of_the_file_is_taken(models: Models) -> None:
    free = {"model": "two/*", "from": "2026-01-01", "input": 0, "output": 1}
    await models.configure(prices=[PRICE, free], routes={"cheap": {"targets": ["two/m"]}}, **capped(usd=0.01, over="cheap"))
    routes = [(await models.chat("one/m", **FOUR)).headers["x-gateway-provider"] for _ in range(3)]
    assert routes == ["one", "two", "two"]


async def test_a_limit_gets_back_what_a_stream_did_not_use(models: Models) -> None:
    """A stream takes its maximum, and its end says what it was."""
    await configure(models, limits=[{"key": "*", "tokens": 400, "per": "hour"}])
    statuses = [(await models.chat("one/m", stream=True, max_tokens=300)).status_code for _ in range(4)]
    assert statuses == [200] * 4


async def test_a_limit_gets_back_all_of_a_call_that_failed(models: Models) -> None:
    await configure(models, limits=[{"key": "*", "tokens": 400, "per": "hour"}])
    assert [(await models.chat("one/fails-400", max_tokens=300)).status_code for _ in range(4)] == [400] * 4
    assert (await models.chat("one/m", max_tokens=300)).status_code == 200


async def test_answers_and_refusals_say_how_a_limit_stands(models: Models) -> None:
    await configure(models, limits=[{"key": "test", "requests": 1, "per": "minute"}])
    first, second = [await models.chat("one/m") for _ in range(2)]
    assert (first.status_code, first.headers["x-ratelimit-remaining"]) == (200, "0")
    assert first.headers["ratelimit-policy"] == '"key-minute";q=1;qu="requests";w=60'
    assert (second.status_code, second.json()["error"]["code"]) == (429, "rate_limited")
    assert 1 <= int(second.headers["retry-after"]) <= 60
    assert len(models.provider.asked) == 1


async def test_operations_cost_from_when_the_file_says_so(models: Models) -> None:
    """Issue 13: one budget may cover model calls and tool calls; a running gateway follows the file."""
    runners = models.gateway.ai_gateway.paying_runners
    before = [runner.run for runner in runners]
    await models.configure(prices=[{"model": "crm/*", "from": "2026-01-01", "per_request": 0.01}])
    await until(lambda: all(runner.run != run for runner, run in zip(runners, before, strict=True)))
    assert len(runners) == 2
    assert models.gateway.ai_gateway.prices.request_nano_usd("crm", "crm.contacts.list", datetime.now(UTC)) == CENT


async def test_every_answer_asked_for_is_set_aside(models: Models) -> None:
    """Fifty answers of one cent each are half a dollar."""
    await configure(models, **capped(usd=0.05))
    assert (await models.chat("one/m", n=50, **FOUR)).status_code == 402
    assert (await models.chat("one/m", n=5, **FOUR)).status_code == 200
    await configure(models, **capped(usd=0.05, name="c"))
    assert (await models.chat("one/m", max_completion_tokens=4, max_tokens=4_000)).status_code == 402


async def test_under_a_budget_a_maximum_is_a_whole_number(models: Models) -> None:
    """What providers may read in two ways bounds nothing; where no budget applies it is theirs to judge."""
    for unclear in ("4", 4.0, 0, -1):
        await configure(models, **capped(usd=100))
        response = await models.chat("one/m", max_tokens=unclear)
        assert (response.status_code, response.json()["error"]["param"]) == (400, "max_tokens")
        assert (await spent(models))["b"][1] == 0
        await configure(models)
        assert (await models.chat("one/m", max_tokens=unclear)).status_code == 200


@pytest.mark.parametrize("way", ["key", "token", "operation"])
async def test_a_budget_that_names_a_person_holds_her_however_she_comes(models: Models, way: str) -> None:
    """By a key of hers, by OAuth, by llm.* in a conversation."""
    gateway, scopes = models.gateway, frozenset({CONNECT, "llm:write"})
    subject = await add_person(gateway, "ada@example.com", "acme")
    await configure(models, budgets=[{"name": "hers", "user": "ada@example.com", "window": "total", "usd": 0.02}])

    async def asked(**more: Any) -> bool:
        if way == "operation":
            ada = Principal("acme", subject, "cl", scopes, "gr")
            given = {"prompt": "hello", "model": "one/m", "max_tokens": 4, **more}
            outcome = await gateway.operations.dispatcher.call(ada, "llm.invoke", given, client=ClientInfo("2026-07-28"))
            return outcome.status == "ok"
        return (await models.chat("one/m", key=key, **FOUR, **more)).status_code == 200

    async def credential() -> str:
        if way == "key":
            return await models.mint("acme", "hers", user="ada@example.com")
        return await token_for(gateway, subject, "acme", scopes, "models")

    key = await credential()
    assert [await asked(), await asked(user="Ada@example.com"), await asked()] == [True, True, False]
    # Who has signed in is held whomever she names; a program has a key to call for others, and says for whom.
    assert await asked(user="bob") is (way == "key")


async def test_whoever_asks_is_told_what_is_left_of_the_budgets_that_hold_them(models: Models) -> None:
    """Nobody else's: not another person's, nor what several tenants share."""
    budgets = [
        {"name": "tenant", "tenant": "acme", "window": "month", "usd": 0.05},
        {"name": "each", "user": "*", "window": "total", "tokens": 1_000},
        {"name": "theirs", "tenant": "globex", "window": "total", "usd": 1},
        {"name": "house", "window": "total", "usd": 9},
    ]
    await configure(models, budgets=budgets)
    await models.chat("one/m", headers={"x-gateway-user": "bob"}, **FOUR)
    dispatcher = models.gateway.operations.dispatcher
    ada = Principal("acme", "ada", "cl", frozenset({CONNECT, "llm:read"}), "gr")
    outcome = await dispatcher.call(ada, "llm.usage.summary", {}, client=ClientInfo("2026-07-28"))
    left = {each["name"]: (each["left_usd"], each["left_tokens"]) for each in outcome.data["budgets"]}
    assert left == {"tenant": (0.04, None), "each": (None, 1_000)}
