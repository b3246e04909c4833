"""Messages of an MCP server that are too heavy for this process: its SDK never sees them, and their caller notices nothing of that."""

import base64
import json
import logging
from collections.abc import Iterator
from typing import Any

import mcp_types
import pytest
from starlette.responses import Response, StreamingResponse

from server.storage.memory.tools import MemoryResultStore
from tests.tools.sources.mcp.hostile_calls import calling, imported
from tests.tools.sources.mcp.hostile_mcp import listed, raw_server
from tests.tools.sources.mcp.mcp_world import McpWorld
from tests.tools.sources.openapi.callable import ADA
from tools.json_text import decode
from tools.large_json import LargeJson
from tools.operation import Download, Outcome
from tools.sources.mcp import transport as mcp_transport
from tools.sources.mcp.messages.large_messages import is_heavy_message
from tools.sources.mcp.messages.message_parts import MAX_FILES, parts_of
from tools.sources.mcp.runner import McpRunner
from tools.sources.mcp.transport import SLICE_BYTES

ROWS = [{"id": number, "name": f"name {number}"} for number in range(60_000)]
PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 3_000_000
IMAGE = {"type": "image", "data": base64.b64encode(PNG).decode(), "mimeType": "image/png"}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


@pytest.fixture
def read_by_sdk(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Give the length of every text that the SDK reads as a message, and fail where one is heavy."""
    lengths: list[int] = []
    seen = mcp_transport._Capped._seen

    async def noted(self: Any, whole: bytes) -> bytes:
        passed = await seen(self, whole)
        assert not is_heavy_message(passed)
        lengths.append(len(passed))
        return passed

    monkeypatch.setattr(mcp_transport._Capped, "_seen", noted)
    yield lengths
    assert lengths


async def answered(world: McpWorld, result: Any, *, results: MemoryResultStore | None = None) -> Outcome:
    async with calling(world, lambda params: result(params) if callable(result) else result) as do:
        world.runner = McpRunner(world.sessions, world.wallet, results)
        return await world.run(do)


def events(*messages: Any, line_end: str = "\n", pieces: int = 7_919) -> StreamingResponse:
    """Return a stream of events, cut where it happens to be."""
    whole = "".join(f"event: message{line_end}data: {json.dumps(each)}{line_end}{line_end}" for each in messages).encode()
    return StreamingResponse((whole[at : at + pieces] for at in range(0, len(whole), pieces)), media_type="text/event-stream")


def response(params: Any, result: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": params["request_id"], "result": result}


@pytest.mark.usefixtures("read_by_sdk")
@pytest.mark.parametrize("is_stream", [False, True], ids=["JSON", "events"])
async def test_heavy_structured_content_stays_text(world: McpWorld, is_stream: bool) -> None:
    """The same data, as text; a copy of it in a text is left away, as of a light one."""
    result = {"content": [text(json.dumps({"rows": ROWS}))], "structuredContent": {"rows": ROWS}}
    outcome = await answered(world, (lambda params: events(response(params, result))) if is_stream else result)
    assert isinstance(outcome.data, LargeJson), outcome
    assert decode(outcome.data.text) == {"rows": ROWS}
    assert outcome.note is None


@pytest.mark.usefixtures("read_by_sdk")
async def test_many_blocks_are_as_heavy_as_they_are_to_the_sdk(world: McpWorld) -> None:
    """Each would become a model, several times."""
    outcome = await answered(world, {"content": [text("") for _ in range(3_000)]})
    assert outcome.data == [""] * 3_000


@pytest.mark.usefixtures("read_by_sdk")
async def test_large_files_and_what_stands_beside_them_arrive_as_light_ones_do(world: McpWorld) -> None:
    """Alone a download; beside a text a handle; the text of an image is decoded by the child."""
    alone = await answered(world, {"content": [IMAGE]})
    assert alone.data == Download(PNG, "image/png", None)
    results = MemoryResultStore()
    several = await answered(world, {"content": [text("before"), IMAGE, IMAGE], "structuredContent": {"a": 1}}, results=results)
    words, first, second = several.data["content"]
    assert (words, first["bytes"], first["handle"] != second["handle"]) == ("before", len(PNG), True)
    for shown in (first, second):
        assert await results.get(ADA, shown["handle"]) == (PNG, "image/png")
    many = await answered(world, {"content": [IMAGE | {"data": "eHg="}] * (MAX_FILES + 1_000)}, results=results)
    assert many.data[0] == IMAGE | {"data": "eHg="}


@pytest.mark.usefixtures("read_by_sdk")
async def test_a_heavy_text_is_a_text(world: McpWorld) -> None:
    """Whatever it is made of."""
    words = "{not, JSON}, " * 20_000
    assert (await answered(world, {"content": [text(words)]})).data == words


@pytest.mark.usefixtures("read_by_sdk")
async def test_heavy_failures_keep_their_words(world: McpWorld) -> None:
    """A tool's own no, an error of the server, and what is no result at all."""
    failed = await answered(world, {"content": [text("no such row"), text("x," * 40_000)], "isError": True})
    assert failed.error is not None
    assert (failed.error.code, failed.error.declined) == ("upstream_tool_error", True)
    assert failed.error.message.startswith("x answered: no such row")
    assert failed.error.upstream is not None
    assert failed.error.upstream["body"].startswith('[{"type":"text","text":"no such row"}')

    def refused(params: Any) -> Response:
        error = {"code": -32602, "message": "Invalid params", "data": ROWS}
        return Response(json.dumps({"jsonrpc": "2.0", "id": params["request_id"], "error": error}), media_type="application/json")

    rejected = await answered(world, refused)
    assert rejected.error is not None
    assert (rejected.error.message, rejected.error.declined) == ("the MCP server of 'x' answered: Invalid params", True)
    for broken in ({"content": [5] * 40_000}, {"unknown": ROWS}, {"content": "x," * 40_000}):
        outcome = await answered(world, broken)
        assert outcome.error is not None
        assert outcome.error.code in ("upstream_malformed", "upstream_too_large")
        assert outcome.error.sent


@pytest.mark.usefixtures("read_by_sdk")
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
async def test_heavy_notifications_are_dropped_and_logged(
    world: McpWorld,
    caplog: pytest.LogCaptureFixture,
    line_end: str,
) -> None:
    """The answer after them arrives, whatever ends the lines and wherever the pieces are cut."""
    progress = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": 1, "data": ROWS}}
    log = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "short"}}

    def call(params: Any) -> Response:
        return events(log, progress, log, response(params, {"content": [text("done")]}), line_end=line_end)

    with caplog.at_level(logging.WARNING):
        assert (await answered(world, call)).data == "done"
    assert caplog.text.count("upstream_message_dropped method=notifications/progress") == 1


