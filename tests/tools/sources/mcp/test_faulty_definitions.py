"""Tools that an MCP server lists and that are none, too many, too large, or named alike."""

from typing import Any

import pytest
from starlette.responses import Response

from tests.tools.sources.mcp.hostile_calls import imported
from tests.tools.sources.mcp.hostile_mcp import listed, raw_server
from tests.tools.sources.mcp.mcp_upstream import served
from tests.tools.sources.mcp.mcp_world import McpWorld
from tools.errors import ImportFailed
from tools.sources.mcp import listing as mcp_listing
from tools.sources.mcp.import_server import import_server
from tools.sources.openapi.overlay import Correction, Overlay

OBJECT: dict[str, Any] = {"type": "object", "properties": {}}


async def test_a_description_of_a_megabyte_keeps_only_its_own_tool_out(world: McpWorld) -> None:
    """Limits are said, with the tool's name."""
    pages = {"tools": [*listed("big", description="x" * (1 << 20))["tools"], *listed("small")["tools"]]}
    result = await imported(world, raw_server(tools=lambda _params: pages))
    assert [operation.id for operation in result.operations] == ["x.small"]
    assert [(each.where, each.reason) for each in result.skipped] == [("big", "its definition is larger than 256 KiB")]


async def test_five_thousand_tools_in_pages_come_in(world: McpWorld) -> None:
    """Every page of the list."""

    def page(params: dict[str, Any]) -> dict[str, Any]:
        start = int(params.get("cursor") or 0)
        more = {"nextCursor": str(start + 500)} if start < 4_500 else {}
        return listed(*(f"get_item_{number}" for number in range(start, start + 500))) | more

    result = await imported(world, raw_server(tools=page))
    assert len({operation.id for operation in result.operations}) == 5_000


@pytest.mark.parametrize(
    ("tools", "said"),
    [
        (lambda params: listed("a") | {"nextCursor": "again"}, "the same page of its list again and again"),
        (lambda params: listed("a") | {"nextCursor": str(int(params.get("cursor", 0)) + 1)}, "pages of tools"),
        (lambda params: {"tools": "none"}, "does not speak MCP as we know it"),
        (lambda params: {"tools": [{"name": "a", "inputSchema": 5}]}, "none of them was imported: a: its definition breaks MCP's rules"),
        (lambda params: listed("a") | {"nextCursor": 5}, "MCP as we know it (nextCursor)"),
        (lambda params: Response("<html>Bad gateway</html>", 502, media_type="text/html"), "'x'"),
        (lambda params: Response("<html>Welcome</html>", 200, media_type="text/html"), "does not speak MCP as we know it"),
        (lambda params: Response(b"x" * 2_000_000, media_type="application/json"), "does not speak MCP as we know it"),
    ],
    ids=["cursor loop", "endless pages", "no list", "no schema", "no cursor", "HTML 502", "HTML 200", "garbage"],
)
async def test_a_list_that_is_none_is_refused_in_one_sentence(
    world: McpWorld,
    tools: Any,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Import fails whole, and says why."""
    monkeypatch.setattr(mcp_listing, "MAX_PAGES", 20)
    with pytest.raises(ImportFailed) as refused:
        await imported(world, raw_server(tools=tools))
    assert said in refused.value.failure.message
    assert "html" not in refused.value.failure.message


async def test_odd_and_equal_names_get_ids_of_their_own(world: McpWorld) -> None:
    """Stable, ASCII, within the length that ids have; of two tools with one name the first counts."""
    names = ["工具", "目录", "a/b c", "a.b.c", "../../etc", "", " ", "x" * 4_000, "Ünïcode", "same", "same", "DROP TABLE;--", "\u202eevil"]
    result = await imported(world, raw_server(tools=lambda _params: listed(*names)))
    ids = [operation.id for operation in result.operations]
    assert len(ids) == len(set(ids)) == len(set(names)) - 2
    assert all(len(each) <= 120 and each.isascii() and each.startswith("x.") for each in ids)
    assert {each.reason for each in result.skipped} == {"it has no name"}
    again = await imported(world, raw_server(tools=lambda _params: listed(*reversed(names))))
    assert [operation.id for operation in again.operations] == ids


async def test_schemas_that_are_none_keep_only_their_own_tools_out(world: McpWorld) -> None:
    """An invalid JSON schema, one that leads elsewhere, one that is nothing but depth."""
    deep: dict[str, Any] = {"type": "object"}
    for _ in range(60):
        deep = {"type": "object", "properties": {"a": deep}}
    schemas = {
        "bad_type": {"type": "object", "properties": {"a": {"type": "objekt"}}},
        "bad_pattern": {"type": "object", "properties": {"a": {"type": "string", "pattern": "("}}},
        "elsewhere": {"type": "object", "properties": {"a": {"$ref": "http://169.254.169.254/schema"}}},
        "deep": deep,
        "fine": OBJECT,
    }
    page = {"tools": [{"name": name, "inputSchema": schema} for name, schema in schemas.items()]}
    result = await imported(world, raw_server(tools=lambda _params: page))
    assert {each.where for each in result.skipped} >= {"bad_type", "bad_pattern", "elsewhere"}
    assert "x.fine" in {operation.id for operation in result.operations}


async def test_tools_that_break_the_rules_keep_none_of_the_others_out(world: McpWorld) -> None:
    """MCP tools, "Tool": what servers often get wrong is put right, what else is wrong is reported, as with OpenAPI documents."""
    tools: list[Any] = [
        {"name": "no_schema"},
        {"name": "no_type", "inputSchema": {"properties": {"a": {"type": "string"}}}},
        {"name": "php", "inputSchema": {"type": "object", "properties": [], "required": []}, "annotations": []},
        {"name": "no_object", "inputSchema": {"type": "string"}},
        {"name": "number", "inputSchema": 5},
        5,
        {"name": "fine", "inputSchema": OBJECT},
    ]
    result = await imported(world, raw_server(tools=lambda _params: {"tools": tools}))
    assert {operation.binding["tool"] for operation in result.operations} == {"no_schema", "no_type", "php", "fine"}
    assert {each.where for each in result.skipped} == {"no_object", "number", ""}
    assert {each.reason for each in result.skipped} == {"its definition breaks MCP's rules for tools"}
    schema = next(operation.input_schema for operation in result.operations if operation.binding["tool"] == "no_type")
    assert schema == {"type": "object", "properties": {"a": {"type": "string"}}}


async def test_an_overlay_that_gives_one_id_to_two_tools_is_refused(world: McpWorld) -> None:
    """As with OpenAPI documents: a sentence, and not a clash in the store."""
    same = Overlay(corrections={name: Correction(id="x.same") for name in ("one", "two")})
    async with served(raw_server(tools=lambda _params: listed("one", "two", "three"))) as port:
        with pytest.raises(ImportFailed) as refused:
            await import_server(world.egress, f"http://127.0.0.1:{port}/mcp", provider="x", tenant_id=None, overlay=same)
    assert refused.value.failure.code == "invalid_overlay"
    assert "'x.same' to two tools" in refused.value.failure.message


async def test_a_title_is_shown_without_what_nobody_sees(world: McpWorld) -> None:
    """A model reads zero-width and bidirectional characters; a person does not."""
    result = await imported(world, raw_server(tools=lambda _params: listed("do", title="Do\u200b it\u202e \U000e0041now")))
    assert [(operation.title, operation.summary) for operation in result.operations] == [("Do it now", "Do it now")]
