"""The only way out of a page: a proxy on loopback, for the time of one call, that dials what the guard lets through.

The browser looks no name up. Every request is judged by its URL, every address as it is dialled, tunnels (https, WebSockets) as plain
requests are, so that a name which leads elsewhere the second time (DNS rebinding) and a redirect are judged like the first request.
Decision 0081.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from aiohappyeyeballs import AddrInfoType

from tools.browser.limits import PageLimits
from tools.browser.proxy_request import MAX_HEAD_BYTES, BadHead, ProxyRequest, last_of_its_connection, read_request
from tools.egress.addresses import Target, refused
from tools.egress.client import Egress
from tools.egress.connector import AddressRefused
from tools.errors import EgressRefused

HEAD_TIMEOUT_S: Final = 20.0
DIAL_TIMEOUT_S: Final = 10.0
_PIECE_BYTES: Final = 64 * 1024
_ESTABLISHED: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"
_REFUSED: Final = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
#: of refusals that are told of
_MAX_TOLD: Final = 10


class ForwardProxy:
    """Open it with `async with`; leaving it ends all connections. `egress` is open; `limits` hold for all pages of the call together."""

    def __init__(self, egress: Egress, limits: PageLimits) -> None:
        self._egress, self._limits = egress, limits
        self._turns = asyncio.Semaphore(limits.connections)
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        #: what was not let out, by origin; the newest last
        self.refusals: dict[str, EgressRefused] = {}
        #: sent and received by its pages
        self.traffic_bytes = 0
        #: set when they took as much as they may
        self.spent = asyncio.Event()

    async def __aenter__(self) -> "ForwardProxy":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=MAX_HEAD_BYTES)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._server is not None:
            self._server.close()
        self._end_all()
        await asyncio.gather(*self._serving, return_exceptions=True)

    @property
    def url(self) -> str:
        """Where the browser finds it."""
        if self._server is None:
            raise RuntimeError("the proxy is not open; enter it with `async with`")
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @property
    def is_spent(self) -> bool:
        """Say whether its pages took as much as they may; nothing passes any more."""
        return self.spent.is_set()

    def count(self, size_bytes: int) -> None:
        """Note what its pages took; past the limit, all connections end."""
        self.traffic_bytes += size_bytes
        if self.traffic_bytes > self._limits.traffic_bytes:
            self.spent.set()
            self._end_all()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or self.is_spent:
            writer.transport.abort()
            return
        self._serving.add(task)
        try:
            async with self._turns:
                await self._exchange(reader, writer)
        except (OSError, TimeoutError, BadHead, EgressRefused, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            # Whoever waits for an answer sees the connection end: a page of ours in its place would pass for the upstream's.
            writer.transport.abort()
        except asyncio.CancelledError:
            writer.transport.abort()  # Nobody but us cancels it, and nobody waits for it.
        finally:
            self._serving.discard(task)

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(HEAD_TIMEOUT_S):
            request = read_request(await reader.readuntil(b"\r\n\r\n"))
        try:
            target = self._egress.rules.target(request.url)
            upstream, onward = await self._dial(target)
        except (EgressRefused, AddressRefused) as error:
            self._note(request, error)
            if request.is_tunnel:
                writer.write(_REFUSED)
                await writer.drain()
            raise
        try:
            if request.is_tunnel:
                writer.write(_ESTABLISHED)
                await self._both_ways((reader, onward), (upstream, writer))
            else:
                await self._forward(request, target, (reader, onward), (upstream, writer))
        finally:
            onward.transport.abort()
        writer.close()

    async def _forward(
        self,
        request: ProxyRequest,
        target: Target,
        sending: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        answering: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        """Send one request, and nothing that comes behind it: the next one on this connection may be for another origin."""
        (reader, onward), (upstream, writer) = sending, answering
        onward.write(request.head(target.url.raw_path_qs))
        left = request.body_bytes
        while left:
            piece = await reader.read(min(left, _PIECE_BYTES))
            if not piece:
                return
            left -= len(piece)
            self.count(len(piece))
            onward.write(piece)
            await onward.drain()
        status = 100
        # RFC 9110 §15.2: interim answers before the one that counts; 101 is none that was asked for.
        while status < 200:
            status, head = last_of_its_connection(await upstream.readuntil(b"\r\n\r\n"))
            if status == 101:
                raise BadHead("upgrade")
            if status >= 200:
                self.count(len(head))
                writer.write(head)
        await self._pump(upstream, writer)
        await writer.drain()

    async def _both_ways(self, *ways: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        """Pass bytes on until one side ends."""
        pumps = [asyncio.ensure_future(self._pump(*way)) for way in ways]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(_PIECE_BYTES):
                self.count(len(piece))
                writer.write(piece)
                await writer.drain()

    async def _dial(self, target: Target) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        connector = self._egress.connector
        if connector is None:
            raise RuntimeError("egress is not open; enter it with `async with`")
        async with asyncio.timeout(DIAL_TIMEOUT_S):
            found: Sequence[AddrInfoType] = await connector.addresses(target.host, target.port)
            dialled = await connector.connected(found)
        return await asyncio.open_connection(sock=dialled, limit=MAX_HEAD_BYTES)

    def _note(self, request: ProxyRequest, error: EgressRefused | AddressRefused) -> None:
        why = error if isinstance(error, EgressRefused) else refused(request.url, "leads to an address that is not public")
        origin = "/".join(request.url.split("/", 3)[:3])[:200]
        self.refusals.pop(origin, None)
        if len(self.refusals) < _MAX_TOLD:
            self.refusals[origin] = why

    def _end_all(self) -> None:
        for task in self._serving:
            task.cancel()
