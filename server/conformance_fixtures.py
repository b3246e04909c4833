"""What the MCP conformance suite needs of a server besides our three tools. Never on by default."""

from typing import Any

import mcp_types as types
from mcp.server.context import HandlerResult, ServerRequestContext
from mcp.server.lowlevel import Server


class ConformanceFixtures:
    """The suite's fixture tools, callable by name and not listed."""

    def has(self, name: str) -> bool:
        """Say whether `name` is a fixture tool."""
        return False

    def install(self, server: Server[Any]) -> None:
        """Register the fixture handlers on `server`."""

    async def call(self, ctx: ServerRequestContext[Any, Any], params: types.CallToolRequestParams) -> HandlerResult:
        """Run a fixture tool."""
        raise KeyError(params.name)
