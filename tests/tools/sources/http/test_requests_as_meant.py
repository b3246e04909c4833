"""Requests written as their documents mean them: parameters by style and place, numbers everywhere, bodies of several kinds."""

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from tests.tools.sources.http.test_bodies import PNG, media_type_of, operation_of, parts_of, sent
from tests.tools.sources.http.test_written import header, operation_with
from tools.dispatch.arguments import Validators
from tools.operation import Json
from tools.sources.http.credentials import NO_AUTH_PARAMETERS
from tools.sources.http.parameter_styles import UnfitArgument
from tools.sources.http.request_plan import BuiltRequest, RequestPlan

TEXT, INTEGER = {"type": "string"}, {"type": "integer"}
LIST, MAP = {"type": "array", "items": TEXT}, {"type": "object", "additionalProperties": TEXT}
NUMBERS = {"type": "array", "items": INTEGER}
NULLABLE = {"type": ["string", "null"]}
FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
COLOURS, RGB = ["blue", "black"], {"R": "100", "G": "200"}


def built(parameters: list[dict[str, Any]], arguments: dict[str, Json], path: str = "/s", **root: Any) -> BuiltRequest:
    operation = operation_with(parameters, path, **root)
    refusal = Validators().refusal(operation, arguments)
    assert refusal is None, refusal.message
    return RequestPlan(operation.binding, lambda: "limit", operation.input_schema).build(arguments, {}, NO_AUTH_PARAMETERS)


def target(*arguments: Any, **root: Any) -> str:
    return built(*arguments, **root).url.removeprefix("https://a.example")


@pytest.mark.parametrize(
    ("schema", "style", "explode", "value", "written"),
    [
        (LIST, "simple", False, COLOURS, "blue,black"),
        (MAP, "simple", True, RGB, "R=100,G=200"),
        (LIST, "label", True, COLOURS, ".blue.black"),
        (LIST, "label", False, COLOURS, ".blue,black"),
        (MAP, "label", True, RGB, ".R=100.G=200"),
        (LIST, "matrix", False, COLOURS, ";c=blue,black"),
        (LIST, "matrix", True, ["a", ""], ";c=a;c"),
        (MAP, "matrix", True, {"R": "", "G": "2"}, ";R;G=2"),
        (MAP, "matrix", False, RGB, ";c=R,100,G,200"),
        (INTEGER, "simple", False, 5.0, "5"),
        (TEXT, "simple", False, "../x", "..%2Fx"),
        (TEXT, "simple", False, "a?b#c", "a%3Fb%23c"),
        (TEXT, "simple", False, "ü%2F", "%C3%BC%252F"),
    ],
)
def test_a_path_is_written_by_its_style(schema: dict[str, Any], style: str, explode: bool, value: Json, written: str) -> None:
    """OpenAPI 3.1 §4.8.12.2, RFC 6570 §3.2; an empty value of a matrix has no equals sign (§3.2.7)."""
    parameter = {"name": "c", "in": "path", "required": True, "schema": schema, "style": style, "explode": explode}
    assert target([parameter], {"c": value}, "/s/{c}") == f"/s/{written}"


@pytest.mark.parametrize(
    ("more", "value", "written"),
    [
        ({"schema": LIST}, [], ""),
        ({"schema": TEXT}, "", "?q="),
        ({"schema": TEXT}, "+1 2", "?q=%2B1%202"),
        ({"schema": NULLABLE}, None, ""),
        ({"schema": {"type": ["array", "null"], "items": TEXT}, "style": "pipeDelimited", "explode": False}, None, ""),
        ({"schema": LIST, "explode": False}, ["a,b", "c"], "?q=a%2Cb,c"),
        ({"schema": MAP, "style": "pipeDelimited", "explode": False}, RGB, "?q=R%7C100%7CG%7C200"),
        ({"schema": MAP, "style": "deepObject"}, RGB, "?q%5BR%5D=100&q%5BG%5D=200"),
        ({"schema": TEXT, "allowReserved": True}, "a/b:c?d@e", "?q=a/b:c?d@e"),
        ({"schema": TEXT, "allowReserved": True}, "a%2Fb%zz", "?q=a%2Fb%25zz"),
        ({"schema": TEXT, "allowReserved": True}, "a&b=c+d#e", "?q=a%26b%3Dc%2Bd%23e"),
        ({"schema": NUMBERS, "explode": False}, [1.0, 2.0], "?q=1,2"),
        ({"schema": INTEGER}, -0.0, "?q=0"),
        ({"schema": {"type": "number"}}, 0.1, "?q=0.1"),
        ({"content": {"application/json": {"schema": NUMBERS}}}, [1.0, 2], "?q=%5B1%2C2%5D"),
        ({"content": {FORM: {"schema": MAP}}}, RGB, "?q=R%3D100%26G%3D200"),
    ],
)
def test_a_query_is_written_by_its_style(more: dict[str, Any], value: Json, written: str) -> None:
    """RFC 6570 §2.3: null is undefined, so it is left out; OpenAPI 3.1.1 §4.8.12: allowReserved lets encoded triples pass."""
    assert target([{"name": "q", "in": "query", **more}], {"q": value}) == f"/s{written}"


