"""What nodes share is opened with as much patience as somebody has who waits for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from server.assembly.shared_state import open_shared_state
from server.config.load import load
from tests.shared_redis.server import RedisServer
from tests.waiting import until

STALL_S = 0.05


@asynccontextmanager
async def stalling(server: RedisServer) -> AsyncIterator[str]:
    """Give the URL of a way to `server` on which each answer comes a moment late."""

    under_way: set[asyncio.StreamWriter] = set()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, after_s: float) -> None:
        while data := await reader.read(65_536):
            await asyncio.sleep(after_s)  # It is what is tried, not what is waited for.
            writer.write(data)
        writer.close()
        await writer.wait_closed()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        under_way.add(writer)
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", server.port)
        await asyncio.gather(carry(reader, to_writer, 0), carry(to_reader, writer, STALL_S))
        under_way.remove(writer)

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as relay:
        yield f"redis://127.0.0.1:{relay.sockets[0].getsockname()[1]}/0"
        await until(lambda: not under_way)


@pytest.mark.parametrize("at_work", [True, False])
async def test_a_command_that_only_looks_waits_longer_than_a_request(one_redis: RedisServer, tmp_path: Path, at_work: bool) -> None:
    """`ascend doctor` called a Redis away that was busy for a moment."""
    async with stalling(one_redis) as url:
        settings = load(tmp_path, {"ASCEND_REDIS_URL": url})
        async with open_shared_state(settings, b"k" * 32, at_work=at_work) as shared:
            assert (await shared.checks["redis"]() is None) is not at_work
