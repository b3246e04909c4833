"""How long a tool of an MCP server may take: progress is a sign of life, silence is not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import mcp_types
import pytest
from mcp.server.lowlevel import Server

from tests.tools.sources.mcp.mcp_upstream import served, tool
from tests.tools.sources.mcp.mcp_world import McpWorld
from tests.tools.sources.openapi.callable import call_of
from tests.tools.stand_ins import gateway, operation
from tools.operation import CallOptions, Operation
from tools.sources.mcp.import_server import import_server

SILENCE_S = 0.8


class Progressing:
    """A tool that reports progress each time somebody heard of the last, until told to answer."""

    def __init__(self) -> None:
        self.heard, self.is_done = asyncio.Event(), False

    async def on_list(self, ctx: Any, params: Any) -> mcp_types.ListToolsResult:
        return mcp_types.ListToolsResult(tools=[tool("work")])

    async def on_call(self, ctx: Any, params: mcp_types.CallToolRequestParams) -> mcp_types.CallToolResult:
        assert params.meta is not None
        done = 0
        while not self.is_done:
            done += 1
            await ctx.session.send_progress_notification(params.meta["progress_token"], done, 1000, f"part {done}", ctx.request_id)
            await self.heard.wait()
            self.heard.clear()
        return mcp_types.CallToolResult(content=[mcp_types.TextContent(text="done")])


@asynccontextmanager
async def working(world: McpWorld) -> AsyncIterator[tuple[Operation, Progressing]]:
    work = Progressing()
    async with served(Server("w", version="1", on_list_tools=work.on_list, on_call_tool=work.on_call).streamable_http_app()) as port:
        brought = await import_server(world.egress, f"http://127.0.0.1:{port}/mcp", provider="w", tenant_id=None)
        yield brought.operations[0], work


async def test_a_tool_that_reports_progress_is_waited_for_and_heard(world: McpWorld) -> None:
    """mcp-long-tool-progress: the limit is for silence, and progress reaches the caller."""
    told: list[str | None] = []
    loop = asyncio.get_running_loop()
    async with working(world) as (operation, work):
        started = loop.time()

        async def progress(done: float, total: float | None, message: str | None) -> None:
            told.append(message)
            work.is_done = loop.time() - started > 3 * SILENCE_S
            work.heard.set()

        call = replace(call_of(operation, {}, CallOptions(timeout_s=SILENCE_S)), progress=progress)
        outcome = await world.runner.run(call)
    assert (outcome.status, outcome.data) == ("ok", "done"), outcome
    assert told[0] == "part 1"


async def test_a_tool_that_falls_silent_ends_the_call(world: McpWorld) -> None:
    """Unsure, as everything that was sent and not answered."""
    async with working(world) as (operation, _work):
        failure = await world.failure(operation, CallOptions(timeout_s=SILENCE_S))
    assert (failure.code, failure.retryable, failure.sent) == ("upstream_timeout", False, True)


async def test_progress_ends_with_the_deadline(world: McpWorld) -> None:
    """The operator's limit holds for the busiest."""
    async with working(world) as (operation, work):

        async def progress(done: float, total: float | None, message: str | None) -> None:
            work.heard.set()

        call = replace(call_of(operation, {}, CallOptions(timeout_s=30)), progress=progress)
        outcome = await world.runner.run(replace(call, deadline=asyncio.get_running_loop().time() + 3 * SILENCE_S))
    assert outcome.error is not None
    assert outcome.error.code == "upstream_timeout"


@pytest.mark.parametrize(
    ("kind", "given", "most_s"), [("mcp", None, 300), ("mcp", 30, 300), ("mcp", 5, 5), ("mcp", 120, 300), ("openapi", None, 30)]
)
async def test_the_door_gives_a_tool_of_an_mcp_server_the_operators_time(kind: Any, given: float | None, most_s: float) -> None:
    """Who asks for less than the usual time means it."""
    house = await gateway([replace(operation("up.work.run", "write"), kind=kind)])
    house.dispatcher._runners = {kind: house.runner}
    house.dispatcher._admission._mcp_tool_timeout_s = 300
    now = asyncio.get_running_loop().time()
    options = {} if given is None else {"timeout_s": given}
    outcome = await house.call("call_api", {"api": "up.work.run", **options})
    assert outcome.status == "ok", outcome
    assert 0 <= house.runner.calls[0].deadline - now - most_s < 20


@pytest.mark.parametrize(("kind", "most"), [("mcp", "300 s"), ("openapi", "30 s")])
async def test_more_time_than_there_is_is_refused_with_the_limit(kind: Any, most: str) -> None:
    """Nothing is cut silently."""
    house = await gateway([replace(operation("up.work.run", "write"), kind=kind)])
    house.dispatcher._admission._mcp_tool_timeout_s = 300
    refused = await house.call("call_api", {"api": "up.work.run", "timeout_s": 900})
    assert refused.error is not None
    assert refused.error.code == "invalid_arguments"
    assert most in refused.error.message
    assert not house.runner.calls
