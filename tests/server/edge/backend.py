"""Backends of tests: real servers on loopback that speak byte for byte what a test wants."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import anyio
import httpx2
from starlette.types import ASGIApp
from uvicorn.server import ServerState

from server.config.load import load
from server.config_versions.read_document import section_of
from server.config_versions.sections.plans import Plans
from server.edge.plane import EdgePlane, open_plane
from server.http.protocol import strict_http
from server.http.server import HttpServer
from tools.egress.client import Egress
from tools.metering.shared_windows import SharedWindows
from tools.stores import CallRecord

Speak = Callable[["Asked", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Asked:
    """A request as it came over the wire."""

    line: str
    fields: list[tuple[str, str]]
    body: bytes = b""

    def of(self, name: str) -> list[str]:
        return [value for each, value in self.fields if each.lower() == name]


@dataclass
class Backend:
    """`asked`: every request, in order. `connections`: how many came."""

    port: int
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    #: connections that the other side ended
    ended: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def saying(body: bytes = b"hello", *fields: str, status: str = "200 OK") -> Speak:
    """Answer each request in the same way and keep the connection."""

    async def speak(_asked: Asked, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = "".join(f"{each}\r\n" for each in (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields))
        writer.write(head.encode("latin-1") + b"\r\n" + body)

    return speak


@asynccontextmanager
async def backend(speak: Speak | None = None) -> AsyncIterator[Backend]:
    """Serve `speak` on a free port; it ends the connection where it closes the writer."""
    says = speak or saying()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.connections += 1
        serving.add(cast("asyncio.Task[None]", asyncio.current_task()))
        try:
            while not writer.is_closing():
                asked = await _read(reader)
                found.asked.append(asked)
                await says(asked, reader, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            found.ended += 1
        finally:
            writer.close()

    serving = set[asyncio.Task[None]]()
    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 20)
    found = Backend(server.sockets[0].getsockname()[1])
    try:
        yield found
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *rest = head[:-4].split("\r\n")
    fields = [(name, value.strip()) for name, _, value in (each.partition(":") for each in rest)]
    asked = Asked(line, fields)
    if length := asked.of("content-length"):
        asked.body = await reader.readexactly(int(length[0]))
    elif asked.of("transfer-encoding"):
        while size := int(await reader.readuntil(b"\r\n"), 16):
            asked.body += (await reader.readexactly(size + 2))[:-2]
        await reader.readexactly(2)
    return asked


@dataclass
class ServedEdge:
    """An edge on a port of its own, with the gateway's server in front and the guarded way out behind it."""

    plane: EdgePlane
    port: int
    client: httpx2.AsyncClient
    #: what requests left behind
    records: list[CallRecord] = field(default_factory=list)

    def change(self, *routes: dict[str, object]) -> None:
        """Put routes in force; each is checked as an operator's is."""
        section, faults = section_of("edge", list(routes))
        assert not faults, faults
        self.plane.change(section)

    async def spoken(self, raw: bytes) -> bytes:
        """Send bytes and return all that comes until the connection is closed."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(raw)
            async with asyncio.timeout(10):
                return await reader.read()
        finally:
            # What nobody read is not waited for.
            writer.transport.abort()


def orders(*backends: Backend, **route: object) -> dict[str, object]:
    """Return a route `orders` to `backends`; `route`: its other members."""
    return {"name": "orders", "limit": "off", "backends": [{"url": each.url} for each in backends], **route}


@asynccontextmanager
async def edge_of(
    folder: Path,
    *routes: dict[str, object],
    allow: Sequence[str] = ("127.0.0.1:*",),
    plans: Plans = Plans(),
    shared: SharedWindows | None = None,
) -> AsyncIterator[ServedEdge]:
    """Serve an edge with these routes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        settings = load(folder, {}, base_url=f"http://127.0.0.1:{port}")
        async with (
            Egress(allow) as egress,
            httpx2.AsyncClient(base_url=settings.base_url, timeout=30) as client,
            anyio.create_task_group() as looking,
        ):
            records = list[CallRecord]()
            plane = open_plane(settings, egress, Kept(records), plans.hourly, shared)
            edge = ServedEdge(plane, port, client, records)
            edge.change(*routes)
            looking.start_soon(plane.run)
            async with listening(plane, listener):
                yield edge
            looking.cancel_scope.cancel()


@asynccontextmanager
async def listening(app: ASGIApp, listener: socket.socket) -> AsyncIterator[None]:
    """Serve by the protocol of the gateway's server, without its drain, which takes a second."""
    config, state = HttpServer(app).config, ServerState()
    config.load()
    protocol = strict_http(f"127.0.0.1:{listener.getsockname()[1]}")
    server = await asyncio.get_running_loop().create_server(lambda: protocol(config, state, {}), sock=listener)
    try:
        yield
    finally:
        server.close()
        for connection in list(state.connections):
            connection.transport.abort()
        await asyncio.gather(*state.tasks, return_exceptions=True)
        await asyncio.sleep(0)


@dataclass
class Kept:
    records: list[CallRecord]

    def record(self, record: CallRecord) -> None:
        self.records.append(record)
