"""A write that was sent is sent once, and called unsure unless the upstream refused it, however its answer fails to come."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from server.storage.memory.tools import MemoryResultStore
from tests.tools.sources.http.api_world import Wallet
from tests.tools.sources.openapi.callable import call_of
from tools.effects import UNSURE, may_have_taken_effect
from tools.egress.client import Egress
from tools.operation import CallOptions, Operation
from tools.sources.http.runner import OpenApiRunner
from tools.sources.openapi.import_document import import_document

#: what comes after the whole request was read; None: nothing, and the connection stays open
BROKEN: dict[str, bytes | None] = {
    "closed": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nConte",
    "silence": None,
    "no HTTP": b"\x00\x01\x02\r\n\r\n",
    "half a body": b"HTTP/1.1 201 Created\r\nContent-Length: 10\r\n\r\nabc",
    "a broken chunk": b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "broken JSON": b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n{",
    "broken gzip": b"HTTP/1.1 201 Created\r\nContent-Encoding: gzip\r\nContent-Length: 15\r\n\r\n"
    + gzip.compress(b"{}" * 99, mtime=0)[:15],
    "an encoding that nobody asked for": b"HTTP/1.1 201 Created\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\nxx",
    "too much": b"HTTP/1.1 201 Created\r\nContent-Length: 99999999999\r\n\r\n",
    "only 100": b"HTTP/1.1 100 Continue\r\n\r\n",
    "only 103": b"HTTP/1.1 103 Early Hints\r\n\r\n",
}
#: RFC 9110 §15.5: refused; §15.4.8 and §15.4.9: to be asked elsewhere
REFUSED = (307, 308, 400, 401, 403, 404, 405, 409, 410, 412, 413, 415, 422, 423, 425, 428, 429, 431, 451)
#: nobody waited, or something between did not hear the end; the write is done and its answer elsewhere
NOT_KNOWN = (300, 301, 302, 303, 408, 444, 460, 499, 500, 501, 502, 503, 504, 505, 507, 511, 520, 521, 522, 523, 524, 530, 598, 599, 600)


class Once:
    """Answers with the same bytes always, and counts the requests that came whole."""

    def __init__(self) -> None:
        self.answer: bytes | None = b""
        self.count = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, OSError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
            await reader.readexactly(int(length.partition(b":")[2]))
            self.count += 1
            if self.answer is None:
                await reader.read()  # until the caller has had enough
            else:
                writer.write(self.answer)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def calling(upstream: Once) -> AsyncIterator[tuple[Operation, OpenApiRunner]]:
    server = await asyncio.start_server(upstream, "127.0.0.1", 0)
    body = {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
    paths = {"/things": {"post": {"requestBody": body, "responses": {}}}}
    document = {"openapi": "3.1.0", "info": {}, "servers": [{"url": "https://elsewhere.example"}], "paths": paths}
    base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    brought = import_document(json.dumps(document).encode(), provider="api", tenant_id=None, location="d.json", base_url=base_url)
    async with server, Egress(allow=["127.0.0.1:*"]) as egress:
        yield brought.operations[0], OpenApiRunner(egress, Wallet(), MemoryResultStore())


def answer(status: int) -> bytes:
    return f"HTTP/1.1 {status} X\r\nLocation: https://other.example/y\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx".encode()


@pytest.mark.parametrize("name", [*BROKEN, *NOT_KNOWN])
async def test_what_was_sent_and_not_refused_is_unsure_and_not_repeated(name: str | int) -> None:
    upstream = Once()
    upstream.answer = answer(name) if isinstance(name, int) else BROKEN[name]
    async with calling(upstream) as (operation, runner):
        outcome = await runner.run(call_of(operation, {"body": {}}, CallOptions(timeout_s=0.5)))
    assert outcome.error is not None
    assert may_have_taken_effect(outcome), outcome.error
    assert not outcome.error.retryable
    assert UNSURE in (outcome.error.hint or "")
    assert upstream.count == 1


@pytest.mark.parametrize("status", REFUSED)
async def test_what_was_refused_is_not_unsure(status: int) -> None:
    upstream = Once()
    upstream.answer = answer(status)
    async with calling(upstream) as (operation, runner):
        outcome = await runner.run(call_of(operation, {"body": {}}))
    assert outcome.error is not None
    assert not may_have_taken_effect(outcome)
    assert UNSURE not in (outcome.error.hint or "")
    assert upstream.count == 1
