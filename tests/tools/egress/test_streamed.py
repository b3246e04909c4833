"""Answers that are read as they come: every piece at once, whole or told that they are not, and nothing left open."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from tests.tools.egress.fault_server import answer, says, serving, stall
from tools.egress.client import Egress, OutboundRequest
from tools.egress.streamed import StreamedResponse, open_streamed
from tools.errors import EgressRefused, UpstreamFailed

HOLDER = ("acme", "ada")


@asynccontextmanager
async def opened(url: str, allow: tuple[str, ...] = ("127.0.0.1:*",)) -> AsyncIterator[tuple[Egress, StreamedResponse]]:
    async with Egress(allow) as egress:
        response = await open_streamed(egress, OutboundRequest("POST", url, body=b"{}", holder=HOLDER), anyio.current_time() + 5)
        try:
            yield egress, response
        finally:
            response.close()


async def test_an_answer_comes_piece_by_piece_and_ends() -> None:
    async with serving(says(answer("200 OK", body=b"helloworld"))) as url, opened(url) as (_, response):
        assert response.status == 200
        assert await response.read_all(100) == b"helloworld"
        assert await response.read_some() == b""


@pytest.mark.parametrize("cut", [1, 2, 20])
async def test_a_compressed_answer_is_told_from_one_that_broke_off(cut: int) -> None:
    packed = gzip.compress(b"data: one\n\n" * 50)
    whole = answer("200 OK", "Content-Encoding: gzip", body=packed)
    async with serving(says(whole)) as url, opened(url) as (_, response):
        assert await response.read_all(10_000) == b"data: one\n\n" * 50
    torn = packed[:-cut]
    short = answer("200 OK", "Content-Encoding: gzip", body=torn)
    async with serving(says(short)) as url, opened(url) as (_, response):
        with pytest.raises(UpstreamFailed, match="broke off"):
            await response.read_all(10_000)


@pytest.mark.parametrize("size", [1 << 18, (1 << 18) + 1, 3 << 20])
async def test_what_inflates_to_much_comes_in_steps_and_whole(size: int) -> None:
    """The last step may be full, and then the end of the body is still to be read."""
    text = b"0123456789abcdef" * (size // 16) + b"x" * (size % 16)
    async with serving(says(answer("200 OK", "Content-Encoding: gzip", body=gzip.compress(text)))) as url, opened(url) as (_, response):
        pieces = []
        while piece := await response.read_some():
            pieces.append(piece)
    assert b"".join(pieces) == text
    assert max(map(len, pieces)) <= 1 << 18


async def test_a_bomb_is_noticed_before_it_is_inflated() -> None:
    bomb = zlib.compress(b"\0" * (64 << 20))
    async with serving(says(answer("200 OK", "Content-Encoding: deflate", body=bomb))) as url, opened(url) as (_, response):
        with pytest.raises(UpstreamFailed, match="more than"):
            await response.read_all(1 << 30)


async def test_an_encoding_that_nobody_asked_for_is_refused_and_gives_its_place_back() -> None:
    async with serving(says(answer("200 OK", "Content-Encoding: br", body=b"x"))) as url, Egress(("127.0.0.1:*",)) as egress:
        with pytest.raises(UpstreamFailed, match="not asked for"):
            await open_streamed(egress, OutboundRequest("POST", url, body=b"{}", holder=HOLDER), anyio.current_time() + 5)
        assert not egress.places._all.is_used_by(HOLDER)


async def test_more_than_allowed_is_refused() -> None:
    async with serving(says(answer("200 OK", body=b"x" * 200_000))) as url, opened(url) as (_, response):
        with pytest.raises(UpstreamFailed, match="more than"):
            await response.read_all(100_000)


async def test_each_piece_has_a_time_of_its_own_and_silence_is_told() -> None:
    """One timer for all pieces: those that came in time leave the next its own."""

    async def slow(_head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
        for _ in range(4):
            writer.write(b"x")
            await asyncio.sleep(0.1)
        await reader.read()  # until the caller gives up and closes

    async with serving(slow) as url, opened(url) as (_, response):
        for _ in range(4):
            assert await response.read_by(anyio.current_time() + 0.3) == b"x"
        with pytest.raises(TimeoutError):
            await response.read_by(anyio.current_time() + 0.05)


async def test_a_body_that_breaks_off_in_time_is_no_silence() -> None:
    async with serving(says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx")) as url, opened(url) as (_, response):
        assert await response.read_by(anyio.current_time() + 5) == b"x"
        with pytest.raises(UpstreamFailed):
            await response.read_by(anyio.current_time() + 5)


async def test_who_leaves_gives_the_place_back() -> None:
    async with serving(stall) as url, Egress(("127.0.0.1:*",)) as egress:
        with anyio.move_on_after(0.1):
            await open_streamed(egress, OutboundRequest("POST", url, body=b"{}", holder=HOLDER), anyio.current_time() + 5)
        assert not egress.places._all.is_used_by(HOLDER)


async def test_the_guard_is_the_same() -> None:
    async with Egress() as egress:
        with pytest.raises(EgressRefused):
            await open_streamed(egress, OutboundRequest("POST", "http://127.0.0.1:1/x", body=b"{}"), anyio.current_time() + 5)
