"""Which connections are used again, and what an answer in pieces or in an encoding costs."""

import asyncio
import gzip
import zlib

import pytest

from tests.tools.egress.fault_server import answer, says, serving
from tests.tools.egress.pools import busy_count, connector_of
from tests.waiting import until
from tools import turns
from tools.egress.body import Inflating
from tools.egress.client import Egress, OutboundRequest
from tools.errors import UpstreamFailed


def idle_count(egress: Egress) -> int:
    """Return how many connections wait for one that may be used again."""
    pooled = sum(not protocol.should_close for idle in connector_of(egress)._conns.values() for protocol, _ in idle)
    return pooled + (egress._pool.idle_count if egress._pool else 0)


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b"fine" * 1000, mtime=0)),
        ("x-gzip", gzip.compress(b"fine" * 500, mtime=0) + gzip.compress(b"fine" * 500, mtime=0)),
        ("gzip", gzip.compress(b"fine" * 1000, mtime=0) + b"\0" * 512),
        ("deflate", zlib.compress(b"fine" * 1000)),
        ("deflate", zlib.compress(b"fine" * 1000)[2:-4]),
        ("identity", b"fine" * 1000),
    ],
    ids=["gzip", "x-gzip in members", "gzip with padding", "deflate", "bare deflate", "identity"],
)
async def test_a_compressed_answer_is_inflated(egress: Egress, encoding: str, packed: bytes) -> None:
    """RFC 9110 §8.4.1: gzip (also in members, RFC 1952 §2.2), and both forms that servers call deflate."""
    async with serving(says(answer("200 OK", f"Content-Encoding: {encoding}", body=packed))) as origin:
        assert (await egress.send(OutboundRequest("GET", origin))).body == b"fine" * 1000


@pytest.mark.parametrize("encoding", ["UTF-8", "none", "identity", "8bit", "binary"])
async def test_a_word_that_is_no_encoding_changes_nothing(egress: Egress, encoding: str) -> None:
    """Servers that write their charset into Content-Encoding send a plain body."""
    async with serving(says(answer("200 OK", f"Content-Encoding: {encoding}", body=b"{}"))) as origin:
        assert (await egress.send(OutboundRequest("GET", origin))).body == b"{}"


async def test_a_bomb_is_noticed_within_its_first_pieces(egress: Egress) -> None:
    """No more than the limit and one piece is ever inflated: the rest of the answer is not even read."""
    sent = 0

    async def bomb(_head: str, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        packed = gzip.compress(b"\0" * 200_000_000, compresslevel=1, mtime=0)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n")
        for start in range(0, len(packed), 4096):
            writer.write(packed[start : start + 4096])
            sent += 4096
            await writer.drain()

    async with serving(bomb) as origin:
        with pytest.raises(UpstreamFailed) as caught:
            await egress.send(OutboundRequest("GET", origin, max_body_bytes=5120))
    assert caught.value.failure.code == "upstream_too_large"


async def test_a_connection_is_used_again_after_a_whole_answer_and_only_then(egress: Egress) -> None:
    """RFC 9112 §9.3: what is left of an answer would be read as the next one."""
    connections = 0

    async def keep_alive(head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n" + b"x" * 4_000_000)
            await writer.drain()
            await reader.readuntil(b"\r\n\r\n")

    async with serving(keep_alive) as origin:
        for _ in range(3):
            await egress.send(OutboundRequest("GET", origin))
        assert connections == 1
        with pytest.raises(UpstreamFailed):
            await egress.send(OutboundRequest("GET", origin, max_body_bytes=1000))
        await egress.send(OutboundRequest("GET", origin))
        assert connections == 2


async def test_what_an_upstream_sends_unasked_is_never_taken_for_an_answer(egress: Egress) -> None:
    """Response desynchronisation: a pooled connection with bytes waiting on it is not used again."""
    poisoned = asyncio.Event()

    async def says_more(head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine")
        await writer.drain()
        if head.startswith("GET /first"):
            await asked_more.wait()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
            await writer.drain()
            poisoned.set()
        await reader.read()

    asked_more = asyncio.Event()
    async with serving(says_more) as origin, asyncio.timeout(30):
        assert (await egress.send(OutboundRequest("GET", f"{origin}/first"))).body == b"fine"
        asked_more.set()
        await poisoned.wait()
        await until(lambda: idle_count(egress) == 0)
        assert (await egress.send(OutboundRequest("GET", f"{origin}/second"))).body == b"fine"


async def test_whoever_is_cancelled_leaves_no_connection_behind(egress: Egress) -> None:
    """A client may leave at any time."""
    asked = asyncio.Event()

    async def never_answers(head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()

    async with serving(never_answers) as origin, asyncio.timeout(30):
        waiting = asyncio.create_task(egress.send(OutboundRequest("GET", origin)))
        await asked.wait()
        assert busy_count(egress) == 1
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await until(lambda: busy_count(egress) == 0)
        assert idle_count(egress) == 0


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("piece", [1, 1_000, 1 << 20])
async def test_a_body_that_grows_a_thousandfold_is_inflated_in_steps(encoding: str, piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the pieces: no step gives more than 1 MB, and others have a turn between them."""
    monkeypatch.setattr(turns, "TURN_S", 0.0)
    whole = bytes(range(256)) * 40_000
    members = [gzip.compress(whole, mtime=0), *([gzip.compress(b"", mtime=0)] * 300)] if encoding == "gzip" else [zlib.compress(whole)]
    packed = b"".join(members)
    inflating = Inflating(encoding, 32 << 20, "test")
    fed: list[int] = []
    for at in range(0, len(packed), piece):
        before = inflating._left_bytes
        inflating.feed(packed[at : at + piece])
        fed.append(before - inflating._left_bytes)
    assert max(fed) <= 1 << 20
    rest, rounds = asyncio.create_task(inflating.rest()), 0
    while not rest.done():
        await asyncio.sleep(0)
        rounds += 1
    assert rest.result() == whole
    assert rounds >= 5 or piece < 1 << 20


async def test_a_body_that_is_inflated_late_comes_whole(egress: Egress) -> None:
    """Zeros at 1 : 1000, on a connection that is used again."""
    body = b"\0" * 20_000_000
    async with serving(says(answer("200 OK", "Content-Encoding: gzip", body=gzip.compress(body, mtime=0)))) as origin:
        for _ in range(2):
            assert (await egress.send(OutboundRequest("GET", origin))).body == body
        with pytest.raises(UpstreamFailed) as caught:
            await egress.send(OutboundRequest("GET", origin, max_body_bytes=len(body) - 1))
        assert caught.value.failure.code == "upstream_too_large"
