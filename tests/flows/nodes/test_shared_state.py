"""Two gateways on one store and one Redis: limits, answers and breakers are those of both; without Redis each goes by itself."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.gateway import opened
from tests.server.model_api.conftest import BASE, Models, prepared
from tests.server.model_api.provider import serving
from tests.shared_redis.server import RedisServer, redis_server
from tests.waiting import until

ROUTES = {"kept": {"targets": ["one/m"], "cache_s": 600}}


@dataclass
class Pair:
    one: Models
    two: Models
    redis: RedisServer

    async def configure(self, **sections: Any) -> None:
        await self.one.configure(**sections)
        await self.two.gateway.ai_gateway.config.load()

    def links(self) -> Iterator[Any]:
        for models in (self.one, self.two):
            assert models.gateway.shared.redis is not None
            yield models.gateway.shared.redis.link


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    """Two gateways in this process, as if they were two machines: they share a data directory, hence store and keys."""
    with redis_server(tmp_path / "redis") as redis:
        settings = {"egress_allow": ("127.0.0.1:*",), "redis_url": redis.url}
        async with (
            serving() as provider,
            opened(tmp_path / "data", BASE, **settings) as first,
            prepared(first, provider) as one,
            opened(tmp_path / "data", BASE, **settings) as second,
            httpx2.AsyncClient(transport=httpx2.ASGITransport(second.app), base_url=BASE, timeout=20) as http,
        ):
            found = Pair(one, Models(second, provider, http, one.key), redis)
            for link in found.links():
                # A busy machine stalls for longer than a request may wait.
                link.patience_s = 30.0
                await until(lambda link=link: link.is_there)  # type: ignore[misc]
            yield found


async def readiness(models: Models) -> tuple[int, str, str]:
    answer = await models.http.get("/readyz")
    return answer.status_code, answer.json()["status"], answer.json()["checks"]["redis"]


async def test_two_gateways_share_limits_answers_and_breakers(pair: Pair) -> None:
    await pair.configure(limits=[{"key": "test", "per": "hour", "requests": 6}], routes=ROUTES)
    first = await pair.one.chat("kept")
    # It is kept a moment after its caller has it.
    for link in pair.links():
        await link.settled()
    again = await pair.two.chat("kept")
    assert (first.headers["x-gateway-cache"], again.headers["x-gateway-cache"]) == ("miss", "hit")
    assert first.json() == again.json()
    statuses = [(await models.chat("one/m")).status_code for _ in range(5) for models in (pair.one, pair.two)]
    assert (statuses.count(200), statuses.count(429)) == (4, 6)
    await pair.configure()
    for _ in range(3):
        assert (await pair.one.chat("one/fails-503")).status_code == 503
    await until(lambda: "one/fails-503" in pair.two.gateway.ai_gateway.calls.books.breakers.open_targets())
    assert (await pair.two.chat("one/fails-503")).headers["x-gateway-error"] == "no_target"


async def test_doors_without_a_tenant_share_a_limit(pair: Pair) -> None:
    """By itself each would let through twenty of an address and five of a client."""
    statuses = Counter[int]()
    for _ in range(20):
        for models in (pair.one, pair.two):
            statuses[(await models.http.post("/device_authorization", data={"client_id": "nobody"})).status_code] += 1
    assert statuses[429] >= 12


async def test_a_redis_that_is_killed_under_load_costs_nobody_an_answer(pair: Pair) -> None:
    await pair.configure(limits=[{"key": "test", "per": "hour", "requests": 100_000}], routes=ROUTES)
    statuses: Counter[int] = Counter()
    is_over = asyncio.Event()

    async def load(models: Models, number: int) -> None:
        while not is_over.is_set():
            answer = await models.chat("kept", temperature=number)
            statuses[answer.status_code] += 1
            # What is kept here is answered without a single wait.
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for models in (pair.one, pair.two):
            for number in range(4):
                group.create_task(load(models, number))
        for _ in range(2):
            await until(lambda: all(link.asked["answered"] > 20 for link in pair.links()))
            pair.redis.kill()
            await until(lambda: not any(link.is_there for link in pair.links()))
            done = statuses.total()
            assert (await readiness(pair.one))[:2] == (200, "degraded")
            await until(lambda done=done: statuses.total() > done + 50)  # type: ignore[misc]
            pair.redis.start()
            await until(lambda: all(link.is_there for link in pair.links()))
        is_over.set()
    assert set(statuses) == {200}

    async def is_ready() -> bool:
        return await readiness(pair.two) == (200, "ready", "ok")

    await until(is_ready)
    exposition = (await pair.one.http.get("/metrics")).text
    assert "ascend_redis_up 1.0" in exposition