@pytest.mark.usefixtures("read_by_sdk")
async def test_a_heavy_list_is_listed_tool_by_tool(world: McpWorld) -> None:
    """Mended where it can be, marked where it cannot, as in a light one; the next page is asked for."""
    odd = [{"name": "no_schema"}, {"name": 5}, {"name": "odd_schema", "inputSchema": {"type": "string"}}]
    large = {"name": "large", "description": "x" * 300_000, "inputSchema": {"type": "object"}}

    def page(params: Any) -> Any:
        if params.get("cursor") == "2":
            return listed("last")
        return {"tools": [*listed(*(f"get_item_{number}" for number in range(3_000)))["tools"], *odd, large], "nextCursor": "2"}

    result = await imported(world, raw_server(tools=page))
    assert len(result.operations) == 3_000 + 2
    assert {"x.no_schema", "x.last", "x.item_2999.get"} <= {operation.id for operation in result.operations}
    assert {each.where: each.reason for each in result.skipped}["large"] == "its definition is larger than 256 KiB"


async def test_a_heavy_list_pins_its_tools_as_a_light_one_does(world: McpWorld) -> None:
    """Nothing is quarantined because a list has grown."""
    light = await imported(world, raw_server(tools=lambda _params: listed("do", description="Does it.", title="Do")))
    filler = [f"get_item_{number}" for number in range(3_000)]
    heavy = await imported(world, raw_server(tools=lambda _params: listed("do", *filler, description="Does it.", title="Do")))
    pins = [next(each.binding["pin"] for each in found.operations if each.id == "x.do") for found in (light, heavy)]
    assert pins[0] == pins[1]


async def test_a_stream_is_looked_at_in_small_steps(world: McpWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """No step is longer than SLICE_BYTES, and short events are handed on together, at most two steps of them."""
    wholes: list[int] = []
    seen = mcp_transport._Capped._seen

    async def noted(self: Any, whole: bytes) -> bytes:
        if self._is_stream:
            wholes.append(len(whole))
        return await seen(self, whole)

    monkeypatch.setattr(mcp_transport._Capped, "_seen", noted)
    log = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "short"}}
    outcome = await answered(world, lambda params: events(*[log] * 2_000, response(params, {"content": [text("done")]}), pieces=1 << 20))
    assert outcome.data == "done"
    assert len(wholes) > 10
    assert max(wholes) <= 2 * SLICE_BYTES


@pytest.mark.parametrize("is_modern", [False, True])
async def test_tools_of_a_heavy_list_still_send_the_headers_that_they_ask_for(is_modern: bool) -> None:
    """MCP 2026-07-28, x-mcp-header: the SDK makes them from the list; a tool that asks for a wrong one is not listed."""
    version = "2026-07-28" if is_modern else "2025-11-25"
    fine = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}
    wrong = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "not a token"}}}
    rest = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"} if is_modern else {}
    tools = [{"name": "fine", "inputSchema": fine}, {"name": "wrong", "inputSchema": wrong}, *listed("other")["tools"]]
    told = parts_of(json.dumps({"jsonrpc": "2.0", "id": 7, "result": {"tools": tools, **rest}}).encode(), False, version, None)
    message = told.facts["message"]
    assert message["id"] == 7
    assert len(told.facts["lengths"]) == (2 if is_modern else 3)
    assert [each["name"] for each in message["result"]["tools"]] == (["fine"] if is_modern else [])
    mcp_types.ListToolsResult.model_validate(message["result"])
