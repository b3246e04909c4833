"""Every way out of a call to an MCP server in which it may repeat the account's credential: the secret is nowhere."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from starlette.responses import Response

from server.storage.memory.tools import MemoryResultStore
from tests.tools.sources.mcp.hostile_mcp import listed, raw_server
from tests.tools.sources.mcp.mcp_upstream import served
from tests.tools.sources.mcp.mcp_world import McpWorld
from tests.tools.sources.openapi.callable import call_of
from tests.tools.sources.repeated_secret import BEARER, SECRET, leaks, seen
from tools.sources.credential_redaction import NOTE
from tools.sources.mcp.import_server import import_server
from tools.sources.mcp.runner import McpRunner

#: door of an MCP server -> the JSON-RPC answer to tools/call
MCP_DOORS: dict[str, Callable[[str], dict[str, Any]]] = {
    "text": lambda secret: {"result": {"content": [{"type": "text", "text": f"you sent {secret}"}]}},
    "structured": lambda secret: {"result": {"content": [], "structuredContent": {"you": {"sent": [secret]}}}},
    "name in structured": lambda secret: {"result": {"content": [], "structuredContent": {secret: 1}}},
    "tool error": lambda secret: {"result": {"isError": True, "content": [{"type": "text", "text": f"bad key {secret}"}]}},
    "error": lambda secret: {"error": {"code": -32000, "message": f"bad key {secret}", "data": {"key": secret}}},
    "link": lambda secret: {
        "result": {"content": [{"type": "resource_link", "uri": f"https://x.example/{quote(secret)}", "name": secret}]}
    },
    "resource": lambda secret: {
        "result": {"content": [{"type": "resource", "resource": {"uri": "x://y", "text": secret}}, {"type": "text", "text": "b"}]}
    },
    "blob": lambda secret: {
        "result": {"content": [{"type": "resource", "resource": {"uri": "x://y", "blob": base64.b64encode(secret.encode()).decode()}}]}
    },
    "text of JSON": lambda secret: {"result": {"content": [{"type": "text", "text": json.dumps({"key": secret})}]}},
}


@pytest.mark.parametrize("stream", [False, True], ids=["json", "events"])
@pytest.mark.parametrize("status", [200, 400, 500])
async def test_no_door_of_an_mcp_server_lets_the_credential_out(world: McpWorld, stream: bool, status: int) -> None:
    """Results, errors, structured content, links, files, progress: as JSON and as events, with any status."""
    door = ""
    told: list[Any] = []

    def call(params: dict[str, Any]) -> Response:
        message = {"jsonrpc": "2.0", "id": params["request_id"], **MCP_DOORS[door](SECRET)}
        if not stream:
            return Response(json.dumps(message), status, media_type="application/json")
        progress = {"progressToken": params["request_id"], "progress": 1, "message": f"with {SECRET}"}
        events = [{"jsonrpc": "2.0", "method": "notifications/progress", "params": progress}, message]
        return Response("".join(f"data: {json.dumps(event)}\n\n" for event in events), status, media_type="text/event-stream")

    async with served(raw_server(tools=lambda _params: listed("do"), call=call)) as port:
        url = f"http://127.0.0.1:{port}/mcp"
        (do,) = (await import_server(world.egress, url, provider="x", tenant_id=None, credential=BEARER)).operations
        world.wallet.credential, results = BEARER, MemoryResultStore()
        runner = McpRunner(world.sessions, world.wallet, results)

        async def progress(done: float, total: float | None, message: str | None) -> None:
            told.append(message)

        for door in MCP_DOORS:
            outcome = await runner.run(replace(call_of(do, {}), progress=progress))
            assert not leaks(seen(outcome)), (door, outcome)
            if status == 200:
                assert NOTE in (outcome.note or ""), (door, outcome)
    assert not leaks(repr(told))
    assert told or not stream or status != 200


async def test_a_redirect_of_an_mcp_server_keeps_the_credential(world: McpWorld) -> None:
    """The SDK tells where a redirect leads."""
    moved = Response(status_code=302, headers={"location": f"https://elsewhere.example/?key={quote(SECRET, safe='')}"})
    async with served(raw_server(tools=lambda _params: listed("do"), call=lambda _params: moved)) as port:
        url = f"http://127.0.0.1:{port}/mcp"
        (do,) = (await import_server(world.egress, url, provider="x", tenant_id=None, credential=BEARER)).operations
        world.wallet.credential = BEARER
        assert not leaks(seen(await world.runner.run(call_of(do, {}))))


async def test_a_definition_that_repeats_the_credential_is_kept_without_it(world: McpWorld) -> None:
    """What is listed with an account is read by everybody."""
    tools = listed("do", description=f"calls with {SECRET}")
    async with served(raw_server(tools=lambda _params: tools)) as port:
        url = f"http://127.0.0.1:{port}/mcp"
        (do,) = (await import_server(world.egress, url, provider="x", tenant_id=None, credential=BEARER)).operations
    assert not leaks(repr(do))
