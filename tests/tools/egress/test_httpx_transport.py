"""The way out for libraries that speak httpx2: the same guard, answers streamed."""

import asyncio
import gzip
from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.tools.egress import fault_server
from tests.tools.egress.fault_server import Behaviour, answer, says, serving
from tools.egress.client import Egress
from tools.egress.httpx_transport import GuardedTransport

SSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with Egress(["127.0.0.1:*"]) as egress, httpx2.AsyncClient(transport=GuardedTransport(egress), timeout=30) as opened:
        yield opened


async def test_an_answer_comes_with_its_status_headers_and_body(client: httpx2.AsyncClient) -> None:
    """What a library reads is what the upstream said."""
    heads: list[str] = []

    async def note(head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(head)
        assert await reader.readexactly(7) == b'{"a":1}'
        writer.write(answer("201 Created", "X-One: 1", "Set-Cookie: a=1", "Set-Cookie: b=2", body=b'{"ok":true}'))
        await writer.drain()

    async with serving(note) as origin:
        response = await client.post(f"{origin}/a?b=c", json={"a": 1}, headers={"Authorization": "Bearer t"})
    assert (response.status_code, response.json()) == (201, {"ok": True})
    assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert heads[0].startswith("POST /a?b=c HTTP/1.1")
    assert "Bearer t" in heads[0]


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://localhost/", "http://metadata.google.internal/", "http://127.1/"])
async def test_what_is_not_public_cannot_be_connected_to(client: httpx2.AsyncClient, url: str) -> None:
    """Rule 6 of docs/architecture.md: one way out, for libraries too."""
    with pytest.raises(httpx2.ConnectError):
        await client.get(url)


async def test_a_redirect_that_the_library_follows_is_guarded_too(client: httpx2.AsyncClient) -> None:
    """A redirect is the usual way around a guard that looks once."""
    async with serving(says(answer("302 Found", "Location: http://169.254.169.254/latest"))) as origin:
        assert (await client.get(origin)).status_code == 302
        with pytest.raises(httpx2.ConnectError):
            await client.get(origin, follow_redirects=True)


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (fault_server.reset, httpx2.ReadError),
        (fault_server.stall, httpx2.ReadTimeout),
        (says(fault_server.HALF_BODY), httpx2.ReadError),
        (says(fault_server.GARBAGE), httpx2.RemoteProtocolError),
    ],
)
async def test_each_fault_is_the_error_that_httpx_has_for_it(
    client: httpx2.AsyncClient, behaviour: Behaviour, error: type[Exception]
) -> None:
    """Libraries retry and report by the classes of httpx."""
    with pytest.raises(error):
        async with serving(behaviour) as origin:
            await client.get(origin, timeout=0.5 if error is httpx2.ReadTimeout else 30)


async def test_a_compressed_answer_is_inflated_by_the_library(client: httpx2.AsyncClient) -> None:
    """RFC 9110 §8.4: whoever asked for the coding takes it off."""
    packed = gzip.compress(b"fine", mtime=0)
    async with serving(says(answer("200 OK", "Content-Encoding: gzip", body=packed))) as origin:
        assert (await client.get(origin)).content == b"fine"


async def test_events_arrive_while_the_stream_is_open(client: httpx2.AsyncClient) -> None:
    """MCP Streamable HTTP: an answer may be a stream that stays open and silent."""
    heard = asyncio.Event()

    async def stream(_head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(SSE + b"9\r\ndata: 1\n\n\r\n")
        await writer.drain()
        await heard.wait()
        writer.write(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n")
        await writer.drain()

    async with serving(stream) as origin, client.stream("GET", origin, timeout=httpx2.Timeout(1, read=None)) as response:
        lines = response.aiter_lines()
        assert await anext(lines) == "data: 1"
        heard.set()
        assert [line async for line in lines if line] == ["data: 2"]


async def test_a_stream_that_is_left_early_gives_its_connection_back() -> None:
    """An event stream has no end of its own."""
    ended = asyncio.Event()

    async def stream(_head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(SSE + b"9\r\ndata: 1\n\n\r\n")
        await writer.drain()
        await reader.read()
        ended.set()

    async with Egress(["127.0.0.1:*"]) as egress, httpx2.AsyncClient(transport=GuardedTransport(egress)) as client:
        async with serving(stream) as origin, asyncio.timeout(30):
            async with client.stream("GET", origin) as response:
                assert response.status_code == 200
            await ended.wait()
        assert egress._session is not None
        assert egress._session.connector is not None
        assert not egress._session.connector._acquired
