"""Schemas in which one value is looked at without end are told before a validator runs."""

import jsonschema_rs
import pytest

from tools.dispatch.arguments import compile_schema
from tools.json_schema.schema_cost import MAX_COST, cost_of, is_bearable
from tools.operation import Json


def doubled(depth: int, keyword: str = "$defs", by: str = "allOf") -> dict[str, Json]:
    """Return a schema in which each level refers to the next one twice."""
    named: dict[str, Json] = {f"d{level}": {by: [{"$ref": f"#/{keyword}/d{level + 1}"}] * 2} for level in range(depth)}
    return {"type": "object", "properties": {"a": {"$ref": f"#/{keyword}/d0"}}, keyword: {**named, f"d{depth}": {"type": "string"}}}


@pytest.mark.parametrize("keyword", ["$defs", "definitions", "components"])
@pytest.mark.parametrize("by", ["allOf", "anyOf", "oneOf"])
def test_parts_that_double_are_told(keyword: str, by: str) -> None:
    """attacks.md: output and input schema of an MCP tool, depth 28: 3 s, 30: over 35 s."""
    assert is_bearable(doubled(6, keyword, by))
    assert not is_bearable(doubled(28, keyword, by))
    assert compile_schema(doubled(28, keyword, by)) is None


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"properties": {"default": doubled(28)["properties"]["a"]}, "$defs": doubled(28)["$defs"]},
        {"allOf": [{"$ref": "#part"}], "$defs": {"a": {"$anchor": "part", "anyOf": [{"$ref": "#part"}]}}},
        {"$ref": "https://elsewhere.example/schema"},
        {"$dynamicRef": "#"},
        {"dependencies": {"a": {"$ref": "#"}}},
        {"$ref": "#/definitions/d0", "definitions": {f"d{at}": {"$ref": f"#/definitions/d{at + 1}"} for at in range(20_000)}},
        {"enum": [str(number) for number in range(64 * MAX_COST)]},
    ],
)
def test_what_never_ends_is_told_in_whatever_way_it_refers(schema: Json) -> None:
    """Anchors, whole documents, chains, names spelled like keywords."""
    assert not is_bearable(schema)


def test_a_tree_is_bearable() -> None:
    """What refers to itself through its members ends with the value."""
    tree: Json = {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#"}}}}
    assert cost_of(tree) < 10
    assert isinstance(compile_schema(tree), jsonschema_rs.Draft202012Validator)
