"""WebSockets pass where a route has them, and only what is one."""

import asyncio
import base64
import hashlib
import socket
import struct
import time
from pathlib import Path

import pytest

from server.edge import web_socket
from tests.server.edge.backend import Asked, Speak, backend, edge_of, orders, saying
from tests.server.edge.issuer import Issuer, verified
from tests.waiting import until

KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def asking(*fields: str, path: str = "/edge/orders/live", version: str = "13") -> bytes:
    usual = ("Host: a", "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {KEY}", f"Sec-WebSocket-Version: {version}")
    return "".join(f"{each}\r\n" for each in (f"GET {path} HTTP/1.1", *usual, *fields)).encode() + b"\r\n"


def echoing(accept: str = "", first: bytes = b"") -> Speak:
    """Agree to a WebSocket, say `first`, and send back whatever comes."""

    async def speak(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        digest = hashlib.sha1(asked.of("sec-websocket-key")[0].encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        head = f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept or base64.b64encode(digest).decode()}"
        writer.write(f"HTTP/1.1 101 Switching Protocols\r\n{head}\r\nX-Own: 1\r\n\r\n".encode() + first)
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        writer.close()

    return speak


async def test_bytes_pass_in_both_directions_until_one_side_ends(tmp_path: Path) -> None:
    async with backend(echoing(first=b"\x81\x02hi")) as server, edge_of(tmp_path, orders(server, websocket=True)) as edge:
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
        writer.write(asking("Sec-WebSocket-Protocol: chat", "X-Mine: 1"))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ")
        assert {b"x-own: 1", b"upgrade: websocket", b"connection: Upgrade"} <= set(head.split(b"\r\n"))
        assert await reader.readexactly(4) == b"\x81\x02hi"
        large = bytes(range(256)) * 8_000
        writer.write(large)
        assert await reader.readexactly(len(large)) == large
        asked = server.asked[0]
        assert (asked.line, asked.of("sec-websocket-protocol"), asked.of("connection")) == ("GET /live HTTP/1.1", ["chat"], ["Upgrade"])
        writer.transport.abort()
        await until(lambda: server.ended + (not edge.plane.pool.count) >= 1)
        await until(lambda: not edge.plane.routes[0].in_flight)


async def test_a_backend_that_ends_ends_the_caller(tmp_path: Path) -> None:
    async def speak(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reader.feed_eof()
        await echoing(first=b"bye")(asked, reader, writer)

    async with backend(speak) as server, edge_of(tmp_path, orders(server, websocket=True)) as edge:
        assert (await edge.spoken(asking())).endswith(b"\r\n\r\nbye")


async def test_a_backend_that_breaks_off_is_its_own_affair_and_no_fault_of_ours(tmp_path: Path) -> None:
    async def speak(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(echoing(first=b"half")(asked, reader, writer))
        await go.wait()
        task.cancel()
        # Closed so, a connection is reset.
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    go = asyncio.Event()
    async with backend(speak) as server, edge_of(tmp_path, orders(server, websocket=True)) as edge:
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
        writer.write(asking())
        await reader.readuntil(b"half")
        go.set()
        assert await reader.read() == b""
        await until(lambda: bool(edge.records))
        assert (edge.records[0].error_code, edge.records[0].error_class) == ("broken_off", "upstream")
        assert edge.records[0].reason.startswith(f"127.0.0.1:{server.port} broke off")
        writer.close()


async def test_one_in_which_nobody_speaks_ends_as_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_socket, "IDLE_S", 0.0)
    async with backend(echoing()) as server, edge_of(tmp_path, orders(server, websocket=True)) as edge:
        assert (await edge.spoken(asking())).startswith(b"HTTP/1.1 101 ")
        await until(lambda: bool(edge.records))
        assert (edge.records[0].success, edge.records[0].upstream_status) == (True, 101)


async def test_the_answer_says_each_thing_once_and_what_is_left_of_the_limit(tmp_path: Path) -> None:
    async with backend(echoing()) as server, edge_of(tmp_path, orders(server, websocket=True, limit="5/h")) as edge:
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
        writer.write(asking())
        names = [line.partition(b":")[0] for line in (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")]
        assert (names.count(b"x-gateway-version"), names.count(b"ratelimit")) == (1, 1)
        writer.transport.abort()


async def test_where_a_route_has_none_the_upgrade_is_ignored(tmp_path: Path) -> None:
    async with backend() as server, edge_of(tmp_path, orders(server)) as edge:
        assert (await edge.spoken(asking("Connection: close"))).startswith(b"HTTP/1.1 200 ")
        assert not server.asked[0].of("upgrade") + server.asked[0].of("sec-websocket-key")


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (asking("Connection: close", version="8"), b"426"),
        (asking().replace(KEY.encode(), b"short"), b"400"),
        (asking().replace(b"GET", b"POST"), b"400"),
        (asking("Origin: https://evil.example"), b"403"),
        (asking("Origin: null"), b"403"),
    ],
    ids=["version", "key", "method", "origin", "null"],
)
async def test_what_is_no_handshake_or_of_another_page_reaches_nobody(tmp_path: Path, asked: bytes, status: bytes) -> None:
    async with backend(echoing()) as server, edge_of(tmp_path, orders(server, websocket=True)) as edge:
        got = await edge.spoken(asked + b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert got.split(b" ", 2)[1] == status
        assert not server.asked


async def test_pages_of_origins_that_the_route_names_may(tmp_path: Path) -> None:
    route = {"websocket": True, "cors": {"origins": ["https://app.example.com"]}}
    async with backend(echoing()) as server, edge_of(tmp_path, orders(server, **route)) as edge:
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
        writer.write(asking("Origin: https://app.example.com"))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        writer.transport.abort()


async def test_a_backend_that_did_not_answer_the_handshake_gets_no_byte(tmp_path: Path) -> None:
    async with backend(echoing(accept="bm90IHRoZSBhbnN3ZXI=")) as server, edge_of(tmp_path, orders(server, websocket=True)) as edge:
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
        writer.write(asking())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 502 ")
        writer.transport.abort()


async def test_a_refusal_of_the_backend_is_an_answer_like_any_other(tmp_path: Path) -> None:
    async with backend(saying(b"no", status="403 Forbidden")) as server, edge_of(tmp_path, orders(server, websocket=True)) as edge:
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
        writer.write(asking())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 403 ")
        writer.transport.abort()


async def test_frames_that_come_before_the_answer_are_not_a_request_and_no_frames(tmp_path: Path) -> None:
    async with backend(echoing()) as server, edge_of(tmp_path, orders(server, websocket=True)) as edge:
        hidden = b"GET /edge/orders/hidden HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        got = await edge.spoken(asking() + hidden)
        assert got.startswith(b"HTTP/1.1 400 ")
        assert all("hidden" not in asked.line for asked in server.asked[:1])


async def test_a_web_socket_passes_the_checks_of_its_route_and_goes_to_no_private_host(tmp_path: Path) -> None:
    issuer = Issuer()
    async with backend(issuer.speaks) as keys, backend(echoing()) as server:
        async with edge_of(tmp_path, orders(server, websocket=True, **verified(keys))) as edge:
            reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
            writer.write(asking())
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 401 ")
            writer.transport.abort()
        async with edge_of(tmp_path, orders(server, websocket=True), allow=()) as edge:
            reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
            writer.write(asking())
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 503 ")
            writer.transport.abort()
        assert not server.connections


@pytest.mark.parametrize("first", [b"\x81\x02hi", b"\0" * (32 << 20)], ids=["idle", "unread"])
async def test_a_web_socket_ends_with_the_token_that_opened_it(tmp_path: Path, first: bytes) -> None:
    """Also where the caller reads nothing, and the backend has more to say than anybody holds."""
    issuer = Issuer()
    async with (
        backend(issuer.speaks) as keys,
        backend(echoing(first=first)) as server,
        edge_of(tmp_path, orders(server, websocket=True, **verified(keys))) as edge,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
        writer.write(asking(f"Authorization: {issuer.bearer(exp=time.time() + 0.3)['authorization']}"))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        await until(lambda: not edge.plane.routes[0].in_flight)
        writer.transport.abort()
        assert edge.records[-1].upstream_status == 101


async def test_a_web_socket_ends_with_its_route_and_not_with_a_change_of_shares(tmp_path: Path) -> None:
    issuer = Issuer()
    async with backend(issuer.speaks) as keys, backend(echoing()) as one, backend(echoing()) as two:
        open_to_all = orders(one, websocket=True)
        shared = {**open_to_all, "backends": [{"url": one.url, "weight": 1}, {"url": two.url, "weight": 99}]}
        for changed in ([], [orders(two, websocket=True)], [orders(one, websocket=True, **verified(keys))], [orders(one)]):
            async with edge_of(tmp_path, open_to_all) as edge:
                reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
                writer.write(asking())
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
                edge.change(shared)
                writer.write(b"still here")
                assert await reader.readexactly(10) == b"still here"
                edge.change(*changed)
                async with asyncio.timeout(10):
                    assert await reader.read() == b""
                writer.transport.abort()
