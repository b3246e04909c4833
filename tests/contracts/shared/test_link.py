"""The way to Redis: gone, slow or strange, nobody waits for it and nothing fails; it is back by itself."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from server.rate_limits import Limit, RateLimited, RateLimits, Taken
from server.storage.redis.link import TOO_LATE, RedisAway
from server.storage.redis.names import RedisNames
from server.storage.redis.opened import RedisState, open_redis
from tests.ports import free_port
from tests.shared_redis.nodes import PATIENCE_S
from tests.shared_redis.server import RedisServer, redis_server
from tests.tools.egress.certificate import certificate
from tests.waiting import until

KEY = b"k" * 32
ECHO = "return ARGV[1]"
LIMITS = {"try": Limit(6, 5)}


@asynccontextmanager
async def running(url: str, patience_s: float = PATIENCE_S, *, is_awaited: bool = True) -> AsyncIterator[RedisState]:
    """Open a node whose background work goes on; `is_awaited`: there is somebody, whom its first look may miss on a busy machine."""
    async with open_redis(url, "test", KEY, patience_s) as state, anyio.create_task_group() as group:
        group.start_soon(state.link.run)
        if is_awaited:
            await until(lambda: state.link.is_there)
        yield state
        group.cancel_scope.cancel()


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[RedisServer]:
    with redis_server(tmp_path / "redis") as server:
        yield server


def told(caplog: pytest.LogCaptureFixture, what: str) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.message == what]


async def test_without_anybody_there_each_node_goes_by_itself_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    async with running(f"redis://ada:s3cret@127.0.0.1:{free_port()}/0", is_awaited=False) as node:
        limits = RateLimits(limits=LIMITS, shared=node.arrivals)
        for _ in range(5):
            await limits.check("try", "ada")
        with pytest.raises(RateLimited):
            await limits.check("try", "ada")
        assert await node.link.ready() == "away; limits, caches and breakers are this node's own"
        assert node.link.asked["skipped"] == 5
        assert "s3cret" not in repr(node)
    (warning,) = told(caplog, "redis_away")
    assert "s3cret" not in str(warning.__dict__)


async def test_who_is_killed_is_missed_by_nobody_and_back_by_itself(redis: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "ascend")
    async with running(redis.url) as node:
        limits = RateLimits(limits={"try": Limit(6_000, 10_000)}, shared=node.arrivals)

        async def use() -> None:
            await asyncio.gather(*(limits.check("try", str(n)) for n in range(50)))

        await use()
        assert node.link.asked["answered"] == 50
        redis.kill()
        await use()
        await use()
        assert not node.link.is_there
        assert node.link.asked["answered"] == 50
        redis.start()
        await until(lambda: node.link.is_there)
        await use()
        assert node.link.asked["answered"] == 100
        await until(lambda: told(caplog, "redis_back") != [])
        assert len(told(caplog, "redis_away")) == 1


async def test_who_stalls_is_waited_for_by_the_first_and_no_longer(redis: RedisServer) -> None:
    """One after the other, so that each would wait for itself."""
    async with running(redis.url, patience_s=0.02) as node:
        limits = RateLimits(limits={"try": Limit(6_000, 10_000)}, shared=node.arrivals)
        redis.stall()
        before = node.link.asked["late"]
        for n in range(100):
            await limits.check("try", str(n))
        # One more may begin to wait while the circuit opens.
        assert node.link.asked["late"] - before <= 2 * TOO_LATE
        assert node.link.asked["skipped"] >= 100 - 2 * TOO_LATE
        redis.resume()
        await until(lambda: node.link.is_there)


async def test_an_answer_that_came_too_late_is_nobody_elses(redis: RedisServer) -> None:
    async with running(redis.url) as node:
        await redis.load(ECHO)
        echo = node.link.script(ECHO)
        assert await node.link.ask(echo, [], "first") == b"first"
        redis.stall()
        node.link.patience_s = 0.02
        late = asyncio.create_task(node.link.ask(echo, [], "late"))
        await asyncio.sleep(0)
        # It waits for as long as it was to; the turn that is sent now may take longer, or the circuit would open.
        node.link.patience_s = PATIENCE_S
        with pytest.raises(RedisAway):
            await late
        redis.resume()
        assert [await node.link.ask(echo, [], f"next {n}") for n in range(5)] == [f"next {n}".encode() for n in range(5)]


async def test_a_caller_who_leaves_takes_nobody_elses_answer_along(redis: RedisServer) -> None:
    async with running(redis.url) as node:
        await redis.load(ECHO)
        echo = node.link.script(ECHO)
        await node.link.ask(echo, [], "first")
        redis.stall()
        leaving = [asyncio.create_task(node.link.ask(echo, [], f"left {n}")) for n in range(20)]
        await asyncio.sleep(0)
        for task in leaving:
            task.cancel()
        redis.resume()
        assert [await node.link.ask(echo, [], f"next {n}") for n in range(5)] == [f"next {n}".encode() for n in range(5)]
        assert node.link.is_there


async def test_a_server_that_refuses_our_scripts_is_as_good_as_none(redis: RedisServer) -> None:
    """What it says, out of memory or read only, is no caller's error."""
    async with running(redis.url) as node:
        await redis.load(wrong := "return redis.call('INCR', 'x', 'y')")
        with pytest.raises(RedisAway):
            await node.link.ask(node.link.script(wrong), [])
        assert node.link.asked["failed"] == 1
        await until(lambda: node.link.is_there)


