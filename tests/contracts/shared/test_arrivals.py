"""Rate limits, each node by itself or all together: the same promises, but for whom one count holds."""

import asyncio
from collections.abc import Mapping

import pytest

from server.rate_limits import Limit, RateLimited, RateLimits
from server.storage.redis.names import RedisNames
from server.storage.redis.opened import RedisState
from tests.shared_redis.server import RedisServer

LIMITS: Mapping[str, Limit] = {"try": Limit(6, 5), "other": Limit(6, 1)}
INTERVAL_S = 10.0


@pytest.fixture(params=["alone", "together"])
def node(request: pytest.FixtureRequest) -> RedisState | None:
    """The Redis of one node; None: it has none."""
    found: RedisState | None = request.getfixturevalue("redis_nodes")[0] if request.param == "together" else None
    return found


@pytest.fixture
def limits(node: RedisState | None) -> RateLimits:
    return RateLimits(limits=LIMITS, shared=None if node is None else node.arrivals)


async def passes(limits: RateLimits, key: str, bucket: str = "try") -> bool:
    try:
        await limits.check(bucket, key)
    except RateLimited:
        return False
    return True


async def test_a_burst_passes_and_who_is_refused_is_told_for_how_long(limits: RateLimits) -> None:
    assert [await passes(limits, "ada") for _ in range(6)] == [True] * 5 + [False]
    with pytest.raises(RateLimited) as refused:
        await limits.check("try", "ada")
    assert 0 < refused.value.retry_after_s <= INTERVAL_S
    assert await passes(limits, "bo")
    assert await passes(limits, "ada", "other")


async def test_what_was_right_is_given_back(limits: RateLimits, node: RedisState | None) -> None:
    for _ in range(3):
        assert [await passes(limits, "ada") for _ in range(5)] == [True] * 5
        for _ in range(5):
            limits.give_back("try", "ada")
        if node is not None:
            await node.link.settled()


async def test_two_nodes_take_from_one_limit(redis_nodes: tuple[RedisState, RedisState]) -> None:
    """However many ask at once, and wherever: as many get through as one node would let."""
    one, two = (RateLimits(limits=LIMITS, shared=node.arrivals) for node in redis_nodes)
    taken = await asyncio.gather(*(passes(node, "ada") for _ in range(10) for node in (one, two)))
    assert taken.count(True) == 5
    one.give_back("try", "ada")
    await redis_nodes[0].link.settled()
    assert [await passes(two, "ada"), await passes(one, "ada")].count(True) == 1


async def test_whoever_asks_is_told_what_is_left_for_all(redis_nodes: tuple[RedisState, RedisState]) -> None:
    """Not what this node alone let through: a refusal said that much was left."""
    one, two = (RateLimits(limits=LIMITS, shared=node.arrivals) for node in redis_nodes)
    assert [(await node.check("try", "ada")).left for node in (one, two, one, one, two)] == [4, 3, 2, 1, 0]
    with pytest.raises(RateLimited) as refused:
        await two.check("try", "ada")
    assert refused.value.standing.left == 0
    assert refused.value.standing.full_in_s >= 4 * INTERVAL_S
    redis_nodes[1].link.is_there = False
    assert (await two.check("try", "ada")).left == 2


async def test_what_others_refuse_takes_nothing_here(redis_nodes: tuple[RedisState, RedisState]) -> None:
    """A node that is alone again lets through what it had not used itself."""
    one, two = (RateLimits(limits=LIMITS, shared=node.arrivals) for node in redis_nodes)
    assert [await passes(one, "ada") for _ in range(5)] == [True] * 5
    assert not await passes(two, "ada")
    redis_nodes[1].link.is_there = False
    assert [await passes(two, "ada") for _ in range(6)] == [True] * 5 + [False]
    assert not await passes(one, "ada")


def test_a_name_tells_nothing_of_whom_it_is_about() -> None:
    """And two installations on one Redis never mean the same place."""
    ours, theirs = RedisNames("test", b"o" * 32), RedisNames("test", b"t" * 32)
    name = ours.of("", "arrival", "login_address", "192.0.2.7")
    assert name.startswith("ascend:test:-:arrival:")
    assert "192.0.2.7" not in name
    assert len({name, ours.of("", "arrival", "login_address1", "92.0.2.7"), theirs.of("", "arrival", "login_address", "192.0.2.7")}) == 3


async def test_everything_that_is_counted_has_an_end(one_redis: RedisServer, redis_nodes: tuple[RedisState, RedisState]) -> None:
    limits = RateLimits(limits=LIMITS, shared=redis_nodes[0].arrivals)
    await limits.check("try", "ada")
    await limits.check("try", "ada")
    limits.give_back("try", "ada")
    await redis_nodes[0].link.settled()
    name = redis_nodes[0].arrivals.names.of("", "arrival", "try", "ada")
    assert 0 < await one_redis.milliseconds_left(name) <= 2 * INTERVAL_S * 1_000 + 1
