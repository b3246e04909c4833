"""Request heads that no well-behaved client sends, written to a socket byte by byte."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from server.http import buffered_exchange
from server.http import protocol as http_protocol
from server.http import server as http_server
from server.http.listen import listen
from server.http.server import HttpServer
from server.request_body import read_body
from tests.server.http.connection_in_process import Noting, deliver, post
from tests.waiting import until


@pytest.fixture
async def port() -> AsyncIterator[int]:
    listener = listen("127.0.0.1", 0)
    number = int(listener.getsockname()[1])
    server = HttpServer(PlainTextResponse("here"), authority=f"127.0.0.1:{number}")
    serving = asyncio.create_task(server.serve([listener]))
    await server.until_ready()
    yield number
    server.should_exit = True
    await serving


async def status_of(port: int, request: bytes) -> int:
    """Send `request` and return the status of the answer; 0 where the connection ends without one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(10):
            writer.write(request)
            line = await reader.readline()
            if line and b" 200 " not in line:
                await reader.read()  # Ends only when the server closes the connection, which a refusal must do.
        return int(line.split()[1]) if line else 0
    except ConnectionResetError:
        return 0
    finally:
        writer.close()


def head(*lines: str, target: str = "/", version: str = "1.1") -> bytes:
    return "\r\n".join([f"GET {target} HTTP/{version}", *lines, "", ""]).encode("latin-1")


async def test_ordinary_heads_are_answered(port: int) -> None:
    """RFC 9112 §3.2: an own name, an address with a port, and our own absolute form."""
    for host in (f"127.0.0.1:{port}", "gateway.example.com", "[::1]:8080", "localhost", "127.0.0.1\t"):
        assert await status_of(port, head(f"Host: {host}")) == 200
    assert await status_of(port, head("Host: localhost", target=f"http://127.0.0.1:{port}/healthz")) == 200
    assert await status_of(port, head("Host: x", *[f"X-{number}: a" for number in range(90)])) == 200
    assert await status_of(port, head("Host: x", f"Authorization: Bearer {'a' * 16_000}")) == 200


@pytest.mark.parametrize("host", ["", "x/..;/admin?", "a@b", "[::1", "127.0.0.1:abc", "127.0.0.1,evil", "a b", "\xff\xfe", "::1", "a:1:2"])
async def test_a_malformed_host_is_refused(port: int, host: str) -> None:
    """oauth-behaviour.md, D4; RFC 9112 §3.2."""
    assert await status_of(port, head(f"Host: {host}")) == 400


async def test_http_1_0_needs_no_host_and_is_about_us(port: int) -> None:
    """RFC 9112 §3.2 wants Host of HTTP/1.1; what is sent with HTTP/1.0 is one, and valid."""
    assert await status_of(port, head(version="1.0")) == 200
    assert await status_of(port, head("Host: localhost", version="1.0")) == 200
    assert await status_of(port, head("Host: a b", version="1.0")) == 400
    assert await status_of(port, head("Host: x", "Host: x", version="1.0")) == 400


async def test_no_host_or_two_are_refused(port: int) -> None:
    """oauth-behaviour.md, D4 and X2; RFC 9112 §3.2: also where both say the same."""
    assert await status_of(port, head()) == 400
    assert await status_of(port, head("Host: x", "Host: y")) == 400
    assert await status_of(port, head("Host: x", "Host: x")) == 400


async def test_an_absolute_target_of_another_host_is_refused(port: int) -> None:
    """oauth-behaviour.md, X2: this is no proxy."""
    for target in ("http://evil.example/", "http://evil.example:80/", f"http://127.0.0.1:{port + 1}/", f"http://u@127.0.0.1.evil:{port}/"):
        assert await status_of(port, head("Host: evil.example", target=target)) == 400


