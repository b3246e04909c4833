"""Signatures: what a model reads in place of a JSON Schema."""

from typing import Any

import pytest

from tools.catalog.signatures import LONG_SIGNATURE_CHARS, Definitions, returns_of, signature_of, type_of

DEFINITIONS = {"Row": {"type": "object", "properties": {"id": {"type": "string"}}}, "Self": {"$ref": "#/$defs/Self"}}

TYPES: list[tuple[Any, str]] = [
    ({"type": "string"}, "str"),
    ({"type": "integer", "maximum": 100, "minimum": 1}, "int≤100"),
    ({"type": "integer", "minimum": 5, "maximum": 9.0}, "int 5..9"),
    ({"type": "number", "minimum": 0.5}, "float≥0.5"),
    ({"type": "boolean", "default": False}, "bool=false"),
    ({"type": "string", "format": "date-time"}, "datetime"),
    ({"enum": ["a", "b"], "default": "a"}, '"a"|"b"="a"'),
    ({"enum": [f"option{number}" for number in range(9)]}, '"option0"|"option1"|"option2"|"option3"|"option4"|"option5"|…'),
    ({"type": ["string", "null"]}, "str"),
    ({"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]}, "str|int"),
    ({"type": "array", "items": {"type": "integer"}}, "int[]"),
    ({"type": "array", "items": {"enum": ["a", "b"]}}, '("a"|"b")[]'),
    ({"type": "object", "properties": {"b": {}, "a": {}}, "required": ["a"]}, "{a, b?}"),
    ({"type": "object"}, "object"),
    ({"$ref": "#/$defs/Row"}, "{id?}"),
    ({"$ref": "#/$defs/Self"}, "any"),
    ({"allOf": [{"$ref": "#/$defs/Row"}]}, "{id?}"),
    ({"anyOf": [{"type": "string", "contentEncoding": "base64"}, {"type": "object"}]}, "file"),
    ({"const": "x"}, '"x"'),
    (True, "any"),
    ({}, "any"),
]


@pytest.mark.parametrize(("schema", "words"), TYPES, ids=[words for _, words in TYPES])
def test_a_type_is_said_in_a_few_characters(schema: Any, words: str) -> None:
    """three-tools.md: `limit?: int≤100`."""
    assert type_of(schema, Definitions(DEFINITIONS)) == words


def test_required_arguments_come_first_and_the_answer_last() -> None:
    """three-tools.md: crm.contacts.search(query: str, limit?: int≤100, after?: str) -> {results[], paging}."""
    properties = {"limit": {"type": "integer", "maximum": 100}, "query": {"type": "string"}, "after": {"type": "string"}}
    schema = {"type": "object", "properties": properties, "required": ["query"]}
    answer = {"type": "object", "properties": {"results": {"type": "array", "items": {}}, "paging": {"type": "object"}}}
    wanted = "crm.contacts.search(query: str, limit?: int≤100, after?: str) -> {results[], paging}"
    assert signature_of("crm.contacts.search", schema, returns_of(answer)) == wanted


def test_a_deprecated_option_is_not_shown() -> None:
    """It still works; nobody should begin to use it."""
    schema = {"properties": {"old": {"type": "string", "deprecated": True}, "new": {"type": "string"}}}
    assert signature_of("a.b.get", schema, "") == "a.b.get(new?: str)"


ROW = {"type": "object", "properties": {f"member_number_{n}": {} for n in range(9)}}
COLOURS = {"enum": [f"a rather long colour {number}" for number in range(9)]}
ANSWER = "{" + ", ".join(f"member_of_the_answer_{number}" for number in range(8)) + ", …}"


def test_a_signature_stays_short_and_never_hides_what_is_required() -> None:
    """What is left out is counted."""
    properties = {f"argument_{number}": ROW for number in range(40)}
    signature = signature_of("a.b.create", {"properties": properties, "required": ["argument_39"]}, "{id}")
    assert len(signature) <= LONG_SIGNATURE_CHARS
    assert signature.startswith("a.b.create(argument_39: object, argument_0?: object")
    assert signature.endswith("…+28 optional) -> {id}")


@pytest.mark.parametrize("required", [0, 5, 10])
@pytest.mark.parametrize("schema", [ROW, COLOURS, {"type": "string"}])
def test_no_signature_is_longer_than_300_characters(schema: Any, required: int) -> None:
    """Every required argument and some of the answer stay, whatever there is."""
    properties = {f"argument_number_{number}": schema for number in range(20)}
    names = list(properties)[:required]
    signature = signature_of("api.things.create", {"properties": properties, "required": names}, ANSWER)
    assert len(signature) <= LONG_SIGNATURE_CHARS
    assert all(f"{name}: " in signature or f"{name}," in signature for name in names)
    assert "optional) -> {member_of_the_answer_0, member_of_the_answer_1, " in signature


def test_required_names_that_are_too_many_are_all_there_all_the_same() -> None:
    """Without one of them the call could not be made."""
    properties = {f"an_argument_with_a_long_name_{number}": {"type": "string"} for number in range(20)}
    signature = signature_of("api.things.create", {"properties": properties, "required": list(properties)}, ANSWER)
    assert all(name in signature for name in properties)


def test_the_outline_of_an_answer_merges_what_it_is_composed_of() -> None:
    """allOf reads as one object; a list of objects ends in []."""
    schema = {"type": "array", "items": {"allOf": [{"$ref": "#/$defs/Row"}, {"properties": {"name": {}}}]}, "$defs": DEFINITIONS}
    assert returns_of(schema) == "{id, name}[]"
    assert returns_of(None) == ""