@pytest.mark.parametrize(
    ("place", "more", "value", "written"),
    [
        ("header", {"schema": LIST}, ["a", "b"], "a,b"),
        ("header", {"schema": MAP, "explode": True}, RGB, "R=100,G=200"),
        ("header", {"schema": INTEGER}, 5.0, "5"),
        ("header", {"content": {"application/json": {"schema": MAP}}}, {"path": "/ü"}, '{"path":"/\\u00fc"}'),
        ("header", {"content": {"application/json": {"schema": NUMBERS}}}, [1.0], "[1]"),
        ("cookie", {"schema": LIST}, ["a", "b"], "c=a; c=b"),
        ("cookie", {"schema": LIST, "explode": False}, ["a", "b"], "c=a,b"),
        ("cookie", {"schema": TEXT}, "a;b", "c=a%3Bb"),
    ],
)
def test_headers_and_cookies_are_written_by_their_style(place: str, more: dict[str, Any], value: Json, written: str) -> None:
    """RFC 9110 §5.5: a field is ASCII, so JSON in it is written in escapes, as Dropbox wants it."""
    assert header(built([{"name": "c", "in": place, **more}], {"c": value}), "c" if place == "header" else "Cookie") == written


@pytest.mark.parametrize("place", ["header", "cookie"])
def test_null_sends_no_header_and_no_cookie(place: str) -> None:
    request = built([{"name": "c", "in": place, "schema": NULLABLE}], {"c": None})
    assert {"c", "Cookie"}.isdisjoint(dict(request.headers))


@pytest.mark.parametrize(
    ("path", "version", "written"),
    [
        ("/v1/{+c}", "3.0.3", "/v1/projects/p%3F/x"),
        ("/v1/{c}", "3.2.0", "/v1/projects/p%3F/x"),
        ("/v1/{c}", "3.1.0", "/v1/projects%2Fp%3F%2Fx"),
    ],
)
def test_a_path_of_several_segments_goes_out_where_the_document_allows_it(path: str, version: str, written: str) -> None:
    """OpenAPI 3.2, allowReserved in a path; RFC 6570 §3.2.3, `{+name}`, as Google's documents have it."""
    parameter = {"name": "c", "in": "path", "required": True, "schema": TEXT, "allowReserved": True}
    assert target([parameter], {"c": "projects/p?/x"}, path, openapi=version) == written


@pytest.mark.parametrize("value", ["a/../b", "..", "a//b", "%2e%2e/b", "a/.", "a/%2E", "/a"])
def test_no_segment_of_such_a_path_leads_elsewhere(value: str) -> None:
    parameter = {"name": "c", "in": "path", "required": True, "schema": TEXT}
    with pytest.raises(UnfitArgument, match="part of the path"):
        built([parameter], {"c": value}, "/v1/{+c}")


