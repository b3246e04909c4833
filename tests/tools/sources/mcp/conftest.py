"""What the tests of remote MCP servers share."""

from collections.abc import AsyncIterator

import pytest

from tests.tools.sources.http.api_world import Wallet
from tests.tools.sources.mcp.mcp_world import McpWorld
from tools.egress.client import Egress
from tools.sources.mcp.runner import McpRunner
from tools.sources.mcp.session_pool import McpSessions


@pytest.fixture
async def world() -> AsyncIterator[McpWorld]:
    now = [0.0]
    async with Egress(allow=["127.0.0.1:*"]) as egress, McpSessions(egress, clock=lambda: now[0]) as sessions:
        wallet = Wallet()
        yield McpWorld(egress, sessions, McpRunner(sessions, wallet), wallet, now)
