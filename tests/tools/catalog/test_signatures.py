"""Signatures: what a model reads in place of a JSON Schema."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.catalog.argument_outline import outline_of
from tools.catalog.signature_types import Brevity, Definitions, type_of
from tools.catalog.signatures import GOOD_SIGNATURE_CHARS, MAX_SIGNATURE_CHARS, returns_of, signature_of

DEFINITIONS = {"Row": {"type": "object", "properties": {"id": {"type": "string"}}}, "Self": {"$ref": "#/$defs/Self"}}

TYPES: list[tuple[Any, str]] = [
    ({"type": "string"}, "str"),
    ({"type": "integer", "maximum": 100, "minimum": 1}, "int≤100"),
    ({"type": "integer", "minimum": 5, "maximum": 9.0}, "int 5..9"),
    ({"type": "number", "minimum": 0.5}, "float≥0.5"),
    ({"type": "boolean", "default": False}, "bool"),
    ({"type": "string", "format": "date-time"}, "datetime"),
    ({"enum": ["a", "b"], "default": "a"}, '"a"|"b"'),
    ({"enum": list("abcdefg")}, '"a"|"b"|"c"|"d"|"e"|"f"|"g"'),
    ({"enum": [f"option{number}" for number in range(9)]}, '"option0"|"option1"|"option2"|"option3"|…+5'),
    ({"type": ["string", "null"]}, "str"),
    ({"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]}, "str|int"),
    ({"type": "array", "items": {"type": "integer"}}, "int[]"),
    ({"type": "array", "items": {"enum": ["a", "b"]}}, '("a"|"b")[]'),
    ({"type": "object", "properties": {"b": {}, "a": {}}, "required": ["a"]}, "{a: any, b?: any}"),
    ({"type": "object"}, "object"),
    ({"$ref": "#/$defs/Row"}, "{id?: str}"),
    ({"$ref": "#/$defs/Self"}, "any"),
    ({"allOf": [{"$ref": "#/$defs/Row"}]}, "{id?: str}"),
    ({"allOf": [{"$ref": "#/$defs/Row"}, {"required": ["id"]}]}, "{id: str}"),
    ({"type": "object", "additionalProperties": {"type": "integer"}}, "{[key]: int}"),
    ({"type": "array", "items": {"oneOf": [{"type": "string"}, {"$ref": "#/$defs/Row"}]}}, "(str|{id?: str})[]"),
    ({"type": ["array", "string"], "items": {"type": "boolean"}}, "bool[]|str"),
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


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "description": "Amount in cents."}, "int (cents)"),
        ({"type": "integer", "description": "In the smallest denomination of the currency, cents for USD"}, "int (smallest currency unit)"),
        ({"type": "integer", "description": "The start of the range, as a Unix timestamp."}, "int (Unix seconds)"),
        ({"type": "integer", "description": "Milliseconds since the Unix epoch"}, "int (Unix ms)"),
        ({"type": "integer", "format": "unix-time"}, "int (Unix seconds)"),
        ({"type": "integer", "description": "How long to wait, in milliseconds"}, "int (ms)"),
        ({"type": "integer", "description": "Size of the file in bytes"}, "int (bytes)"),
        ({"type": "number", "description": "The share, as a percentage"}, "float (percent)"),
        ({"type": "number", "x-unit": "kg"}, "float (kg)"),
        ({"type": "string", "description": "Three-letter ISO 4217 code"}, "str (ISO 4217)"),
        ({"type": "string", "description": "The number in E.164 format"}, "str (E.164)"),
        ({"type": "array", "items": {"type": "integer", "description": "in cents"}}, "int[] (cents)"),
        ({"type": "string", "format": "date-time", "description": "An ISO 8601 time"}, "datetime"),
        ({"type": "string", "description": "What it percents"}, "str"),
    ],
)
def test_a_unit_that_a_document_names_stands_beside_the_type(schema: Any, words: str) -> None:
    """agent.md, F15: a refund of 5.00 is 500."""
    assert type_of(schema, Definitions({})) == words


def test_three_levels_are_shown_with_what_is_required_first() -> None:
    """agent.md, F4: shapes were invisible until detail=full."""
    address = {"type": "object", "properties": {"name": {"type": "string"}, "email": {"type": "string"}}, "required": ["email"]}
    person = {"type": "object", "properties": {"to": {"type": "array", "items": address}}, "required": ["to"]}
    schema = {"properties": {"people": {"type": "array", "items": person}}, "required": ["people"]}
    assert signature_of("mail.send", schema, "") == "mail.send(people: {to: {email: str, name?: str}[]}[])"


def test_what_a_request_is_about_stands_before_other_options_and_common_ones_are_counted() -> None:
    """agent.md, F4 and F16: `…+1 optional` was the invoices themselves; opt_pretty stood everywhere."""
    properties = {name: {"type": "string"} for name in ("x_reason", "pretty", "page", "Invoices")}
    signature = signature_of("x.invoices.update", {"properties": properties}, "", {"Invoices"}, {"x_reason"}, {"pretty"})
    assert signature == "x.invoices.update(Invoices?: str, page?: str, x_reason?: str, …+1 optional)"


def test_parts_that_are_made_for_a_moment_are_not_taken_for_others() -> None:
    """Words are remembered by the identity of a part; several types of one value are looked at in turn."""
    properties = {f"p{number}": {"type": ["integer" if number % 2 else "string", "null"]} for number in range(40)}
    outline = outline_of({"properties": properties}, 2_000)
    assert outline.splitlines() == [f"p{number}?: {'int' if number % 2 else 'str'}" for number in range(40)]


def test_an_outline_has_a_line_for_each_member_and_counts_what_it_leaves_out() -> None:
    """detail=full: within its room, descriptions by their first sentence."""
    inner = {"type": "object", "properties": {"id": {"type": "string", "description": "**Its** id. More."}}, "required": ["id"]}
    schema = {"properties": {"a": {"type": "array", "items": inner}, "b": {"type": "string"}}, "required": ["b"]}
    assert outline_of(schema, 500) == "b: str\na?: object[]\n  id: str · Its id"
    wide = {"properties": {f"argument_{number}": {"type": "string"} for number in range(500)}}
    outline = outline_of(wide, 300)
    assert len(outline) <= 300
    assert "…+" in outline.splitlines()[-1]


ROW = {"type": "object", "properties": {f"member_number_{n}": {} for n in range(9)}}
COLOURS = {"enum": [f"a rather long colour {number}" for number in range(9)]}
ANSWER = "{" + ", ".join(f"member_of_the_answer_{number}" for number in range(8)) + ", …}"


def test_a_signature_stays_short_and_never_hides_what_is_required() -> None:
    """What is left out is counted."""
    properties = {f"argument_{number}": ROW for number in range(40)}
    signature = signature_of("a.b.create", {"properties": properties, "required": ["argument_39"]}, "{id}")
    assert len(signature) <= GOOD_SIGNATURE_CHARS
    assert signature.startswith("a.b.create(argument_39: {…+9}, argument_0?: {…+9}")
    assert signature.endswith("…+31 optional) -> {id}")


@pytest.mark.parametrize("required", [0, 5, 10])
@pytest.mark.parametrize("schema", [ROW, COLOURS, {"type": "string"}])
def test_a_signature_is_long_only_for_what_is_required(schema: Any, required: int) -> None:
    """Every required argument with its type and some of the answer stay, whatever there is."""
    properties = {f"argument_number_{number}": schema for number in range(20)}
    names = list(properties)[:required]
    signature = signature_of("api.things.create", {"properties": properties, "required": names}, ANSWER)
    assert len(signature) <= MAX_SIGNATURE_CHARS
    assert all(f"{name}: " in signature for name in names)
    assert "optional) -> {member_of_the_answer_0, member_of_the_answer_1, " in signature


@given(
    st.recursive(
        st.sampled_from([{"type": "string"}, {"type": "integer"}]),
        lambda inner: st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), inner, min_size=1, max_size=4).map(
            lambda members: {"type": "object", "properties": members, "required": sorted(members)[:2]}
        ),
        max_leaves=30,
    )
)
def test_what_is_required_is_visible_to_three_levels(schema: Any) -> None:
    """Unless the limit forces otherwise; and it is never longer than the limit."""
    signature = signature_of("x.y", {"properties": {"body": schema}, "required": ["body"]}, "")
    whole = type_of(schema, Definitions({}), Brevity(3, 0, 0, 2))
    assert len(signature) <= MAX_SIGNATURE_CHARS
    assert [name for name in ("a: ", "b: ", "c: ", "d: ") if signature.count(name) < whole.count(name)] == []


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
