"""A site with names of its own, and a listener that no page may reach."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web
from aiohttp.abc import ResolveResult

from tools.egress.client import Egress

SITE, PRIVATE, REBOUND = "site.test", "inside.test", "rebound.test"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Inside(asyncio.DatagramProtocol):
    """Listens on loopback by TCP and UDP, as a service of this machine does, and counts who comes."""

    port: int = 0
    reached: int = 0
    datagrams: int = 0

    def datagram_received(self, data: bytes, address: Any) -> None:
        self.datagrams += 1

    async def take(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reached += 1
        writer.close()


@dataclass
class Site:
    """`pages`: path -> HTML. `asked`: paths in the order of their requests."""

    inside: Inside
    port: int = 0
    pages: dict[str, str] = field(default_factory=dict)
    handlers: dict[str, Handler] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    cookies: list[dict[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{SITE}:{self.port}"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        self.agents.add(request.headers.get("user-agent", ""))
        self.cookies.append(dict(request.cookies))
        if (handler := self.handlers.get(request.path)) is not None:
            return await handler(request)
        if request.path not in self.pages:
            return web.Response(status=404, text="nothing here")
        return web.Response(text=self.pages[request.path].replace("INSIDE", str(self.inside.port)), content_type="text/html")

    def look_up(self, host: str, port: int, _family: socket.AddressFamily) -> list[ResolveResult]:
        """Answer as a name server would that leads here; `rebound.test` has a public address beside, as whoever rebinds a name gives it."""
        numbers = ["203.0.114.7", "127.0.0.1"] if host == REBOUND else ["127.0.0.1"]
        kind = {"family": socket.AF_INET, "proto": socket.IPPROTO_TCP, "flags": 0}
        return [ResolveResult(hostname=host, host=number, port=port, **kind) for number in numbers]  # type: ignore[typeddict-item]  # so it is


@asynccontextmanager
async def hostile_site() -> AsyncIterator[tuple[Site, Egress]]:
    """Serve a site, and give a way out that lets its name pass and nothing else of this machine."""
    inside = Inside()
    listener = await asyncio.start_server(inside.take, "127.0.0.1", 0)
    inside.port = listener.sockets[0].getsockname()[1]
    datagrams, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: inside, local_addr=("127.0.0.1", inside.port))
    site = Site(inside)
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", site.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    door = web.TCPSite(runner, "127.0.0.1", 0)
    await door.start()
    site.port = runner.addresses[0][1]
    try:
        async with Egress([f"{SITE}:{site.port}"], is_lean=False, find=site.look_up) as egress:
            yield site, egress
    finally:
        await runner.cleanup()
        datagrams.close()
        listener.close()


async def echo(request: web.Request) -> web.StreamResponse:
    """A WebSocket that says again what it hears."""
    talk = web.WebSocketResponse()
    await talk.prepare(request)
    async for message in talk:
        if message.type is WSMsgType.TEXT:
            await talk.send_str(message.data)
    return talk


def endless(piece: bytes, content_type: str) -> Handler:
    """Return a handler whose answer has no end; it waits between pieces where they are empty."""

    async def handle(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"content-type": content_type})
        await answer.prepare(request)
        while piece:
            await answer.write(piece)
        await asyncio.Event().wait()
        return answer

    return handle
