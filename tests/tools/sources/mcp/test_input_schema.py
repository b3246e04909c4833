"""Input schemas of tools as servers write them: older drafts, references at the root, and reasons that name the place."""

import json
from typing import Any

import pytest
from starlette.responses import Response

from tests.tools.sources.mcp.hostile_mcp import listed, raw_server
from tests.tools.sources.mcp.mcp_upstream import served
from tests.tools.sources.mcp.mcp_world import McpWorld
from tools.dispatch.arguments import Validators
from tools.sources.mcp.import_server import import_server
from tools.sources.openapi.import_document import ImportResult

NODE = {"type": "object", "required": ["v"], "properties": {"v": {"type": "string"}, "next": {"$ref": "#/$defs/Node"}}}


async def brought(world: McpWorld, schema: dict[str, Any]) -> ImportResult:
    tools = {"tools": [*listed("fine")["tools"], {"name": "do", "inputSchema": schema}]}
    async with served(raw_server(tools=lambda _params: tools)) as port:
        return await import_server(world.egress, f"http://127.0.0.1:{port}/mcp", provider="x", tenant_id=None)


async def test_exclusive_limits_of_draft_4_are_what_they_meant(world: McpWorld) -> None:
    """mcp-draft4-tool; a property of that name, and a default, stay as they are."""
    number = {"type": "number", "minimum": 0, "exclusiveMinimum": True, "maximum": 9, "exclusiveMaximum": False}
    properties = {"n": number, "exclusiveMinimum": True, "d": {"default": {"exclusiveMinimum": True}}}
    result = await brought(world, {"type": "object", "properties": properties})
    (do,) = (each for each in result.operations if each.id == "x.do")
    assert do.input_schema["properties"]["n"] == {"type": "number", "exclusiveMinimum": 0, "maximum": 9}
    assert do.input_schema["properties"]["d"] == {"default": {"exclusiveMinimum": True}}
    assert Validators().faults(do, {"n": 0})
    assert not Validators().faults(do, {"n": 9, "exclusiveMinimum": "any"})


async def test_a_schema_that_is_none_is_left_out_with_its_place(world: McpWorld) -> None:
    """Whoever runs the server finds it."""
    result = await brought(world, {"type": "object", "properties": {"a": {"type": "string", "minLength": "many"}}})
    (skipped,) = result.skipped
    assert skipped.where == "do"
    assert "properties.a.minLength" in skipped.reason


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "$ref": "#/$defs/Node", "$defs": {"Node": NODE}},
        {"type": "object", "allOf": [{"$ref": "#/$defs/Node"}], "$defs": {"Node": NODE}},
        {"type": "object", "$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/Node"}, "Node": NODE}},
    ],
)
async def test_a_signature_shows_what_is_behind_a_reference_at_the_root(world: McpWorld, schema: dict[str, Any]) -> None:
    """mcp-root-ref-signature."""
    (do,) = (each for each in (await brought(world, schema)).operations if each.id == "x.do")
    assert do.signature.startswith("x.do(v: str")
    assert Validators().faults(do, {})


async def test_a_root_that_refers_to_itself_ends(world: McpWorld) -> None:
    """Nothing is found there, and nobody waits for it."""
    result = await brought(world, {"type": "object", "$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}})
    assert {each.id for each in result.operations} >= {"x.fine"}


async def test_a_schema_whose_parts_double_is_left_out(world: McpWorld) -> None:
    """Thirty levels would cost the loop half a minute."""
    definitions: dict[str, Any] = {f"d{level}": {"allOf": [{"$ref": f"#/$defs/d{level + 1}"}] * 2} for level in range(40)}
    result = await brought(world, {"type": "object", "$ref": "#/$defs/d0", "$defs": {**definitions, "d40": {"type": "object"}}})
    assert [each.where for each in result.skipped] == ["do"]


async def test_a_list_over_a_mebibyte_in_one_event_comes_in(world: McpWorld) -> None:
    """mcp-list-over-1mib-sse: the limit is 32 MiB, however the list comes."""
    members = {f"p{number}": {"type": "string", "description": "forty characters of words that say things"} for number in range(5)}
    names = [f"get_item_{number}" for number in range(2_500)]
    tools = {"tools": [{"name": name, "inputSchema": {"type": "object", "properties": members}} for name in names]}

    def page(params: dict[str, Any]) -> Response:
        body = json.dumps({"jsonrpc": "2.0", "id": params["request_id"], "result": tools})
        assert len(body) > 1 << 20
        return Response(f"event: message\ndata: {body}\n\n", media_type="text/event-stream")

    async with served(raw_server(tools=page)) as port:
        result = await import_server(world.egress, f"http://127.0.0.1:{port}/mcp", provider="x", tenant_id=None)
    assert len(result.operations) == 2_500
