"""Paths, servers and parameters as documents in the wild write them."""

import json
from typing import Any

import pytest

from tests.tools.sources.openapi.small_documents import LOCATION, OK, accepts, document, only
from tools.errors import ImportFailed
from tools.operation import Operation
from tools.sources.http.credentials import MASKED, NO_AUTH_PARAMETERS, auth_parameters_of
from tools.sources.http.request_plan import RequestPlan
from tools.sources.openapi.import_document import import_document
from tools.sources.openapi.overlay import read_overlay
from tools.sources.openapi.paths import plain_path, query_names_of


def get(path: str, *parameters: Any, **root: Any) -> Operation:
    return only({path: {"get": {"parameters": list(parameters), "responses": OK}}}, **root)


def url(operation: Operation, arguments: dict[str, Any]) -> str:
    return RequestPlan(operation.binding).build(arguments, {}, NO_AUTH_PARAMETERS).url


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
    proofs = auth_parameters_of(operation.binding, MASKED)
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


SERVERS = [
    {"url": "https://api.example.com/v1", "description": "Production"},
    {
        "url": "https://{region}.sandbox.example.com/v1",
        "description": "Sandbox",
        "variables": {"region": {"default": "eu", "enum": ["eu", "us"]}},
    },
    {"url": "/v1", "description": "Here"},
]


@pytest.mark.parametrize(
    ("overlay", "wanted"),
    [
        ({}, "https://api.example.com/v1"),
        ({"server": "sandbox"}, "https://eu.sandbox.example.com/v1"),
        ({"server": "sandbox", "variables": {"region": "us"}}, "https://us.sandbox.example.com/v1"),
        ({"server": "Here"}, "https://api.example.com/v1"),
        ({"server": "sandbox", "base_url": "https://other.example.com"}, "https://other.example.com"),
    ],
)
def test_one_of_several_servers_is_chosen(overlay: dict[str, Any], wanted: str) -> None:
    """Issue "Calling any API": relative and templated servers, several servers with choice."""
    raw = document({"/t": {"get": {"responses": OK}}}, servers=SERVERS)
    correction = read_overlay(json.dumps(overlay).encode(), "overlay.yaml")
    [operation] = import_document(raw, provider="api", tenant_id=None, location=LOCATION, overlay=correction).operations
    assert operation.binding["base_url"] == wanted


def test_a_server_that_the_document_does_not_name_is_refused() -> None:
    """Better now than at the first call."""
    raw = document({"/t": {"get": {"responses": OK}}}, servers=SERVERS)
    with pytest.raises(ImportFailed, match=r"nothing of 'staging' is in .* which names https://api.example.com/v1"):
        import_document(raw, provider="api", tenant_id=None, location=LOCATION, overlay=read_overlay(b"server: staging", "o.yaml"))


def test_parameters_of_every_level_are_put_together() -> None:
    """OpenAPI 3.1 §4.8.9 and §4.8.10: components, path item and operation; the operation's own comes first."""
    components = {"parameters": {"Trace": parameter("trace", "header"), "Limit": parameter("limit", schema={"type": "integer"})}}
    item = {
        "parameters": [parameter("id", "path", required=True), {"$ref": "#/components/parameters/Limit"}, parameter("q")],
        "get": {
            "parameters": [
                {"$ref": "#/components/parameters/Trace"},
                parameter("q", schema={"type": "integer"}),
                parameter("session", "cookie"),
            ],
            "responses": OK,
        },
    }
    operation = only({"/things/{id}": item}, components=components)
    properties = operation.input_schema["properties"]
    assert list(properties) == ["id", "limit", "q", "trace", "session"]
    assert (properties["q"]["type"], properties["limit"]["type"], operation.input_schema["required"]) == ("integer", "integer", ["id"])


def test_nullable_is_said_alike_by_3_0_and_by_the_type_lists_of_3_1() -> None:
    """OpenAPI 3.0.3 §4.7.24, JSON Schema 2020-12 §6.1.1."""
    old = {"type": "string", "nullable": True, "enum": ["a", "b"]}
    new = {"type": ["string", "null"], "enum": ["a", "b", None]}
    for version, schema in (("3.0.3", old), ("3.1.0", new)):
        body = {"required": True, "content": {"application/json": {"schema": {"type": "object", "properties": {"v": schema}}}}}
        operation = only({"/t": {"post": {"requestBody": body, "responses": OK}}}, openapi=version)
        assert [accepts(operation, {"v": value}) for value in ("a", None, "c")] == [True, True, False]


def test_a_deprecated_operation_is_marked_and_a_default_that_nobody_sends_is_not_shown() -> None:
    """It comes in: what is deprecated still works."""
    limit = parameter("limit", schema={"type": "integer", "default": 20})
    operation = only({"/t": {"get": {"deprecated": True, "parameters": [limit], "responses": OK}}})
    assert operation.deprecated
    assert operation.signature.startswith("api.t.get(limit?: int)")


def test_alternative_and_combined_security_becomes_what_a_connection_must_prove() -> None:
    """OpenAPI 3.1 §4.8.30: one requirement of the list suffices; within one, every scheme counts."""
    schemes = {
        "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
        "app": {"type": "apiKey", "in": "query", "name": "app"},
        "user": {"type": "oauth2", "flows": {"authorizationCode": {"scopes": {"read": "", "write": ""}}}},
    }
    node: dict[str, Any] = {"security": [{"key": [], "app": []}, {"user": ["read"]}, {}], "responses": OK}
    operation = only({"/t": {"get": node}}, components={"securitySchemes": schemes})
    assert [[proof["scheme"] for proof in together] for together in operation.binding["security"]] == [["key", "app"], ["user"]]
    assert operation.connection is None
    assert operation.binding["optional_security"] is True
    required = only({"/t": {"get": {**node, "security": node["security"][1:2]}}}, components={"securitySchemes": schemes})
    assert (required.connection, required.connection_scopes) == ("api", frozenset({"read"}))
