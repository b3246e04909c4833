"""Lists of tools that break MCP's rules in places, by the rules of each era."""

from typing import Any

import pytest

from tools.sources.mcp.repair import BROKEN, mended

MODERN = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
EMPTY: dict[str, Any] = {"type": "object"}
FINE: dict[str, Any] = {"name": "fine", "inputSchema": {"type": "object", "properties": {"a": {"type": "string"}}}, "title": "Fine"}


def page(*tools: Any, version: str) -> dict[str, Any]:
    return {"tools": list(tools), **(MODERN if version > "2026" else {})}


@pytest.fixture(params=["2024-11-05", "2025-11-25", "2026-07-28"])
def version(request: pytest.FixtureRequest) -> str:
    given: str = request.param
    return given


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (None, EMPTY),
        ([], EMPTY),
        ({}, EMPTY),
        ({"properties": []}, EMPTY),
        ({"type": "object", "properties": [], "required": []}, EMPTY),
        ({"properties": {"a": {}}, "required": ["a"]}, {"type": "object", "properties": {"a": {}}, "required": ["a"]}),
    ],
)
def test_a_schema_that_was_meant_well_is_put_right(version: str, schema: Any, expected: dict[str, Any]) -> None:
    """MCP tools, "Tool": an object schema is required; servers leave it out, or write PHP's empty list."""
    answer = mended(page({"name": "a", "inputSchema": schema}, FINE, version=version), version)
    assert answer["tools"] == [{"name": "a", "inputSchema": expected}, FINE]


@pytest.mark.parametrize(
    "tool", [5, None, {}, {"name": 3}, {"name": "a", "inputSchema": {"type": "string"}}, {"name": "a", "inputSchema": 5}]
)
def test_what_cannot_be_put_right_stands_there_as_broken(version: str, tool: Any) -> None:
    """The import skips it and says so."""
    answer = mended(page(tool, FINE, version=version), version)
    assert [each.get("description") for each in answer["tools"]] == [BROKEN, None]


def test_an_optional_part_of_the_wrong_kind_is_left_away(version: str) -> None:
    """A title that is a number does not make the tool unusable; a hint that is none does not make it harmless."""
    tool = {"name": "a", "inputSchema": EMPTY, "title": 5, "annotations": [], "icons": "x", "description": "Does a."}
    answer = mended(page(tool, version=version), version)
    assert answer["tools"] == [{"name": "a", "inputSchema": EMPTY, "description": "Does a."}]


def test_a_list_by_the_rules_is_not_touched(version: str) -> None:
    """The same object, not a copy."""
    given = page(FINE, version=version)
    assert mended(given, version) is given


def test_a_page_that_is_wrong_elsewhere_is_left_to_the_sdk(version: str) -> None:
    """It says what is wrong with it."""
    given = page(5, version=version) | {"nextCursor": 7}
    assert mended(given, version) is given