async def test_a_head_that_is_too_large_is_refused(port: int) -> None:
    """oauth-behaviour.md, X1: more than 100 headers; 64 kB in one; one that never ends."""
    assert await status_of(port, head("Host: x", *[f"X-{number}: a" for number in range(101)])) == 400
    assert await status_of(port, head("Host: x", f"X: {'a' * 65_536}")) == 400
    assert await status_of(port, b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000) in (0, 400)


async def test_a_head_that_does_not_come_ends_the_connection(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is held open with half a head costs us a socket."""
    monkeypatch.setattr(http_protocol, "HEAD_TIMEOUT_S", 0.05)
    assert await status_of(port, b"GET / HTTP/1.1\r\nHost: 127") == 0
    assert await status_of(port, b"") == 0


async def test_a_second_request_on_one_connection_is_checked_as_well(port: int) -> None:
    """Keep-alive: the bounds are of each request, not of the first."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head("Host: x"))
    async with asyncio.timeout(10):
        await reader.readuntil(b"here")
        writer.write(head("Host: x", "Host: y"))
        answers = await reader.read()
    writer.close()
    assert answers.startswith(b"HTTP/1.1 400")


class Waiting:
    """An application that answers `/first` once it is let, everything else at once, and tells whose client has gone."""

    def __init__(self) -> None:
        self.first_came, self.may_answer, self.first_gone = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/first":
            self.first_came.set()
            leaving = asyncio.create_task(self._leaving(receive))
            await self.may_answer.wait()
            leaving.cancel()
        await PlainTextResponse(f"answer to {scope['path']}")(scope, receive, send)

    async def _leaving(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            continue
        self.first_gone.set()


@asynccontextmanager
async def connected(app: Waiting) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    listener = listen("127.0.0.1", 0)
    server = HttpServer(app, authority="127.0.0.1:1")
    serving = asyncio.create_task(server.serve([listener]))
    await server.until_ready()
    try:
        async with asyncio.timeout(10):
            reader, writer = await asyncio.open_connection("127.0.0.1", int(listener.getsockname()[1]))
            yield reader, writer
            writer.close()
    finally:
        app.may_answer.set()
        server.should_exit = True
        await serving


BROKEN_BODY = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"


@pytest.mark.parametrize("bad", [b"BAD\r\n\r\n", head("Host: x", "Host: y"), BROKEN_BODY], ids=["garbage", "two hosts", "body"])
@pytest.mark.parametrize("between", [b"", head("Host: x", target="/second")], ids=["next", "after another"])
async def test_a_bad_request_is_not_answered_in_the_place_of_those_before_it(bad: bytes, between: bytes) -> None:
    """RFC 9112 §9.3.2: answers come in the order of their requests; a 400 for one that succeeds would have it sent again."""
    app = Waiting()
    async with connected(app) as (reader, writer):
        writer.write(head("Host: x", target="/first") + between + bad)
        await app.first_came.wait()
        app.may_answer.set()
        answers = await reader.read()
    assert answers.partition(b"\r\n\r\n")[2].startswith(b"answer to /first")
    assert (b"answer to /second" in answers) == bool(between)
    assert b"connection: close" in answers
    assert b" 400 " not in answers


async def test_a_client_that_leaves_is_noticed_although_another_request_waits() -> None:
    """MCP transports: closing the connection is how a client cancels; a second request behind the first changes nothing."""
    app = Waiting()
    async with connected(app) as (_, writer):
        writer.write(head("Host: x", target="/first") + head("Host: x", target="/second"))
        await app.first_came.wait()
        writer.close()
        await app.first_gone.wait()
        assert not app.may_answer.is_set()


async def test_bytes_that_begin_no_request_keep_no_connection_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 9112 §2.2 lets empty lines come before a request; they are nothing to do."""
    monkeypatch.setattr(http_server, "KEEP_ALIVE_S", 0.05)
    app = Waiting()
    async with connected(app) as (reader, writer):
        writer.write(head("Host: x"))
        await reader.readuntil(b"answer to /")
        writer.write(b"\r\n")
        with suppress(ConnectionResetError):  # closed with our bytes unread
            assert await reader.read() == b""


async def test_a_refusal_does_not_overtake_a_small_body() -> None:
    """Proxies written in Go break off a request whose answer comes first, and the answer with it."""
    app = Noting(is_hasty=True)
    line = await deliver(app, [post("Content-Length: 4", body=b"ha")])
    assert (len(app.requests), line.written) == (1, b"")
    line = await deliver(app, [post("Content-Length: 4", body=b"ha"), b"lf"])
    assert line.written.endswith(b"ok")


async def test_a_body_that_does_not_come_or_is_large_holds_up_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    line = await deliver(Noting(is_hasty=True), [post("Content-Length: 400000", body=b"h" * 100_000)])
    assert line.written.endswith(b"ok")
    monkeypatch.setattr(buffered_exchange, "REST_OF_BODY_S", 0)
    line = await deliver(Noting(is_hasty=True), [post("Content-Length: 4", body=b"ha")])
    assert line.written.endswith(b"ok")


async def test_a_body_that_never_begins_is_not_waited_for_forever() -> None:
    """A head that announces a body and leaves it at that costs a socket and a task."""

    async def never() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(TimeoutError):
        await read_body(never, timeout_s=0.01)


async def test_an_answer_that_nobody_reads_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that asks for much and reads nothing costs the memory of its answer."""
    monkeypatch.setattr(http_protocol, "UNREAD_TIMEOUT_S", 0.05)
    listener = listen("127.0.0.1", 0)
    size = 64 * 1024 * 1024
    server = HttpServer(PlainTextResponse("x" * size), authority="127.0.0.1:1")
    serving = asyncio.create_task(server.serve([listener]))
    await server.until_ready()
    reader, writer = await asyncio.open_connection("127.0.0.1", int(listener.getsockname()[1]), limit=1024)
    async with asyncio.timeout(20):
        writer.write(head("Host: x"))
        # The stream stops reading by itself once its limit is full.
        await until(lambda: bool(server.server_state.total_requests) and not server.server_state.connections)
        read = 0
        with suppress(ConnectionError):
            while chunk := await reader.read(1 << 20):
                read += len(chunk)
    assert read < size
    writer.close()
    server.should_exit = True
    await serving


def test_an_unused_connection_is_kept_longer_than_proxies_keep_theirs() -> None:
    """A proxy that reuses a connection which we are just closing answers 502; most keep theirs for 60 s."""
    assert HttpServer(PlainTextResponse("here")).config.timeout_keep_alive > 60


async def test_a_request_that_comes_while_the_server_ends_is_answered_as_the_last_of_its_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """RFC 9112 §9.5: a client cannot see that its connection is being closed, and may not send a POST twice."""
    monkeypatch.setattr(http_protocol, "LEAVING_S", 60.0)
    listener = listen("127.0.0.1", 0)
    server = HttpServer(PlainTextResponse("here"), authority="127.0.0.1:1")
    serving = asyncio.create_task(server.serve([listener]))
    await server.until_ready()
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(listener.getsockname()[1]))
        writer.write(head("Host: x"))
        await reader.readuntil(b"here")
        server.stop()
        await until(lambda: not server.servers[0].is_serving())
        writer.write(head("Host: x"))
        answer = await reader.read()
        writer.close()
        await serving
    assert answer.endswith(b"here")
    assert b"connection: close" in answer


async def test_an_idle_connection_is_closed_when_the_server_ends() -> None:
    listener = listen("127.0.0.1", 0)
    server = HttpServer(PlainTextResponse("here"), authority="127.0.0.1:1")
    serving = asyncio.create_task(server.serve([listener]))
    await server.until_ready()
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(listener.getsockname()[1]))
        server.stop()
        assert await reader.read() == b""
        writer.close()
        await serving