def of(members: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": dict(members)}


INNER = of({"k": INTEGER})


@pytest.mark.parametrize(
    ("schema", "value", "written"),
    [
        (of({"n": {"type": "integer", "enum": [1, 5]}}), {"n": 5.0}, b'{"n":5}'),
        (of({"n": {"enum": [1, 5]}}), {"n": 5.0}, b'{"n":5}'),
        (of({"n": {"const": 5}}), {"n": 5.0}, b'{"n":5}'),
        (of({"n": {"type": "number", "format": "int64"}}), {"n": 5.0}, b'{"n":5}'),
        (of({"n": {"type": "number", "multipleOf": 1}}), {"n": 5.0}, b'{"n":5}'),
        (of({"n": {"type": "number"}}), {"n": 5.0}, b'{"n":5.0}'),
        (of({"n": {"type": ["integer", "null"]}}), {"n": None}, b'{"n":null}'),
        (of({"o": {"patternProperties": {"^x": INTEGER}}}), {"o": {"x": 5.0}}, b'{"o":{"x":5}}'),
        (of({"o": {"if": {}, "then": INNER}}), {"o": {"k": 5.0}}, b'{"o":{"k":5}}'),
        (of({"o": {"type": "array", "prefixItems": [INTEGER, TEXT]}}), {"o": [5.0, "a"]}, b'{"o":[5,"a"]}'),
        (of({"o": {"additionalProperties": INTEGER}}), {"o": {"x": 5.0}}, b'{"o":{"x":5}}'),
        (of({"n": {"type": "array", "uniqueItems": True}}), {"n": [1, True, 0, False]}, b'{"n":[1,true,0,false]}'),
        (of({"n": INTEGER}), {"n": str(2**70)}, b'{"n":1180591620717411303424}'),
    ],
)
def test_a_whole_number_goes_out_whole_wherever_the_schema_says_so(schema: dict[str, Any], value: dict[str, Json], written: bytes) -> None:
    """JSON Schema 2020-12 validation §6.1.1: 5.0 is an integer; a fraction-less number stays as it was given."""
    assert sent(operation_of({"application/json": {"schema": schema}}), value).body == written


@pytest.mark.parametrize("value", [True, 5.5])
@pytest.mark.parametrize("schema", [INTEGER, {"enum": [1]}, {"const": 1}, {"type": "number", "multipleOf": 1, "maximum": 1}])
def test_neither_a_boolean_nor_a_fraction_is_a_whole_number(schema: dict[str, Any], value: Json) -> None:
    assert Validators().refusal(operation_of({"application/json": {"schema": of({"n": schema})}}), {"n": value}) is not None


@pytest.mark.parametrize(
    ("encoding", "value", "written"),
    [
        ({}, {"o": {"k": 1.0}}, b"o=%7B%22k%22%3A1%7D"),
        ({"o": {"style": "deepObject", "explode": True}}, {"o": {"k": 1.0}}, b"o%5Bk%5D=1"),
        ({"l": {"contentType": "application/json"}}, {"l": ["a"]}, b"l=%5B%22a%22%5D"),
        ({"l": {"style": "pipeDelimited", "explode": False}}, {"l": ["a", "b"]}, b"l=a%7Cb"),
        ({}, {"m": None, "l": ["a", "b"]}, b"l=a&l=b&m="),
    ],
)
def test_a_form_is_written_by_its_encoding(encoding: dict[str, Any], value: dict[str, Json], written: bytes) -> None:
    """OpenAPI 3.1 §4.8.15.1."""
    schema = of({"o": INNER, "l": LIST, "m": NULLABLE})
    assert sent(operation_of({FORM: {"schema": schema, "encoding": encoding}}), value).body == written


def test_numbers_within_the_parts_of_a_multipart_are_whole() -> None:
    parts = parts_of(sent(operation_of({MULTIPART: {"schema": of({"n": INTEGER, "o": INNER})}}), {"n": 5.0, "o": {"k": 6.0}}))
    assert (parts["n"].get_payload(), parts["o"].get_payload()) == ("5", '{"k":6}')


@pytest.mark.parametrize(
    "media", [{"itemSchema": INNER}, {"schema": {"type": "array", "items": INNER}}, {"schema": INNER}], ids=["3.2", "the list", "one line"]
)
@pytest.mark.parametrize("media_type", ["application/x-ndjson", "application/jsonl"])
def test_lines_of_json_are_given_as_a_list(media_type: str, media: dict[str, Any]) -> None:
    """Bulk interfaces, before and after OpenAPI 3.2 gave them a keyword."""
    request = sent(operation_of({media_type: media}, version="3.2.0"), {"body": [{"k": 1.0}, {"k": 2}]})
    assert (media_type_of(request), request.body) == (media_type, b'{"k":1}\n{"k":2}\n')


def test_a_body_that_is_a_choice_of_objects_takes_files() -> None:
    """Discord's webhooks: what a message needs at least is a choice, and each choice may have files."""
    message = of({"content": TEXT, "files[0]": {"type": "string", "contentEncoding": "binary"}})
    with_embeds = {"allOf": [message, {**of({"embeds": {"type": "array", "items": {"type": "object"}}}), "required": ["embeds"]}]}
    choice = {"anyOf": [{**message, "required": ["content"]}, with_embeds]}
    operation = operation_of({"application/json": {"schema": of({"content": TEXT})}, MULTIPART: {"schema": choice}})
    assert media_type_of(sent(operation, {"content": "hi"})) == "application/json"
    file: Json = {"base64": base64.b64encode(PNG).decode(), "filename": "a.png"}
    parts = parts_of(sent(operation, {"content": "hi", "files[0]": file}))
    assert (parts["content"].get_payload(), parts["files[0]"].get_payload(decode=True), parts["files[0]"].get_filename()) == (
        "hi",
        PNG,
        "a.png",
    )
    only = operation_of({MULTIPART: {"schema": choice}})
    assert Validators().refusal(only, {"files[0]": file}) is not None
    assert Validators().refusal(only, {"embeds": [], "files[0]": file}) is None
