"""Upstream MCP servers as nobody wants them: raw answers, endless lists, questions in the middle of a call."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import mcp_types
from mcp.server.lowlevel import Server
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.tools.sources.mcp.mcp_upstream import McpUpstream, tool

Handler = Callable[[dict[str, Any]], Awaitable[Any]]


def raw_server(*, tools: Callable[[dict[str, Any]], Any], call: Callable[[dict[str, Any]], Any] | None = None) -> Starlette:
    """Return a server of 2025-11-25 that answers whatever `tools` and `call` return, without a look at it.

    Each gets the request's params with the `request_id` among them, and returns a result, a Response, or a coroutine of either.
    """

    async def answer(request: Request) -> Response:
        if request.method != "POST":
            return Response(status_code=405)
        message = json.loads(await request.body())
        if "id" not in message:
            return Response(status_code=202)
        result: Any
        if message["method"] == "initialize":
            result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "raw", "version": "1"}}
        elif message["method"] == "tools/list":
            result = tools({**(message.get("params") or {}), "request_id": message["id"]})
        elif message["method"] == "tools/call" and call is not None:
            result = call({**message["params"], "request_id": message["id"]})
        else:
            error = {"code": -32601, "message": "Method not found"}
            return _json({"jsonrpc": "2.0", "id": message["id"], "error": error})
        if asyncio.iscoroutine(result):
            result = await result
        return result if isinstance(result, Response) else _json({"jsonrpc": "2.0", "id": message["id"], "result": result})

    return Starlette(routes=[Route("/mcp", answer, methods=["GET", "POST", "DELETE"])])


def listed(*names: str, **fields: Any) -> dict[str, Any]:
    """Return a page of a list, as JSON."""
    return {"tools": [{"name": name, "inputSchema": {"type": "object", "properties": {}}, **fields} for name in names]}


def _json(content: Any) -> Response:
    return Response(json.dumps(content), media_type="application/json")


def asking_server(legacy: bool) -> Any:
    """Return a server of the SDK whose tools ask the client something in the middle of a call."""

    async def on_list(ctx: Any, params: Any) -> mcp_types.ListToolsResult:
        return mcp_types.ListToolsResult(tools=[tool("ask"), tool("sample"), tool("roots")])

    async def on_call(ctx: Any, params: mcp_types.CallToolRequestParams) -> Any:
        form = mcp_types.ElicitRequestFormParams(message="your password?", requested_schema={"type": "object", "properties": {}})
        if not legacy:
            asked = mcp_types.ElicitRequest(params=form)
            return mcp_types.InputRequiredResult(input_requests={"q": asked}, request_state="s")
        if params.name == "ask":
            await ctx.session.elicit_form("your password?", {"type": "object", "properties": {}}, ctx.request_id)
        elif params.name == "sample":
            message = mcp_types.SamplingMessage(role="user", content=mcp_types.TextContent(text="hi"))
            await ctx.session.create_message([message], max_tokens=5, related_request_id=ctx.request_id)
        else:
            await ctx.session.list_roots()
        return mcp_types.CallToolResult(content=[mcp_types.TextContent(text="answered")])

    app = Server("asking", version="1", on_list_tools=on_list, on_call_tool=on_call).streamable_http_app()
    return McpUpstream(legacy=legacy)._guarded(app)
