"""Texts of documents on their way to a signature, a fault or a terminal: nothing in them that nobody sees."""

import dataclasses
import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.commands.rows import print_rows
from server.commands.terminal import say
from server.observability.log_lines import EventFormatter
from tools.catalog.signatures import signature_of
from tools.dispatch.arguments import Validators
from tools.json_schema.json_equal import holds, same
from tools.operation import Operation
from tools.plain_text import has_unseen, visible, written_out
from tools.sources.openapi.import_document import import_document

BAD = "a\x1b[31mred\x1b[0m\u202ereversed\u200bnothing\nline\u2028\ud800x\U000e0041"


def hostile() -> Operation:
    parameters: list[dict[str, Any]] = [
        {"name": f"q{BAD}", "in": "query", "example": BAD, "schema": {"type": "string", "default": BAD, "title": BAD, "description": BAD}},
        {"name": "kind", "in": "query", "schema": {"type": "string", "enum": [f"v{BAD}", "ok"]}},
        {"name": "fixed", "in": "query", "schema": {"const": BAD}},
        {"name": "f", "in": "query", "schema": {"type": "string", "format": BAD}},
    ]
    schema = {
        "type": "object",
        "required": [f"m{BAD}"],
        "properties": {f"m{BAD}": {"type": "string"}, "n": {"type": "object", "properties": {BAD: {}}}},
    }
    node: dict[str, Any] = {"operationId": BAD, "summary": BAD, "description": BAD, "tags": [BAD], "parameters": parameters}
    node["requestBody"] = {"content": {"application/json": {"schema": schema, "example": {f"m{BAD}": BAD}}}}
    node["responses"] = {
        "200": {"description": BAD, "content": {"application/json": {"schema": {"properties": {BAD: {"description": BAD}}}}}}
    }
    node["security"] = [{"s": [BAD]}]
    scheme = {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://a.example/t", "scopes": {BAD: BAD}}}}
    document = {
        "openapi": "3.1.0", "info": {"title": BAD}, "servers": [{"url": "https://a.example"}], "paths": {f"/x{BAD}": {"post": node}},
        "components": {"securitySchemes": {"s": scheme}},
    }  # fmt: skip
    (operation,) = import_document(json.dumps(document).encode(), provider="x", tenant_id=None, location="d.json").operations
    return operation


SHOWN = ("id", "title", "summary", "description", "signature", "returns", "tags", "example", "connection_scopes")


def is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return not has_unseen(value) and "\n" not in value
    if isinstance(value, dict):
        return all(is_plain(name) and is_plain(each) for name, each in value.items())
    return all(map(is_plain, value)) if isinstance(value, list | tuple | frozenset) else True


def test_what_is_shown_of_an_operation_has_no_unseen_characters() -> None:
    operation = hostile()
    shown = {field.name: getattr(operation, field.name) for field in dataclasses.fields(operation) if field.name in SHOWN}
    assert all(is_plain(value) for value in shown.values()), shown
    assert all(is_plain(name) for name in operation.input_schema["properties"])


def test_an_option_is_shown_in_escapes_and_sent_as_it_is() -> None:
    operation = hostile()
    assert "\\u202e" in operation.signature
    assert operation.input_schema["properties"]["kind"]["enum"][0].startswith("va\x1b[31m")


def test_a_fault_has_no_unseen_characters() -> None:
    operation = hostile()
    for arguments in ({BAD: 1}, {"kind": f"w{BAD}"}, {"fixed": BAD + "x"}, {"f": 1}, {"n": {BAD + "y": 1}, "kind": 7}, {}):
        refusal = Validators().refusal(operation, arguments)
        assert refusal is None or is_plain([refusal.message, refusal.hint, refusal.faults]), refusal


def test_the_signature_of_any_schema_is_one_plain_line() -> None:
    """MCP servers' argument names are theirs; nobody can rename them."""
    signature = signature_of("x.y", {"properties": {BAD: {"type": "string", "enum": [BAD]}}, "required": [BAD]}, "")
    assert is_plain(signature)


@given(st.text(st.characters(codec=None)))
def test_text_written_out_is_plain_and_can_be_given_back(text: str) -> None:
    out = written_out(text)
    assert not has_unseen(out)
    assert not set("\r\n\t") & set(out)
    if "\\" not in text and '"' not in text:
        assert json.loads(f'"{out}"') == text


@given(st.text(st.characters(codec=None)))
def test_visible_text_has_nothing_unseen(text: str) -> None:
    assert not has_unseen(visible(text))


def test_a_terminal_gets_text_and_no_commands(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"skipped {BAD}")
    print_rows([{"operation": "[bold]x[/nonsense] \x1b]0;title\x07"}], as_json=False, empty="")
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "[bold]x[/nonsense]" in out
    assert "\u202e" not in out


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (1, True, False), (0, False, False), (1, 1.0, True), ([1], [True], False), ({"a": [0]}, {"a": [False]}, False),
        ({"a": 1.0}, {"a": 1}, True), ("a", "a", True), (None, None, True), ([1], [1, 2], False), (True, True, True),
    ],
)  # fmt: skip
def test_values_are_equal_as_json_has_it(one: Any, other: Any, expected: bool) -> None:
    """JSON Schema 2020-12 §4.2.2."""
    assert same(one, other) is expected
    assert holds([other], one) is expected


def test_branches_that_differ_by_true_and_one_are_told_apart() -> None:
    branches = [{"type": "object", "properties": {"on": {"enum": [option]}}, "required": ["on"]} for option in (1, True)]
    content = {"application/json": {"schema": {"type": "object", "properties": {"it": {"oneOf": branches}}}}}
    paths = {"/s": {"post": {"requestBody": {"content": content}, "responses": {}}}}
    document = {"openapi": "3.1.0", "info": {}, "servers": [{"url": "https://a.example"}], "paths": paths}
    (operation,) = import_document(json.dumps(document).encode(), provider="x", tenant_id=None, location="d.json").operations
    assert "oneOf" in operation.input_schema["properties"]["it"]
    for value, fits in ((1, True), (True, True), (1.0, True), (2, False), (False, False)):
        assert (Validators().refusal(operation, {"it": {"on": value}}) is None) is fits


def test_a_log_line_is_one_line_without_unseen_characters() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, f"event {BAD}", (), None)
    record.facts = {"title": BAD, "plain": "word", "bidi": "a\u202eb"}
    line = EventFormatter(as_json=False).format(record)
    assert is_plain(line)
    assert "plain=word" in line
    assert "\ud800" not in EventFormatter(as_json=True).format(record)
