"""Breakers that open and close at one node do so at all."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import anyio
import orjson
import pytest

from server.assembly.shared_state import SharedState
from server.storage.redis.breaker_news import MAX_OPEN_S
from server.storage.redis.link import client_of
from server.storage.redis.opened import RedisState, open_redis
from tests.shared_redis.nodes import PATIENCE_S
from tests.shared_redis.server import RedisServer, redis_server
from tests.tools.stand_ins import operation
from tests.waiting import until
from tools.ai_gateway.breaker import Breakers
from tools.ai_gateway.configuration.config import BreakerRule
from tools.sources.http.base_urls import FAILURES, Upstreams

CIRCUIT = ("openai/gpt-5.2", "acc_1")
PLACES = ["https://one.test", "https://two.test"]
GET = replace(operation("crm.contacts.get"), binding={"method": "GET", "base_urls": PLACES})


class Node:
    def __init__(self, redis: RedisState) -> None:
        self.shared = SharedState(redis)
        self.models = Breakers(lambda: BreakerRule(failures=3, window_s=30, open_s=600), told=self.shared.told_of_model)
        self.upstreams = Upstreams(told=self.shared.told_of_upstream)
        self.upstreams.choose(GET)
        self.shared.follow(self.models, self.upstreams)

    def fail_model(self) -> None:
        for _ in range(3):
            self.models.failed(CIRCUIT)

    def fail(self) -> None:
        self.fail_model()
        for _ in range(FAILURES):
            self.upstreams.report(PLACES[0], False)

    def leaves_alone(self) -> bool:
        return not self.models.admits(CIRCUIT) and self.upstreams.state().get(PLACES[0]) == "ill"


@pytest.fixture
async def nodes(redis_nodes: tuple[RedisState, RedisState]) -> AsyncIterator[tuple[Node, Node]]:
    one, two = (Node(redis) for redis in redis_nodes)
    async with anyio.create_task_group() as group:
        for redis in redis_nodes:
            group.start_soon(redis.breakers.run)
        yield one, two
        group.cancel_scope.cancel()


async def test_what_one_node_leaves_alone_all_do_until_it_is_well(nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    one.fail()
    await until(two.leaves_alone)
    one.models.succeeded(CIRCUIT)
    one.upstreams.report(PLACES[0], True)
    await until(lambda: two.models.admits(CIRCUIT) and two.upstreams.state()[PLACES[0]] == "well")


async def test_a_node_that_starts_hears_what_is_open_by_then(one_redis: RedisServer, redis_nodes: tuple[RedisState, RedisState]) -> None:
    one, two = (Node(redis) for redis in redis_nodes)
    before = await one_redis.names()
    one.fail()
    await redis_nodes[0].link.settled()
    async with anyio.create_task_group() as group:
        group.start_soon(redis_nodes[1].breakers.run)
        await until(two.leaves_alone)
        group.cancel_scope.cancel()
    (name,) = await one_redis.names() - before
    assert 0 < await one_redis.milliseconds_left(name.decode()) <= 600_000


async def test_what_others_on_this_redis_say_opens_nothing_and_breaks_nothing(
    one_redis: RedisServer, redis_nodes: tuple[RedisState, RedisState]
) -> None:
    """They see neither who is left alone, nor can they have anybody left alone, nor stop the news."""
    one, two = (Node(redis) for redis in redis_nodes)
    forged = orjson.dumps(["x", orjson.dumps(["model", *CIRCUIT]).decode(), 10**15])
    async with anyio.create_task_group() as group:
        group.start_soon(redis_nodes[1].breakers.run)
        news = redis_nodes[0].breakers
        client = client_of(redis_nodes[0].link.url)
        await client.zadd(news._set, {b"not sealed": 9e15})
        await client.publish(news._channel, forged)
        one.fail()
        await until(two.leaves_alone)
        members = await client.zrange(news._set, 0, -1)
        await client.aclose()
        group.cancel_scope.cancel()
    assert not any(word in member for member in members for word in (b"gpt", b"one.test", b"acc_1"))
    assert two.models.open_targets()[CIRCUIT[0]] <= MAX_OPEN_S


async def test_a_connection_that_broke_without_a_word_is_given_up_for_another(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """TCP alone would leave a node deaf for a quarter of an hour."""
    caplog.set_level(logging.DEBUG, "ascend")
    with redis_server(tmp_path / "redis") as redis:
        async with open_redis(redis.url, "test", b"k" * 32, PATIENCE_S) as one, open_redis(redis.url, "test", b"k" * 32, PATIENCE_S) as two:
            two.breakers.silence_s = 0.05
            teller, hearer = Node(one), Node(two)
            async with anyio.create_task_group() as group:
                group.start_soon(two.breakers.run)
                teller.fail_model()
                await until(lambda: not hearer.models.admits(CIRCUIT))
                redis.stall()
                await until(lambda: any(record.message == "breaker_news_lost" for record in caplog.records))
                redis.resume()
                teller.fail()
                await until(hearer.leaves_alone)
                group.cancel_scope.cancel()
