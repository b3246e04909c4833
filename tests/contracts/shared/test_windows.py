"""Limits of the AI gateway, each node by itself or all together: the same promises, but for whom one count holds."""

import asyncio
from dataclasses import replace

import pytest

from server.storage.redis.opened import RedisState
from tests.shared_redis.server import RedisServer
from tests.tools.metering.spending_world import SPENDING
from tools.metering.limits import LimitExceeded, Limits
from tools.metering.rules import LimitRule, Selector

REQUESTS = LimitRule(Selector(key="bot"), "hour", requests=5)
TOKENS = LimitRule(Selector(tenant="*"), "day", tokens=1_000)
RULES = (REQUESTS, TOKENS)


@pytest.fixture(params=["alone", "together"])
def node(request: pytest.FixtureRequest) -> RedisState | None:
    """The Redis of one node; None: it has none."""
    found: RedisState | None = request.getfixturevalue("redis_nodes")[0] if request.param == "together" else None
    return found


@pytest.fixture
def limits(node: RedisState | None) -> Limits:
    return Limits(lambda: RULES, shared=None if node is None else node.windows)


async def passes(limits: Limits, tokens: int = 0, **who: str) -> bool:
    try:
        await limits.take(replace(SPENDING, **who), tokens)  # type: ignore[arg-type]  # names of texts only
    except LimitExceeded:
        return False
    return True


async def test_so_many_get_through_and_a_refused_one_takes_from_none(limits: Limits) -> None:
    assert [await passes(limits, 100) for _ in range(6)] == [True] * 5 + [False]
    assert await passes(limits, 500, key="other")
    assert not await passes(limits, 1, key="other")
    assert await passes(limits, 500, key="other", tenant_id="globex")


async def test_who_is_refused_is_told_of_every_limit(limits: Limits) -> None:
    for _ in range(5):
        ticket = await limits.take(SPENDING, 100)
    assert '"key-hour";r=0' in ticket.headers["ratelimit"]
    assert '"tenant-day-tokens";r=500' in ticket.headers["ratelimit"]
    with pytest.raises(LimitExceeded, match="5 requests a hour") as refused:
        await limits.take(SPENDING, 100)
    assert 0 < refused.value.retry_after_s <= 3_600 * 13 / 12
    assert refused.value.headers["x-ratelimit-remaining"] == "0"


async def test_tokens_that_were_not_used_come_back(limits: Limits, node: RedisState | None) -> None:
    ticket = await limits.take(SPENDING, 1_000)
    assert not await passes(limits, 100)
    limits.settle(ticket, 100)
    if node is not None:
        await node.link.settled()
    assert await passes(limits, 900)


async def test_what_is_larger_than_a_limit_fits_into_an_empty_window(limits: Limits) -> None:
    assert await passes(limits, 5_000)
    assert not await passes(limits, 1)


async def test_two_nodes_take_from_one_limit(redis_nodes: tuple[RedisState, RedisState]) -> None:
    one, two = (Limits(lambda: RULES, shared=node.windows) for node in redis_nodes)
    taken = await asyncio.gather(*(passes(node) for _ in range(10) for node in (one, two)))
    assert taken.count(True) == 5


async def test_a_node_that_is_alone_goes_by_what_it_let_through_itself(redis_nodes: tuple[RedisState, RedisState]) -> None:
    limits = Limits(lambda: RULES, shared=redis_nodes[0].windows)
    assert [await passes(limits) for _ in range(3)] == [True] * 3
    redis_nodes[0].link.is_there = False
    assert [await passes(limits) for _ in range(3)] == [True, True, False]


async def test_a_window_goes_by_itself(one_redis: RedisServer, redis_nodes: tuple[RedisState, RedisState]) -> None:
    before = await one_redis.names()
    limits = Limits(lambda: RULES, shared=redis_nodes[0].windows)
    await limits.take(SPENDING, 10)
    made = await one_redis.names() - before
    assert {name.split(b":")[2:4][0] for name in made} == {b"-", SPENDING.tenant_id.encode()}
    for name in made:
        assert 0 < await one_redis.milliseconds_left(name.decode()) <= 13 * 7_200_000
