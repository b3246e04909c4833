"""An upstream on loopback that goes wrong in one chosen way, on raw sockets."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Behaviour = Callable[[str, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(behaviour: Behaviour, port: int = 0) -> AsyncIterator[str]:
    """Serve every connection with `behaviour`, which is given the request's head; yield the origin. `port` 0: any free one."""

    open_connections: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_connections[writer] = asyncio.current_task()
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            await behaviour(head, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", port)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer in open_connections:
            writer.transport.abort()
        if handlers := [task for task in open_connections.values() if task is not None]:
            await asyncio.wait(handlers, timeout=5)
        await asyncio.sleep(0)


def answer(status: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def says(*parts: bytes) -> Behaviour:
    """Send `parts` and close."""

    async def behave(_head: str, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()

    return behave


async def reset(_head: str, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def stall(_head: str, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()  # until the caller gives up and closes


async def drip(_head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while not reader.at_eof():
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


async def endless(_head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not reader.at_eof():
        writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        await writer.drain()


async def redirect_to_itself(head: str, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(answer("302 Found", f"Location: {head.split(' ')[1]}"))
    await writer.drain()


HALF_BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\n" + b"x" * 40
GARBAGE = b"\x16\x03\x01 this is not HTTP\r\n\r\n"
BOMB = answer("200 OK", "Content-Encoding: gzip", body=gzip.compress(b"\0" * 50_000_000, mtime=0))
TOO_LONG = answer("200 OK", body=b"x" * 2_000_000)
