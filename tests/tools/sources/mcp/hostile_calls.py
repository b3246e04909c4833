"""Imports from, and calls to, an MCP server that a test makes up."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.types import ASGIApp

from tests.tools.sources.mcp.hostile_mcp import listed, raw_server
from tests.tools.sources.mcp.mcp_upstream import served
from tests.tools.sources.mcp.mcp_world import McpWorld
from tools.operation import Operation
from tools.sources.mcp.import_server import import_server
from tools.sources.openapi.import_document import ImportResult


async def imported(world: McpWorld, app: ASGIApp) -> ImportResult:
    """Import a server that is served only for that."""
    async with served(app) as port:
        return await import_server(world.egress, f"http://127.0.0.1:{port}/mcp", provider="x", tenant_id=None)


@asynccontextmanager
async def calling(world: McpWorld, call: Any) -> AsyncIterator[Operation]:
    """Serve a tool `do` whose calls `call` answers, and give its operation."""
    async with served(raw_server(tools=lambda _params: listed("do"), call=call)) as port:
        brought = await import_server(world.egress, f"http://127.0.0.1:{port}/mcp", provider="x", tenant_id=None)
        yield brought.operations[0]
