"""Fixtures: a Redis for a session, and two nodes on it that have names of their own there in each test."""

from collections.abc import AsyncIterator, Iterator
from secrets import token_bytes

import pytest

from server.storage.redis.opened import RedisState, open_redis
from tests.shared_redis.server import RedisServer, redis_server

#: A busy machine stalls for longer than a request may wait; what a contract says does not depend on that.
PATIENCE_S = 30.0


@pytest.fixture(scope="session")
def one_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
async def redis_nodes(one_redis: RedisServer) -> AsyncIterator[tuple[RedisState, RedisState]]:
    """Two nodes of one installation."""
    url, key = one_redis.url, token_bytes(32)
    async with open_redis(url, "test", key, PATIENCE_S) as one, open_redis(url, "test", key, PATIENCE_S) as two:
        yield one, two
