"""A real MCP server on loopback, made with the SDK: either era, optional bearer token, tools that a test can change."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import mcp_types
import uvicorn
from mcp.server.lowlevel import Server
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ToolsListChanged
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.ports import free_port
from tests.waiting import until

ADD_SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
}
SUM = {"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]}


def tool(name: str, description: str = "", **fields: Any) -> mcp_types.Tool:
    fields.setdefault("input_schema", {"type": "object", "properties": {}})
    return mcp_types.Tool(name=name, description=description, **fields)


def default_tools() -> dict[str, mcp_types.Tool]:
    read_only = mcp_types.ToolAnnotations(read_only_hint=True, title="Add two numbers")
    tools = [
        tool("add_numbers", "Adds two numbers. Exactly.", input_schema=ADD_SCHEMA, output_schema=SUM, annotations=read_only),
        tool("delete_note", "Deletes a note."),
        tool("whoami", "Says who calls."),
        tool("fail", "Always fails."),
        tool("slow", "Never answers."),
    ]
    return {one.name: one for one in tools}


@dataclass
class McpUpstream:
    """Serves at `url` while entered. `legacy`: like a server of 2025-11-25, which knows no newer era."""

    legacy: bool = False
    token: str | None = None
    tools: dict[str, mcp_types.Tool] = field(default_factory=default_tools)
    calls: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    port: int = 0
    _server: uvicorn.Server | None = None
    _task: asyncio.Task[None] | None = None
    _bus: InMemorySubscriptionBus = field(default_factory=InMemorySubscriptionBus)
    _legacy_sessions: list[Any] = field(default_factory=list)
    #: set once a client of the older era listens: what is announced before reaches nobody
    _has_stream: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    async def __aenter__(self) -> "McpUpstream":
        await self.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Serve; on the port of before, if there was one."""
        self.port = self.port or free_port()
        server = Server(
            "notes", version="1", on_list_tools=self._list, on_call_tool=self._call, on_subscriptions_listen=ListenHandler(self._bus)
        )
        app = self._guarded(server.streamable_http_app())
        self._server, self._task = await serve(app, self.port)

    async def stop(self) -> None:
        assert self._server is not None
        assert self._task is not None
        self._server.should_exit = True
        await self._task
        self._legacy_sessions.clear()
        self._has_stream.clear()

    async def change(self, changed: mcp_types.Tool) -> None:
        """Replace a tool and announce it the way the era does."""
        self.tools[changed.name] = changed
        await self._bus.publish(ToolsListChanged())
        if self._legacy_sessions:
            await asyncio.wait_for(self._has_stream.wait(), 10)
        for session in self._legacy_sessions:
            await session.send_tool_list_changed()

    async def _list(self, ctx: Any, params: Any) -> mcp_types.ListToolsResult:
        if self.legacy and ctx.session not in self._legacy_sessions:
            self._legacy_sessions.append(ctx.session)
        return mcp_types.ListToolsResult(tools=list(self.tools.values()))

    async def _call(self, ctx: Any, params: mcp_types.CallToolRequestParams) -> mcp_types.CallToolResult:
        self.calls.append(params.name)
        arguments = params.arguments or {}
        if params.name == "slow":
            await anyio.sleep_forever()
        if params.name == "fail":
            return mcp_types.CallToolResult(content=[mcp_types.TextContent(text="the note is locked")], is_error=True)
        if params.name == "add_numbers":
            total = {"sum": arguments["a"] + arguments["b"]}
            return mcp_types.CallToolResult(content=[mcp_types.TextContent(text=str(total))], structured_content=total)
        return mcp_types.CallToolResult(content=[mcp_types.TextContent(text='{"ok": true}')])

    def _guarded(self, app: ASGIApp) -> ASGIApp:
        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            headers = dict(scope["headers"])
            self.requests.append(headers.get(b"authorization", b"").decode())
            if self.token is not None and headers.get(b"authorization") != f"Bearer {self.token}".encode():
                await _answer(send, 401, b'{"error":"invalid_token"}')
            elif self.legacy and headers.get(b"mcp-protocol-version", b"") == b"2026-07-28":
                await _answer(send, 400, b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Unsupported protocol version"}}')
            else:
                await app(scope, receive, self._noting_stream(send) if scope["method"] == "GET" else send)

        return guarded

    def _noting_stream(self, send: Send) -> Send:
        async def noting(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.start" and message["status"] == 200:
                self._has_stream.set()

        return noting


async def _answer(send: Send, status: int, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})


async def serve(app: ASGIApp, port: int) -> tuple[uvicorn.Server, asyncio.Task[None]]:
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="critical", lifespan="on", timeout_graceful_shutdown=0)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    return server, task


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[int]:
    """Serve any application on loopback and give its port."""
    port = free_port()
    server, task = await serve(app, port)
    try:
        yield port
    finally:
        server.should_exit = True
        await task
