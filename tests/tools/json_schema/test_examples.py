"""Examples that satisfy their own schema."""

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.json_schema.examples import example_of

SCHEMAS: list[dict[str, Any]] = [
    {"type": "string", "pattern": "^(0|[1-9][0-9]*)$"},
    {"type": "string", "pattern": "^AC[0-9a-fA-F]{32}$"},
    {"type": "string", "pattern": r"^\+?[1-9]\d{1,14}$"},
    {"type": "string", "pattern": r"^\d{4}-\d{2}$"},
    {"type": "string", "pattern": "^[a-z]+$", "minLength": 12},
    {"type": "string", "minLength": 9},
    {"type": "string", "maxLength": 2},
    {"type": "string", "format": "uuid"},
    {"type": "integer", "exclusiveMinimum": 3, "multipleOf": 5},
    {"type": "number", "maximum": -2},
    {"type": "integer", "exclusiveMaximum": 0},
    {"type": ["null", "integer"], "minimum": 7},
    {"enum": ["created_at", "priority"]},
    {"type": "array", "items": {"type": "string", "pattern": "^[0-9]+$"}, "minItems": 2},
    {
        "type": "object",
        "properties": {"a": {"type": "object", "properties": {"b": {"$ref": "#/$defs/B"}}, "required": ["b"]}},
        "required": ["a"],
    },
    {"allOf": [{"$ref": "#/$defs/C"}, {"type": "object", "properties": {"d": {"const": 4}}, "required": ["d"]}]},
    {"oneOf": [{"type": "null"}, {"$ref": "#/$defs/B"}]},
    {"type": "object", "properties": {"a": {"type": "boolean"}}, "minProperties": 1},
]
DEFINITIONS: dict[str, Any] = {
    "B": {"type": "integer", "minimum": 10},
    "C": {"type": "object", "properties": {"c": {"type": "string"}}, "required": ["c"]},
}


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_an_example_satisfies_its_own_schema(schema: dict[str, Any]) -> None:
    """agent.md, F8: "text" for a pattern of digits."""
    validator = jsonschema_rs.validator_for({**schema, "$defs": DEFINITIONS}, validate_formats=True)
    assert validator.is_valid(example_of(schema, {"$defs": DEFINITIONS}))


@given(st.text(alphabet="ab1[](){}|?*+^$\\d-.,", max_size=30))
def test_a_text_for_a_pattern_matches_it_or_there_is_none(pattern: str) -> None:
    """Whatever a document holds for a pattern."""
    try:
        validator = jsonschema_rs.validator_for({"pattern": pattern})
    except ValueError:
        return
    made = example_of({"type": "string", "pattern": pattern})
    assert made is None or validator.is_valid(made)


def test_schemas_that_refer_without_end_have_a_small_example() -> None:
    """Ten required members, each of ten required members."""
    node = {
        "type": "object",
        "properties": {f"m{number}": {"$ref": "#/$defs/N"} for number in range(10)},
        "required": [f"m{n}" for n in range(10)],
    }
    assert len(str(example_of(node, {"$defs": {"N": node}}))) < 20_000
