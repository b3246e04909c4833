"""What OpenAPI 3.2 adds: methods beyond HTTP's first ones, the query as a whole, a document that says where it is."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.tools.sources.http.test_bodies import sent
from tests.tools.sources.http.test_written import header, operation_with, written
from tests.tools.sources.http.upstream import Upstream
from tests.tools.sources.openapi.callable import EveryKind, call_of
from tools.egress.client import Egress
from tools.operation import Operation
from tools.sources.http.runner import OpenApiRunner
from tools.sources.openapi.import_document import ImportResult, import_document


def imported(item: Mapping[str, Any], base_url: str = "https://a.example", **root: Any) -> ImportResult:
    whole = {"openapi": "3.2.0", "info": {}, "servers": [{"url": base_url}], "paths": {"/s": item}} | root
    return import_document(json.dumps(whole).encode(), provider="api", tenant_id=None, location="https://a.example/openapi.json")


def by_method(result: ImportResult) -> dict[str, Operation]:
    return {operation.binding["method"]: operation for operation in result.operations}


BODY: dict[str, Any] = {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
ITEM: dict[str, Any] = {
    "get": {"operationId": "listS", "responses": {}},
    "query": {"operationId": "queryS", "requestBody": BODY, "responses": {}},
    "additionalOperations": {
        "PURGE": {"operationId": "clearS", "responses": {}},
        "COPY": {"operationId": "copyS", "responses": {}},
        "PROPFIND": {"responses": {}},
        "CONNECT": {"responses": {}},
        "BAD METHOD": {"responses": {}},
        "GET": {"responses": {}},
    },
}


def test_query_and_further_methods_become_operations_with_the_tier_of_what_they_do() -> None:
    """OpenAPI 3.2, Path Item Object: `query`, `additionalOperations`."""
    result = imported(ITEM)
    tiers = {method: (operation.access, operation.idempotent) for method, operation in by_method(result).items()}
    assert tiers == {
        "GET": ("read", True),
        "QUERY": ("read", True),
        "PURGE": ("destructive", False),
        "COPY": ("write", False),
        "PROPFIND": ("read", True),
    }
    assert [line.where for line in result.skipped] == ["CONNECT /s", "BAD METHOD /s"]
    assert len({operation.id for operation in result.operations}) == 5


@pytest.mark.parametrize("method", ["QUERY", "PURGE", "COPY", "PROPFIND"])
async def test_a_further_method_goes_out_as_it_is(method: str) -> None:
    async with Upstream() as upstream, Egress(allow=["127.0.0.1:*"]) as egress:
        upstream.answer()
        operation = by_method(imported(ITEM, upstream.base_url))[method]
        outcome = await OpenApiRunner(egress, EveryKind()).run(call_of(operation, {"body": {"a": 1}} if method == "QUERY" else {}))
        assert outcome.status == "ok"
        assert upstream.got[-1].method == method


@pytest.mark.parametrize(
    ("media_type", "value", "query"),
    [
        ("application/x-www-form-urlencoded", {"a": "x y", "b": [1, 2], "c": "&"}, "a=x%20y&b=1&b=2&c=%26"),
        ("application/json", {"a": [1]}, "%7B%22a%22%3A%5B1%5D%7D"),
        ("text/plain", "$.a[?@.b == 1]", "%24.a%5B%3F%40.b%20%3D%3D%201%5D"),
    ],
)
def test_a_querystring_is_the_whole_query(media_type: str, value: Any, query: str) -> None:
    """OpenAPI 3.2, Parameter Object, `in: querystring`."""
    operation = operation_with([{"name": "q", "in": "querystring", "content": {media_type: {"schema": {}}}}])
    assert written(operation, {"q": value}).url == f"https://a.example/s?{query}"


def test_a_cookie_of_style_cookie_is_not_percent_encoded() -> None:
    operation = operation_with([{"name": "c", "in": "cookie", "style": "cookie", "schema": {"type": "array", "items": {"type": "string"}}}])
    assert header(written(operation, {"c": ["a/b", "c=d"]}), "Cookie") == "c=a/b; c=c=d"


def test_references_by_the_documents_own_address_are_followed() -> None:
    """OpenAPI 3.2, `$self`."""
    schema = {"$ref": "https://a.example/api/v1#/components/schemas/S"}
    item = {"post": {"requestBody": {"content": {"application/json": {"schema": schema}}}, "responses": {}}}
    components = {"schemas": {"S": {"type": "object", "properties": {"name": {"type": "string"}}}}}
    for own in ("https://a.example/api/v1", "/api/v1"):
        (operation,) = imported(item, components=components, **{"$self": own}).operations
        assert "name" in operation.input_schema["properties"]


def test_a_media_type_may_be_a_reference() -> None:
    item = {"post": {"requestBody": {"content": {"application/json": {"$ref": "#/components/mediaTypes/S"}}}, "responses": {}}}
    media = {"S": {"schema": {"type": "object", "properties": {"name": {"type": "string"}}}}}
    (operation,) = imported(item, components={"mediaTypes": media}).operations
    assert sent(operation, {"name": "a"}).body == b'{"name":"a"}'


def test_a_sequence_is_written_line_by_line() -> None:
    """OpenAPI 3.2, Media Type Object, `itemSchema`; RFC 7464."""
    for media_type, body in (("application/jsonl", b'{"a":1}\n{"a":2}\n'), ("application/json-seq", b'\x1e{"a":1}\n\x1e{"a":2}\n')):
        content = {media_type: {"itemSchema": {"type": "object", "properties": {"a": {"type": "integer"}}}}}
        (operation,) = imported({"post": {"requestBody": {"content": content}, "responses": {}}}).operations
        assert sent(operation, {"body": [{"a": 1}, {"a": 2}]}).body == body


def test_parts_without_names_are_left_out_with_the_reason() -> None:
    content = {"multipart/mixed": {"itemSchema": {"type": "object"}}}
    result = imported({"get": {"responses": {}}, "post": {"requestBody": {"content": content}, "responses": {}}})
    assert [line.where for line in result.skipped] == ["POST /s"]
    assert "sequence of parts without names" in result.skipped[0].reason
