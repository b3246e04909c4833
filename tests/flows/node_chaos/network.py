"""Loopback as a network that delays and breaks: links to a server, and a balancer that knows no affinity."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

import httpx2

from tests.waiting import until

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_CHUNK_BYTES = 65_536
#: how often the balancer asks a node whether it is well, and how long it waits
LOOK_S, PATIENCE_S = 0.25, 1.0


@dataclass(eq=False)
class Link:
    """Where one node reaches a server: `delay_s` each way, or cut, with everything that is open on it."""

    to: Callable[[], Awaitable[Streams]]
    delay_s: float = 0.0
    is_cut: bool = False
    port: int = 0
    _known: "Connections" = field(default_factory=lambda: Connections())

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Link"]:
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            try:
                yield self
            finally:
                self.cut()
                await self._known.gone()

    def cut(self) -> None:
        self.is_cut = True
        self._known.abort()

    def mend(self) -> None:
        self.is_cut, self.delay_s = False, 0.0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            writer.transport.abort()
            return
        await joined(reader, writer, self.to, lambda: self.delay_s, self._known)


async def joined(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    to: Callable[[], Awaitable[Streams]],
    delay_s: Callable[[], float],
    known: "Connections",
) -> None:
    """Pass on bytes both ways until either end closes."""
    with known.held(writer):
        try:
            far_reader, far_writer = await to()
        except OSError:
            return
        with known.held(far_writer):
            await asyncio.gather(_pass(reader, far_writer, delay_s), _pass(far_reader, writer, delay_s))


class Connections:
    """What is open of one listener."""

    def __init__(self) -> None:
        self._open: set[asyncio.StreamWriter] = set()

    @contextmanager
    def held(self, writer: asyncio.StreamWriter) -> Iterator[None]:
        self._open.add(writer)
        try:
            yield
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    def abort(self) -> None:
        for writer in tuple(self._open):
            writer.transport.abort()

    async def gone(self) -> None:
        await until(lambda: not self._open)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: Callable[[], float]) -> None:
    try:
        while data := await reader.read(_CHUNK_BYTES):
            if wait_s := delay_s():
                await asyncio.sleep(wait_s)
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        # Who was killed says no goodbye: the other end is told by the same.
        writer.transport.abort()


@dataclass(eq=False)
class Balancer:
    """Gives each connection to the next node that is well, whoever had the one before; a node that refuses is passed over."""

    ports: list[int]
    port: int = 0
    well: set[int] = field(default_factory=set)
    _turn: int = 0
    _known: "Connections" = field(default_factory=lambda: Connections())

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Balancer"]:
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            looking = asyncio.create_task(self._look())
            try:
                yield self
            finally:
                looking.cancel()
                self._known.abort()
                await self._known.gone()

    async def _look(self) -> None:
        async with httpx2.AsyncClient(timeout=PATIENCE_S) as http:
            while True:
                answers = await asyncio.gather(*(self._is_well(http, port) for port in self.ports))
                self.well = {port for port, is_well in zip(self.ports, answers, strict=True) if is_well}
                await asyncio.sleep(LOOK_S)

    async def _is_well(self, http: httpx2.AsyncClient, port: int) -> bool:
        try:
            return (await http.get(f"http://127.0.0.1:{port}/healthz")).status_code == 200
        except httpx2.HTTPError:
            return False

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await joined(reader, writer, self._next, lambda: 0.0, self._known)

    async def _next(self) -> Streams:
        for _ in self.ports:
            self._turn += 1
            port = self.ports[self._turn % len(self.ports)]
            if port in self.well:
                with suppress(OSError):
                    return await asyncio.open_connection("127.0.0.1", port)
        raise ConnectionRefusedError("no node is well")
