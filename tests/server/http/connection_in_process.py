"""One connection without a socket: bytes in, requests and written bytes out."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, cast

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from server.http.protocol import strict_http
from tests.server.http.rfc9112 import Reading, Request

AUTHORITY = "gateway.test:8080"


class Line(asyncio.Transport):
    """What the connection writes; it reads only while it is not paused."""

    def __init__(self) -> None:
        super().__init__()
        self.written, self.is_closed, self.is_paused = b"", False, False

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        self.is_closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.is_closed

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False


class Noting:
    """An application that notes each request that it was given whole; with `is_hasty` it answers before it reads."""

    def __init__(self, *, is_hasty: bool = False, length: bool = True) -> None:
        self.requests: list[Request] = []
        self.heads: list[list[tuple[bytes, bytes]]] = []
        self._is_hasty, self._length = is_hasty, length

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = scope["query_string"]
        target = scope["raw_path"] + (b"?" + query if query else b"")
        body, more = b"", not self._is_hasty
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message["body"], message["more_body"]
        self.requests.append(Request(scope["method"].encode(), target, body))
        self.heads.append(list(scope["headers"]))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")] if self._length else []})
        await send({"type": "http.response.body", "body": b"o", "more_body": True})
        await send({"type": "http.response.body", "body": b"k"})


async def deliver(app: Noting, pieces: Sequence[bytes]) -> Line:
    """Give a connection `pieces`, each once there is nothing left to do for those before it."""
    state = ServerState()
    config = uvicorn.Config(cast("Any", app), log_config=None, lifespan="off", ws="none", timeout_keep_alive=3600)
    config.load()
    connection, line = strict_http(AUTHORITY)(config, state, {}), Line()
    connection.connection_made(line)
    for piece in pieces:
        await _idle(app, line)
        if line.is_closed:
            break
        assert not line.is_paused, "nothing is under way, and nothing is read"
        connection.data_received(piece)
    await _idle(app, line)
    is_closed = line.is_closed
    connection.connection_lost(None)
    await asyncio.gather(*state.tasks)
    line.is_closed = is_closed
    return line


async def _idle(app: Noting, line: Line) -> None:
    """Let tasks run until they change nothing any more."""
    before: object = None
    while (now := (len(app.requests), len(line.written), line.is_closed, line.is_paused)) != before:
        before = now
        for _ in range(8):
            await asyncio.sleep(0)


def outcome(stream: bytes, cuts: Sequence[int] = (), *, is_hasty: bool = False) -> tuple[list[Request], Line]:
    app = Noting(is_hasty=is_hasty)
    edges = [0, *sorted({min(cut, len(stream)) for cut in cuts}), len(stream)]
    pieces = [stream[start:end] for start, end in pairwise(edges) if start < end]
    line = asyncio.run(deliver(app, pieces))
    return app.requests, line


def agrees(requests: list[Request], line: Line, reading: Reading) -> None:
    """Every stream gives the requests that are in it, or those before a refusal; what is no request is refused."""
    assert requests == reading.requests[: len(requests)]
    if len(requests) < len(reading.requests) or reading.end == "bad":
        assert line.is_closed
    if reading.end == "closed":
        assert line.is_closed


def chunked(body: bytes, size: int, extension: bytes, trailer: bytes) -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x%b\r\n%b\r\n" % (len(part), extension, part) for part in parts) + b"0%b\r\n%b\r\n" % (extension, trailer)


def post(*lines: str, body: bytes, version: str = "1.1") -> bytes:
    return "\r\n".join([f"POST / HTTP/{version}", "Host: x", *lines, "", ""]).encode() + body


NEXT = b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n"
INNER = b"DELETE /inner HTTP/1.1\r\nHost: x\r\n\r\n"
