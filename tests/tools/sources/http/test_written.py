"""Parameters in a request, written as their document says: media types, collection formats, numbers."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.tools.sources.http.test_bodies import operation_of, sent
from tools.dispatch.arguments import Validators
from tools.operation import Json, Operation
from tools.sources.http.credentials import NO_AUTH_PARAMETERS
from tools.sources.http.request_plan import BuiltRequest, RequestPlan
from tools.sources.openapi.import_document import import_document


def operation_with(parameters: Sequence[Mapping[str, Any]], path: str = "/s", **root: Any) -> Operation:
    whole = {"openapi": "3.1.0", "info": {}, "servers": [{"url": "https://a.example"}]} | root
    whole["paths"] = {path: {"get": {"parameters": parameters, "responses": {}}}}
    (operation,) = import_document(json.dumps(whole).encode(), provider="api", tenant_id=None, location="d.json").operations
    return operation


def swagger_with(parameters: Sequence[Mapping[str, Any]], path: str = "/s", **node: Any) -> Operation:
    paths = {path: {"post": {"parameters": parameters, "responses": {}, **node}}}
    whole = {"swagger": "2.0", "info": {}, "host": "a.example", "paths": paths}
    (operation,) = import_document(json.dumps(whole).encode(), provider="api", tenant_id=None, location="d.json").operations
    return operation


def written(operation: Operation, arguments: dict[str, Json]) -> BuiltRequest:
    refusal = Validators().refusal(operation, arguments)
    assert refusal is None, refusal.message
    return RequestPlan(operation.binding, lambda: "limit").build(arguments, {}, NO_AUTH_PARAMETERS)


def header(request: BuiltRequest, name: str) -> str:
    return dict(request.headers)[name]


def content(media_type: str, place: str, name: str = "t", schema: Mapping[str, Any] = {"type": "string"}) -> dict[str, Any]:
    return {"name": name, "in": place, "required": place == "path", "content": {media_type: {"schema": schema}}}


def test_plain_text_content_is_the_text_itself_in_every_place() -> None:
    """OpenAPI 3.1 §4.8.12, `content`: the media type says how the value is written; only JSON has quotes."""
    places = [content("text/plain", place, f"{place[0]}x") for place in ("query", "header", "path", "cookie")]
    request = written(operation_with(places, "/s/{px}"), {"qx": "two words", "hx": "a b", "px": "a/b", "cx": "c d"})
    assert request.url == "https://a.example/s/a%2Fb?qx=two%20words"
    assert (header(request, "hx"), header(request, "Cookie")) == ("a b", "cx=c%20d")


def test_json_content_is_json_in_every_place() -> None:
    places = [content("application/json", place, f"{place[0]}x", {}) for place in ("query", "header", "path", "cookie")]
    request = written(operation_with(places, "/s/{px}"), {"qx": {"a": 1}, "hx": "b", "px": [1], "cx": True})
    assert request.url == "https://a.example/s/%5B1%5D?qx=%7B%22a%22%3A1%7D"
    assert (header(request, "hx"), header(request, "Cookie")) == ('"b"', "cx=true")


@pytest.mark.parametrize(
    ("how", "in_query", "in_header"),
    [("csv", "a,b", "a,b"), ("ssv", "a%20b", "a b"), ("tsv", "a%09b", "a\tb"), ("pipes", "a%7Cb", "a|b"), (None, "a,b", "a,b")],
)
def test_a_collection_format_holds_in_every_place(how: str | None, in_query: str, in_header: str) -> None:
    """Swagger 2.0, Parameter Object, collectionFormat."""
    parameters = [
        {"name": name, "in": place, "required": place == "path", "type": "array", "items": {"type": "string"}}
        | ({"collectionFormat": how} if how else {})
        for name, place in (("i", "path"), ("q", "query"), ("X-H", "header"), ("f", "formData"))
    ]
    request = written(swagger_with(parameters, "/s/{i}"), {name: ["a", "b"] for name in ("i", "q", "x_h", "f")})
    assert request.url == f"https://a.example/s/{in_query}?q={in_query}"
    assert header(request, "X-H") == in_header
    assert request.body == f"f={in_query}".encode()


def test_multi_repeats_the_name_in_query_and_form_and_nowhere_else() -> None:
    parameters = [
        {"name": name, "in": place, "type": "array", "collectionFormat": "multi", "items": {"type": "string"}}
        for name, place in (("q", "query"), ("X-H", "header"), ("f", "formData"))
    ]
    request = written(swagger_with(parameters), {name: ["a", "b"] for name in ("q", "x_h", "f")})
    assert (request.url, header(request, "X-H"), request.body) == ("https://a.example/s?q=a&q=b", "a,b", b"f=a&f=b")


def test_lists_within_a_list_have_a_collection_format_of_their_own() -> None:
    """Swagger 2.0, Items Object: collectionFormat of nested arrays."""
    items = {"type": "array", "collectionFormat": "pipes", "items": {"type": "integer"}}
    parameters = [
        {"name": name, "in": place, "type": "array", "items": items}
        for name, place in (("q", "query"), ("X-H", "header"), ("f", "formData"))
    ]
    request = written(swagger_with(parameters), {name: [[1, 2], [3]] for name in ("q", "x_h", "f")})
    assert (request.url, header(request, "X-H"), request.body) == ("https://a.example/s?q=1%7C2,3", "1|2,3", b"f=1%7C2,3")


def test_a_tab_list_is_tabs_in_a_multipart_form_too() -> None:
    parameters = [{"name": "f", "in": "formData", "type": "array", "collectionFormat": "tsv", "items": {"type": "string"}}]
    request = written(swagger_with(parameters, consumes=["multipart/form-data"]), {"f": ["a", "b"]})
    assert b"\r\n\r\na\tb\r\n" in (request.body or b"")


def test_a_value_that_holds_the_delimiter_is_refused() -> None:
    parameters = [{"name": "X-H", "in": "header", "type": "array", "collectionFormat": "pipes", "items": {"type": "string"}}]
    assert Validators().refusal(swagger_with(parameters), {"x_h": ["a|b"]}) is not None


@pytest.mark.parametrize(
    ("given", "text"), [(5.0, "5"), (1e3, "1000"), (-0.0, "0"), (2.0**53, "9007199254740992"), (5, "5"), (1.5e20, "150000000000000000000")]
)
def test_a_whole_number_is_written_as_an_integer(given: Json, text: str) -> None:
    """JSON Schema 2020-12 validation §6.1.1: any number with a zero fractional part is an integer."""
    whole = {"schema": {"type": "integer"}}
    parameters = [
        {"name": name, "in": place, "required": place == "path", **whole}
        for name, place in (("n", "query"), ("X-N", "header"), ("i", "path"), ("c", "cookie"))
    ]
    request = written(operation_with(parameters, "/s/{i}"), {"n": given, "x_n": given, "i": given, "c": given})
    assert request.url == f"https://a.example/s/{text}?n={text}"
    assert (header(request, "X-N"), header(request, "Cookie")) == (text, f"c={text}")


def test_a_fraction_stays_a_fraction() -> None:
    parameters = [{"name": "n", "in": "query", "schema": {"type": "number"}}]
    assert written(operation_with(parameters), {"n": 1.5}).url.endswith("?n=1.5")


BIG = "12345678901234567890123"


def test_an_integer_beyond_64_bits_is_written_as_text_and_sent_as_the_number() -> None:
    """JSON libraries stop at 64 bits or at 2^53 (RFC 8259 §6); the digits are what is meant."""
    parameters = [{"name": name, "in": place, "schema": {"type": "integer"}} for name, place in (("n", "query"), ("X-N", "header"))]
    request = written(operation_with(parameters), {"n": BIG, "x_n": f"-{BIG}"})
    assert (request.url, header(request, "X-N")) == (f"https://a.example/s?n={BIG}", f"-{BIG}")
    refusal = Validators().refusal(operation_with(parameters), {"n": int(BIG)})
    assert refusal is not None
    assert "arguments.n must be a number within 64 bits; write the digits of a larger integer as text" in refusal.message


@pytest.mark.parametrize("text", ["12", "1e30", "0123456789012345678", "12345678901234567 ", "12345678901234567.0"])
def test_other_text_is_no_integer(text: str) -> None:
    parameters = [{"name": "n", "in": "query", "schema": {"type": "integer"}}]
    assert Validators().refusal(operation_with(parameters), {"n": text}) is not None


BODY: dict[str, Any] = {
    "type": "object",
    "properties": {
        "count": {"type": "integer"},
        "maybe": {"type": ["integer", "null"]},
        "share": {"type": "number"},
        "text": {"type": "string"},
        "either": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        "level": {"enum": [1, 2]},
        "items": {"type": "array", "items": {"$ref": "#/components/schemas/Item"}},
        "map": {"type": "object", "additionalProperties": {"type": "integer"}},
        "any": {},
    },
}
ITEM: dict[str, Any] = {
    "components": {
        "schemas": {"Item": {"type": "object", "properties": {"id": {"type": "integer"}, "next": {"$ref": "#/components/schemas/Item"}}}}
    }
}


def test_a_json_body_has_integers_where_the_schema_says_integer() -> None:
    operation = operation_of({"application/json": {"schema": BODY}}, **ITEM)
    given: dict[str, Json] = {
        "count": 5.0, "maybe": 1e3, "share": 5.0, "text": BIG, "either": BIG, "level": 2.0,
        "items": [{"id": 1e20, "next": {"id": BIG}}], "map": {"a": 2.0}, "any": {"a": 1.0, "b": BIG},
    }  # fmt: skip
    body = (sent(operation, given).body or b"").decode()
    assert body == (
        f'{{"count":5,"maybe":1000,"share":5.0,"text":"{BIG}","either":"{BIG}","level":2,'
        f'"items":[{{"id":100000000000000000000,"next":{{"id":{BIG}}}}}],"map":{{"a":2}},"any":{{"a":1.0,"b":"{BIG}"}}}}'
    )


def test_the_whole_body_in_one_argument_has_its_integers_too() -> None:
    operation = operation_of({"application/json": {"schema": {"type": "array", "items": {"type": "integer"}}}})
    assert sent(operation, {"body": [5.0, BIG, 7]}).body == f"[5,{BIG},7]".encode()


def test_a_boolean_is_no_integer_and_no_option_of_one() -> None:
    """JSON's true is not 1, though Python says that they are equal."""
    operation = operation_of({"application/json": {"schema": BODY}}, **ITEM)
    for given in ({"count": True}, {"level": True}, {"map": {"a": False}}):
        assert Validators().refusal(operation, given) is not None
    assert sent(operation, {"any": [True, 1, 1.0]}).body == b'{"any":[true,1,1.0]}'
