"""Fixtures: a Redis for a session, and two nodes on it that have names of their own there in each test."""

from collections.abc import AsyncIterator, Iterator
from secrets import token_bytes
from typing import TYPE_CHECKING

import pytest

from tests.waiting import until

if TYPE_CHECKING:
    from server.storage.redis.opened import RedisState
    from tests.shared_redis.server import RedisServer

#: A busy machine stalls for longer than a request may wait; what a contract says does not depend on that.
PATIENCE_S = 30.0


# Loaded by whoever asks: every test of the suite has this file, and few need the client.
@pytest.fixture(scope="session")
def one_redis(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[RedisServer]":
    running = pytest.importorskip("tests.shared_redis.server", reason="the client of Redis is not installed", exc_type=ImportError)
    with running.redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
async def redis_nodes(one_redis: "RedisServer") -> "AsyncIterator[tuple[RedisState, RedisState]]":
    """Two nodes of one installation."""
    opened = pytest.importorskip("server.storage.redis.opened", reason="the client of Redis is not installed", exc_type=ImportError)
    url, key = one_redis.url, token_bytes(32)
    async with opened.open_redis(url, "test", key, PATIENCE_S) as one, opened.open_redis(url, "test", key, PATIENCE_S) as two:
        for link in (one.link, two.link):
            # A gateway looks once when it starts, and then in the background, which nobody does here.
            await until(lambda link=link: link.is_there or link._look())  # type: ignore[misc]
        yield one, two
