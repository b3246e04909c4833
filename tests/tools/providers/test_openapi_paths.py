"""Paths, servers and parameters as documents in the wild write them."""

from typing import Any

import pytest

from tests.tools.providers.test_openapi_import import OK, accepts, only
from tools.operation import Operation
from tools.providers.openapi_credentials import MASKED, NO_PROOFS, proofs_of
from tools.providers.openapi_paths import plain_path, query_names_of
from tools.providers.openapi_plan import RequestPlan


def get(path: str, *parameters: Any, **root: Any) -> Operation:
    return only({path: {"get": {"parameters": list(parameters), "responses": OK}}}, **root)


def url(operation: Operation, arguments: dict[str, Any]) -> str:
    return RequestPlan(operation.binding).build(arguments, {}, NO_PROOFS).url


def parameter(name: str, place: str = "query", **fields: Any) -> dict[str, Any]:
    return {"name": name, "in": place, "schema": {"type": "string"}, **fields}


@pytest.mark.parametrize(
    ("path", "path_names", "query_names", "wanted"),
    [
        ("/a/{id}{.format}", ["id"], [], "/a/{id}.{format}"),
        ("/a{/rest}/{+path}", [], [], "/a/{rest}/{path}"),
        ("/a/{id:[0-9]+}/{rest*}", ["id"], [], "/a/{id}/{rest}"),
        ("/a/{id:[0-9]+}", ["id:[0-9]+"], [], "/a/{id:[0-9]+}"),
        ("/a{?limit,after*}", [], [], "/a"),
        ("/hooks/:id/:other", ["id"], [], "/hooks/{id}/:other"),
        ("/s?q={q}&kind=all", [], ["q"], "/s?kind=all"),
        ("/s?q={q}", ["q"], [], "/s?q={q}"),
        ("/files/{id}#copy", ["id"], [], "/files/{id}#copy"),
    ],
)
def test_a_path_is_read_whatever_template_it_is_written_in(path: str, path_names: list[str], query_names: list[str], wanted: str) -> None:
    """RFC 6570 §3.2 and the habits of web frameworks."""
    assert plain_path(path, path_names, query_names) == wanted


def test_parameters_that_only_the_path_tells_of_are_arguments() -> None:
    """RFC 6570 §3.2.8: {?limit,after}."""
    operation = get("/items{?limit,after}", parameter("limit"))
    assert query_names_of("/items{?limit,after}") == ["limit", "after"]
    assert list(operation.input_schema["properties"]) == ["limit", "after"]
    assert url(operation, {"after": "x y"}) == "https://api.example.com/items?after=x%20y"


def test_a_placeholder_in_the_query_of_a_path_is_filled() -> None:
    """Documents tell operations of one path apart by what stands in its query."""
    operation = get("/weather?lat={lat}&units=si", parameter("lat", "path", required=True), parameter("day"))
    assert url(operation, {"lat": "4&5", "day": "1"}) == "https://api.example.com/weather?lat=4%265&units=si&day=1"


def test_a_query_parameter_that_the_path_repeats_is_written_once() -> None:
    """`/search?q={q}` with `q` declared as a query parameter."""
    operation = get("/search?q={q}", parameter("q", required=True))
    assert url(operation, {"q": "a"}) == "https://api.example.com/search?q=a"


@pytest.mark.parametrize("place", ["query", "header", "cookie"])
def test_a_key_that_is_declared_as_a_parameter_too_is_no_argument(place: str) -> None:
    """The connection writes it, once."""
    schemes = {"Key": {"type": "apiKey", "in": place, "name": "X-Key"}, "Again": {"type": "apiKey", "in": place, "name": "X-Key"}}
    root = {"components": {"securitySchemes": schemes}, "security": [{"Key": [], "Again": []}]}
    operation = get("/items", parameter("x-key", place, required=True), **root)
    assert operation.input_schema["properties"] == {}
    proofs = proofs_of(operation.binding, MASKED)
    assert len([*proofs.query, *proofs.headers, *proofs.cookies]) == 1


@pytest.mark.parametrize("name", ["", "My Header", "Content-Length", "Host", "Content-Encoding"])
def test_a_header_that_a_caller_cannot_send_is_no_argument(name: str) -> None:
    """RFC 9110 §5.1 and §6.6: names of tokens only; framing is the connection's."""
    operation = get("/items", parameter(name, "header"), parameter("Prefer", "header"))
    assert list(operation.input_schema["properties"]) == ["prefer"]


def test_a_required_list_or_object_in_a_query_cannot_be_empty() -> None:
    """Written out, an empty one leaves nothing in the request (OpenAPI 3.1 §4.8.12.3)."""
    tags = parameter("tags", required=True, schema={"type": "array", "items": {"type": "string"}})
    operation = get("/items", tags, parameter("more", schema={"type": "array", "items": {"type": "string"}}))
    assert not accepts(operation, {"tags": []})
    assert accepts(operation, {"tags": ["a"], "more": []})


def test_a_multipart_body_that_must_be_there_needs_its_only_file() -> None:
    """RFC 2046 §5.1.1: at least one part."""
    schema = {"type": "object", "properties": {"archive": {"type": "string", "format": "binary"}, "overwrite": {"type": "boolean"}}}
    body = {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    operation = only({"/imports": {"post": {"requestBody": body, "responses": OK}}})
    assert operation.input_schema["required"] == ["archive"]


def test_a_multipart_body_without_a_field_takes_a_file() -> None:
    """Documents describe the form as if it were the file itself."""
    body = {"required": True, "content": {"multipart/form-data": {"schema": {"type": "string", "format": "binary"}}}}
    operation = only({"/imports": {"post": {"requestBody": body, "responses": OK}}})
    assert operation.binding["body"]["files"] == {"file": "one"}


def test_a_pattern_written_as_a_literal_of_javascript_loses_its_slashes() -> None:
    """With them it would match nothing."""
    operation = get("/items", parameter("name", schema={"type": "string", "pattern": "/^[a-z]+$/i"}))
    assert accepts(operation, {"name": "ada"})
    assert not accepts(operation, {"name": "1"})


def test_a_change_that_must_change_something_takes_no_empty_body() -> None:
    """minProperties of a body whose members are arguments of their own."""
    schema = {"type": "object", "minProperties": 1, "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    operation = only({"/items": {"patch": {"requestBody": body, "responses": OK}}})
    assert accepts(operation, {"b": "1"})
    assert not accepts(operation, {})
