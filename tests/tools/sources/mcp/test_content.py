"""What an upstream's tool answers beside its structured content arrives, too: images as handles, links, words that add something."""

import base64
from typing import Any

import pytest

from server.storage.memory.tools import MemoryResultStore
from tests.tools.sources.mcp.hostile_calls import calling
from tests.tools.sources.mcp.mcp_world import McpWorld
from tests.tools.sources.openapi.callable import ADA
from tools.large_json import LargeJson
from tools.operation import Download, Json
from tools.sources.mcp.runner import McpRunner

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 150_000
IMAGE = {"type": "image", "data": base64.b64encode(PNG).decode(), "mimeType": "image/png"}
LINK = {"type": "resource_link", "uri": "https://example.com/report.pdf", "name": "report.pdf"}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


async def answered(world: McpWorld, content: list[Any], structured: Json = None) -> tuple[Any, MemoryResultStore]:
    results = MemoryResultStore()
    runner = McpRunner(world.sessions, world.wallet, results)
    result = {"content": content} | ({} if structured is None else {"structuredContent": structured})
    async with calling(world, lambda _params: result) as do:
        world.runner = runner
        outcome = await world.run(do)
    assert outcome.status == "ok", outcome
    return outcome.data, results


async def test_an_image_beside_structured_content_is_kept_under_a_handle(world: McpWorld) -> None:
    """mcp-structured-with-image."""
    data, results = await answered(world, [text("a chart of sales"), IMAGE], {"title": "sales"})
    assert data["title"] == "sales"
    words, image = data["content"]
    assert words == "a chart of sales"
    assert {name: image[name] for name in ("type", "mimeType", "bytes")} == {"type": "image", "mimeType": "image/png", "bytes": len(PNG)}
    assert await results.get(ADA, image["handle"]) == (PNG, "image/png")


async def test_a_link_beside_structured_content_is_there(world: McpWorld) -> None:
    """mcp-structured-with-link."""
    assert (await answered(world, [LINK], {"pages": 3}))[0] == {"pages": 3, "content": [LINK]}


async def test_an_image_beside_a_text_is_a_handle_as_when_it_comes_alone(world: McpWorld) -> None:
    """mcp-text-and-image: no base64 in data."""
    data, results = await answered(world, [text("Took a screenshot"), IMAGE])
    assert data[0] == "Took a screenshot"
    assert IMAGE["data"] not in str(data)
    assert await results.get(ADA, data[1]["handle"]) == (PNG, "image/png")
    alone, _ = await answered(world, [IMAGE])
    assert alone == Download(PNG, "image/png", None)


@pytest.mark.parametrize(
    ("content", "structured"),
    [
        ([text('{"a": 1, "b": [2]}')], {"a": 1, "b": [2]}),
        ([text("3")], {"result": 3}),
        ([text("{'sum': 3, 'ok': True, 'left': None}")], {"sum": 3, "ok": True, "left": None}),
        ([text("true")], {"result": True}),
        ([text("hello")], {"result": "hello"}),
        ([text("[1, 2]")], {"result": [1, 2]}),
        ([text('{"id": 1}'), text('{"id": 2}')], {"result": [{"id": 1}, {"id": 2}]}),
        ([], {"a": 1}),
    ],
)
async def test_text_that_only_repeats_what_is_structured_is_left_out(world: McpWorld, content: list[Any], structured: Json) -> None:
    """MCP tools, structured content: servers add it as text for older clients."""
    assert (await answered(world, content, structured))[0] == structured


async def test_a_member_that_is_called_content_is_not_lost(world: McpWorld) -> None:
    """The structured content comes first."""
    assert (await answered(world, [LINK], {"content": "own"}))[0] == {"content": "own", "_content": [LINK]}


async def test_a_file_in_a_resource_beside_words_is_a_handle(world: McpWorld) -> None:
    """Embedded resources: blobs are kept, texts are shown."""
    blob = {"type": "resource", "resource": {"uri": "file:///a/b.bin", "blob": "AAEC", "mimeType": "application/x-b"}}
    words = {"type": "resource", "resource": {"uri": "file:///a/b.txt", "text": "plain"}}
    data, results = await answered(world, [blob, words])
    assert data[0]["uri"] == "file:///a/b.bin"
    assert await results.get(ADA, data[0]["handle"]) == (b"\0\1\2", "application/x-b")
    assert data[1] == words


async def test_a_text_of_more_values_than_we_hold_as_objects_stays_text(world: McpWorld) -> None:
    """As an answer of an API does (docs/decisions/0027)."""
    data, _ = await answered(world, [text(f"[{'1,' * 100_000}2]")])
    assert isinstance(data, LargeJson)
    broken, _ = await answered(world, [text(f"[{'1,' * 100_000}")])
    assert isinstance(broken, str)


@pytest.mark.parametrize("place", ["text", "structured"])
async def test_integers_of_any_length_arrive_whole(world: McpWorld, place: str) -> None:
    """JSON has no limit for integers (RFC 8259 §6)."""
    big = 123456789012345678901234567890
    content, structured = ([text(f'{{"id": {big}}}')], None) if place == "text" else ([], {"id": big})
    assert (await answered(world, content, structured))[0] == {"id": big}
