"""Our own connections: what they make of an answer, and when one may carry another request."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientTimeout
from multidict import CIMultiDict

from tests.tools.egress.fault_server import answer, says, serving
from tests.waiting import until
from tools.egress.client import Egress, OutboundRequest
from tools.egress.http1 import MAX_OVERHEAD_BYTES
from tools.egress.pool import IDLE_S, MAX_CONNECTIONS_PER_ORIGIN, Http1Pool
from tools.errors import UpstreamFailed

FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"


@pytest.fixture
async def egress() -> AsyncIterator[Egress]:
    async with Egress(["127.0.0.1:*"]) as opened:
        yield opened


def pool_of(egress: Egress) -> Http1Pool:
    assert egress._pool is not None
    return egress._pool


class Script:
    """An upstream whose connections give these replies one after the other; None: it closes unanswered. All share the script."""

    def __init__(self, *replies: bytes | None) -> None:
        self._replies = list(replies)
        self.heads: list[str] = []
        self.connection_count = 0

    async def __call__(self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connection_count += 1
        while True:
            self.heads.append(head)
            reply = self._replies.pop(0)
            if reply is None:
                return
            writer.write(reply)
            await writer.drain()
            head = (await reader.readuntil(b"\r\n\r\n")).decode()


@pytest.mark.parametrize(
    ("reply", "body"),
    [
        (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + FINE, b"fine"),
        (b"HTTP/1.1 200 OK\r\n\r\nto the end", b"to the end"),
        (b"HTTP/1.0 200 OK\r\nX-Empty:\r\nContent-Length: 4\r\n\r\nfine", b"fine"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nfi\r\n2\r\nne\r\n0\r\nX-Trailer: late\r\n\r\n", b"fine"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99999999\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\nContent-Length: 4\n\nfine", b"fine"),
    ],
    ids=["interim answers", "ends with the connection", "HTTP/1.0", "chunked", "204", "304", "bare line feeds"],
)
@pytest.mark.parametrize("is_lean", [True, False])
async def test_both_paths_read_an_answer_alike(reply: bytes, body: bytes, is_lean: bool) -> None:
    """RFC 9112 §6.3: where a body ends."""
    async with serving(says(reply)) as origin, Egress(["127.0.0.1:*"], is_lean=is_lean) as egress:
        response = await egress.send(OutboundRequest("GET", origin, timeout_s=2, max_body_bytes=1000))
    assert response.body == body
    assert not {"link", "x-trailer"} & {name.lower() for name in response.headers}
    assert response.headers.get("x-empty", "") == ""


@pytest.mark.parametrize(
    ("method", "path", "headers", "body"),
    [
        ("GET", "?a=%20b", (("Accept", "text/plain"), ("X-Two", "1"), ("X-Two", "2")), None),
        ("GET", "/a%2Fb/../c?x=1&x=2", (("User-Agent", "mine"),), None),
        ("GET", "/", (), b"odd but allowed"),
        ("POST", "/p", (("Content-Type", "application/json"), ("X-Name", "Zoë")), b"{}"),
        ("POST", "/p", (), None),
        ("DELETE", "/p", (), None),
        ("OPTIONS", "/p", (), None),
        ("PUT", "/p", (), b""),
    ],
)
async def test_both_paths_send_the_same_request(method: str, path: str, headers: tuple[tuple[str, str], ...], body: bytes | None) -> None:
    """An upstream cannot tell which path a request took."""
    heads: list[list[str]] = []

    async def note(head: str, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *rest = head.strip().split("\r\n")
        heads.append([first, *sorted(line.lower() for line in rest)])
        writer.write(answer("200 OK"))
        await writer.drain()

    async with serving(note) as origin:
        for is_lean in (True, False):
            async with Egress(["127.0.0.1:*"], is_lean=is_lean) as egress:
                await egress.send(OutboundRequest(method, f"{origin}{path}", headers, body))
    assert heads[0] == heads[1]


@pytest.mark.parametrize(
    "surplus", [b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison", b"garbage", b"H", b"\0"], ids=["answer", "garbage", "letter", "nul"]
)
async def test_a_connection_with_bytes_behind_its_answer_is_not_used_again(egress: Egress, surplus: bytes) -> None:
    """Response desynchronisation, all in one packet."""
    script = Script(FINE + surplus, FINE)
    async with serving(script) as origin:
        for _ in range(2):
            assert (await egress.send(OutboundRequest("GET", origin))).body == b"fine"
    assert script.connection_count == 2


async def test_a_request_on_a_connection_that_was_closed_meanwhile_goes_out_once_more(egress: Egress) -> None:
    """RFC 9112 §9.3.1: a client may repeat an idempotent request on its own where a kept connection ends unanswered."""
    script = Script(FINE, None, FINE)
    async with serving(script) as origin:
        for _ in range(2):
            assert (await egress.send(OutboundRequest("GET", origin))).body == b"fine"
    assert (len(script.heads), script.connection_count) == (3, 2)


@pytest.mark.parametrize(
    ("method", "replies", "sent_count"),
    [
        ("POST", (FINE, None), 2),
        ("PATCH", (FINE, None), 2),
        ("GET", (FINE, None, None), 3),
        ("GET", (None,), 1),
        ("GET", (FINE, b"H", None), 2),
    ],
    ids=["a write", "another write", "only once", "not on a fresh connection", "not after a first byte"],
)
async def test_nothing_else_is_ever_sent_twice(egress: Egress, method: str, replies: tuple[bytes | None, ...], sent_count: int) -> None:
    """tools/egress/client.py: no retries but that one."""
    script = Script(*replies)
    async with serving(script) as origin:
        if replies[0] is not None:
            await egress.send(OutboundRequest("GET", origin))
        with pytest.raises(UpstreamFailed) as caught:
            await egress.send(OutboundRequest(method, origin, timeout_s=0.5 if b"H" in replies else 10))
    assert caught.value.failure.code in ("upstream_reset", "upstream_timeout")
    assert len(script.heads) == sent_count


@pytest.mark.parametrize(
    "flood",
    [
        b"HTTP/1.1 102 Processing\r\n\r\n" * 100,
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 4000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"x" * 4000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ",
    ],
    ids=["interim answers", "header", "chunk extension", "trailer"],
)
async def test_an_endless_head_is_malformed_before_it_fills_the_memory(egress: Egress, flood: bytes) -> None:
    """What is no body is bounded on its own."""
    sent = 0

    async def behave(_head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(flood)
        again = flood if b"102" in flood else b"x" * 4000
        while not reader.at_eof():
            writer.write(again)
            sent += len(again)
            await writer.drain()

    async with serving(behave) as origin:
        with pytest.raises(UpstreamFailed) as caught:
            await egress.send(OutboundRequest("GET", origin, timeout_s=5))
    assert caught.value.failure.code == "upstream_malformed"
    assert sent < 100 * MAX_OVERHEAD_BYTES
    assert pool_of(egress).idle_count == 0


async def test_what_is_above_the_limit_of_an_origin_goes_the_other_way(egress: Egress) -> None:
    """One upstream that hangs cannot take all connections; nobody waits while there is room."""
    wanted = MAX_CONNECTIONS_PER_ORIGIN + 10
    arrived = 0
    all_here = asyncio.Event()

    async def wait_for_all(_head: str, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal arrived
        arrived += 1
        if arrived == wanted:
            all_here.set()
        await all_here.wait()
        writer.write(FINE)
        await writer.drain()
        await _reader.read()

    async with serving(wait_for_all) as origin, asyncio.timeout(10):
        answers = await asyncio.gather(*(egress.send(OutboundRequest("GET", origin)) for _ in range(wanted)))
        assert [each.body for each in answers] == [b"fine"] * wanted
        assert pool_of(egress).idle_count == MAX_CONNECTIONS_PER_ORIGIN


async def test_what_nobody_needs_is_closed_and_forgotten(egress: Egress) -> None:
    """Decision 0014: an unused connection lives for IDLE_S."""
    async with serving(Script(FINE, FINE)) as origin:
        await egress.send(OutboundRequest("GET", origin))
        pool = pool_of(egress)
        (connection,) = pool._connections
        connection.idle_since -= IDLE_S + 1
        pool._tick()
        await until(lambda: not pool._connections)
        assert (pool.idle_count, pool.busy_count, pool._count_by_origin) == (0, 0, {})


async def test_a_connection_that_grew_too_old_is_not_taken(egress: Egress) -> None:
    """RFC 9112 §9.5: an upstream may have closed it by now."""
    script = Script(FINE, FINE)
    async with serving(script) as origin:
        await egress.send(OutboundRequest("GET", origin))
        (connection,) = pool_of(egress)._connections
        connection.idle_since -= IDLE_S + 1
        await egress.send(OutboundRequest("GET", origin))
    assert script.connection_count == 2


async def test_closing_the_way_out_ends_idle_and_busy_connections() -> None:
    """A gateway that stops leaves nothing open."""
    asked = asyncio.Event()

    async def never_answers(_head: str, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()

    async with serving(Script(FINE)) as origin, serving(never_answers) as silent, asyncio.timeout(30):
        async with Egress(["127.0.0.1:*"]) as egress:
            pool = pool_of(egress)
            await egress.send(OutboundRequest("GET", origin))
            waiting = asyncio.create_task(egress.send(OutboundRequest("POST", silent, body=b"{}")))
            await asked.wait()
        with pytest.raises(UpstreamFailed):
            await waiting
    assert (pool.idle_count, pool.busy_count, len(pool._connections)) == (0, 0, 0)


async def test_a_head_request_takes_the_other_path(egress: Egress) -> None:
    """RFC 9110 §9.3.2: its answer names a length and has no body, which our parser cannot be told."""
    async with serving(says(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")) as origin:
        response = await egress.send(OutboundRequest("HEAD", origin, timeout_s=2))
    assert (response.status, response.body) == (200, b"")
    assert pool_of(egress).idle_count == 0


@pytest.mark.parametrize("status", ["600", "999", "099"])
async def test_a_status_that_there_is_not_is_malformed_on_either_way_out(egress: Egress, status: str) -> None:
    """RFC 9110 §15: the first digit is one of five; nobody here has a line for others."""
    async with serving(says(f"HTTP/1.1 {status} Else\r\nContent-Length: 0\r\n\r\n".encode())) as origin:
        target = egress.rules.target(origin)
        with pytest.raises(UpstreamFailed) as caught:
            await egress.open("GET", target, CIMultiDict(), None, ClientTimeout(5))
        assert caught.value.failure.code == "upstream_malformed"
        with pytest.raises(UpstreamFailed) as caught:
            await egress.send(OutboundRequest("GET", origin, timeout_s=5))
        assert caught.value.failure.code == "upstream_malformed"
    assert pool_of(egress).idle_count == 0