async def test_a_server_that_forgot_our_scripts_is_told_them_again(redis: RedisServer) -> None:
    async with running(redis.url) as node:
        await redis.forget_scripts()
        with pytest.raises(RedisAway):
            await node.link.ask(node.arrivals._take, ["ascend:x"], 1, 1)
        await until(lambda: node.link.is_there)
        assert await node.arrivals.take("try", "ada", 1, 1) == Taken(0, 1)


async def test_a_crowd_costs_no_more_round_trips_than_it_needs(redis: RedisServer) -> None:
    """And each gets its own answer."""
    async with running(redis.url) as node:
        await redis.load(ECHO)
        echo = node.link.script(ECHO)
        before = await redis.reads()
        answers = await asyncio.gather(*(node.link.ask(echo, [], n) for n in range(90)))
        assert answers == [str(n).encode() for n in range(90)]
        assert await redis.reads() - before < 20


async def test_a_user_with_no_more_than_we_need_is_enough(tmp_path: Path) -> None:
    """A socket, a user, a password; a server that does not say how often it was started."""
    rights = "~ascend:* &ascend:* +@read +@write +@scripting +@pubsub +@connection +time -info"
    options = ("--user", "ascend", "on", ">pass%word", *rights.split(), "--user", "default", "off")
    with redis_server(tmp_path / "redis", *options) as redis:
        for url in (redis.url, redis.socket_url):
            async with running(url.replace("://", "://ascend:pass%25word@")) as node:
                assert node.link.is_there
                limits = RateLimits(limits=LIMITS, shared=node.arrivals)
                await limits.check("try", "ada")
                node.answers.keep("acme", "crm", b"question", b"answer", 60, 0)
                await node.link.settled()
                kept = await node.answers.find("acme", "crm", b"question")
                assert kept is not None
                assert kept.value == b"answer"
                assert node.link.asked["failed"] == 0


async def test_a_server_with_tls_is_trusted_by_its_certificate_alone(tmp_path: Path) -> None:
    """Also by its name: nobody in between reads or answers."""
    shown, port = certificate(tmp_path, "127.0.0.1"), free_port()
    files = ("--tls-cert-file", str(shown.file), "--tls-key-file", str(shown.key_file), "--tls-ca-cert-file", str(shown.file))
    with redis_server(tmp_path / "redis", "--tls-port", str(port), "--tls-auth-clients", "no", *files):
        async with running(f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={shown.file}") as node:
            assert await node.link.ready() is None
        for url in (f"rediss://127.0.0.1:{port}/0", f"rediss://localhost:{port}/0?ssl_ca_certs={shown.file}"):
            async with running(url, is_awaited=False) as node:
                assert not node.link.is_there


def test_two_names_are_never_one() -> None:
    names = RedisNames("test", KEY)
    assert len({names.of("acme", "answer", *parts) for parts in (("ab", "c"), ("a", "bc"), ("abc",), ("abc", ""))}) == 4


async def test_what_nobody_waits_for_is_bounded(redis: RedisServer) -> None:
    async with running(redis.url) as node:
        await redis.load(ECHO)
        echo = node.link.script(ECHO)
        await node.link.ask(echo, [], "first")
        redis.stall()
        for n in range(2_000):
            node.link.later(echo, [], n)
        assert len(node.link._waiting) <= 1_000
        redis.resume()
        await node.link.settled()
