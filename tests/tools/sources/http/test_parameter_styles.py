"""Parameters and bodies go into a request and come out again: the stub's parser reads what the serialiser writes."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.tools.sources.openapi.stub_server import StubServer
from tools.sources.http.credentials import NO_AUTH_PARAMETERS
from tools.sources.http.parameter_styles import UnfitArgument
from tools.sources.http.request_plan import BuiltRequest, RequestPlan
from tools.sources.openapi.import_document import import_document

STYLES = [
    *(("path", style, explode) for style in ("simple", "label", "matrix") for explode in (False, True)),
    *(("query", "form", explode) for explode in (False, True)),
    ("query", "spaceDelimited", False),
    ("query", "pipeDelimited", False),
    ("query", "deepObject", True),
    *(("header", "simple", explode) for explode in (False, True)),
    *(("cookie", "form", explode) for explode in (False, True)),
]
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)
SCHEMA_BY_SHAPE: dict[str, Any] = {
    "text": {"type": "string"},
    "number": {"type": "number"},
    "list": {"type": "array", "items": {"type": "string"}},
    "object": {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}, "c": {"type": "boolean"}}},
}


def values(place: str, shape: str) -> st.SearchStrategy[Any]:
    """Return values of one shape; blanks around a header value are not part of it (RFC 9110 §5.5), so headers get none."""
    words = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1, max_size=12)
    text = words if place == "header" else texts
    numbers = st.floats(allow_nan=False, allow_infinity=False, width=32).filter(lambda number: number != 0)
    by_shape: dict[str, st.SearchStrategy[Any]] = {
        "text": text,
        "number": st.integers(-(10**15), 10**15) | numbers,
        "list": st.lists(text, min_size=1, max_size=4),
        "object": st.fixed_dictionaries({"a": text, "b": st.integers(-(10**9), 10**9)}, optional={"c": st.booleans()}),
    }
    return by_shape[shape]


def document(parameter: dict[str, Any]) -> bytes:
    path = "/x/{v}/y" if parameter["in"] == "path" else "/x"
    operation = {"parameters": [parameter], "responses": {}}
    whole = {"openapi": "3.1.0", "info": {}, "servers": [{"url": "http://127.0.0.1"}], "paths": {path: {"get": operation}}}
    return json.dumps(whole).encode()


def built(raw: bytes, arguments: dict[str, Any]) -> BuiltRequest:
    (operation,) = import_document(raw, provider="api", tenant_id=None, location="d.json").operations
    return RequestPlan(operation.binding, lambda: "boundary").build(arguments, {}, NO_AUTH_PARAMETERS)


@pytest.mark.parametrize("shape", list(SCHEMA_BY_SHAPE))
@pytest.mark.parametrize(("place", "style", "explode"), STYLES)
def test_a_parameter_comes_out_of_the_request_as_it_went_in(place: str, style: str, explode: bool, shape: str) -> None:
    """OpenAPI 3.1 §4.8.12.3, the table of styles, for every place, style and shape that it defines."""
    if (style in ("spaceDelimited", "pipeDelimited") and shape in ("text", "number")) or (style == "deepObject" and shape != "object"):
        pytest.skip("the specification defines no such serialisation")
    parameter = {"name": "v", "in": place, "required": True, "style": style, "explode": explode, "schema": SCHEMA_BY_SHAPE[shape]}
    raw = document(parameter)
    stub = StubServer(raw)
    (operation,) = import_document(raw, provider="api", tenant_id=None, location="d.json").operations
    plan = RequestPlan(operation.binding, lambda: "boundary")

    @examples(60)
    @given(values(place, shape))
    def round_trip(value: Any) -> None:
        try:
            request = plan.build({"v": value}, {}, NO_AUTH_PARAMETERS)
        except UnfitArgument:
            # No escape exists for a dotted segment, nor for the delimiter inside a space- or pipe-delimited list.
            assert value in (".", "..", ["."], [".."]) or style in ("spaceDelimited", "pipeDelimited")
            return
        target = re.sub(r"^http://127\.0\.0\.1", "", request.url)
        seen = stub.understand("GET", target, dict(request.headers), b"")
        assert not seen.faults
        assert seen.values[f"{place} v"] == value

    round_trip()


@given(texts)
def test_no_path_argument_leaves_its_segment(value: str) -> None:
    """A slash, a query or a dot-dot in an argument must not address another resource."""
    raw = document({"name": "v", "in": "path", "required": True, "schema": {"type": "string"}})
    try:
        url = built(raw, {"v": value}).url
    except UnfitArgument:
        assert value in (".", "..")
        return
    assert re.fullmatch(r"http://127\.0\.0\.1/x/[^/?#]+/y", url)


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "\x00"])
def test_a_header_argument_cannot_add_headers(value: str) -> None:
    """RFC 9110 §5.5: no line breaks in a field value."""
    raw = document({"name": "v", "in": "header", "required": True, "schema": {"type": "string"}})
    with pytest.raises(UnfitArgument):
        built(raw, {"v": value})


def test_reserved_characters_stay_where_the_document_allows_them() -> None:
    """OpenAPI 3.1 §4.8.12.2.1 allowReserved; what would end or split the query is encoded nevertheless."""
    parameter = {"name": "v", "in": "query", "allowReserved": True, "schema": {"type": "string"}}
    assert built(document(parameter), {"v": "a/b:c,d?e&f=g#h+i"}).url == "http://127.0.0.1/x?v=a/b:c,d?e%26f%3Dg%23h%2Bi"


def test_a_parameter_with_content_is_written_as_json() -> None:
    """OpenAPI 3.1 §4.8.12.2.2."""
    parameter = {"name": "v", "in": "query", "content": {"application/json": {"schema": {"type": "object"}}}}
    assert built(document(parameter), {"v": {"a": [1, "ü"]}}).url == "http://127.0.0.1/x?v=%7B%22a%22%3A%5B1%2C%22%C3%BC%22%5D%7D"


def test_nested_objects_in_a_query_are_written_with_brackets() -> None:
    """Undefined by OpenAPI; what Rails, PHP and qs read."""
    parameter = {"name": "v", "in": "query", "style": "deepObject", "explode": True, "schema": {"type": "object"}}
    url = built(document(parameter), {"v": {"a": {"b": 1}, "tags": ["x", "y"]}}).url
    assert url == "http://127.0.0.1/x?v%5Ba%5D%5Bb%5D=1&v%5Btags%5D%5B%5D=x&v%5Btags%5D%5B%5D=y"


fields = st.fixed_dictionaries(
    {"name": texts, "n": st.integers(-99, 99)},
    optional={"tags": st.lists(texts, min_size=1, max_size=3), "flag": st.booleans(), "meta": st.fixed_dictionaries({"k": texts})},
)
FORM_SCHEMA = {
    "type": "object",
    "required": ["name", "n"],
    "properties": {
        "name": {"type": "string"},
        "n": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "flag": {"type": "boolean"},
        "meta": {"type": "object", "properties": {"k": {"type": "string"}}},
    },
}


@pytest.mark.parametrize("media_type", ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_body_comes_out_of_the_request_as_it_went_in(media_type: str) -> None:
    """JSON, form and multipart carry the same members."""
    node = {"requestBody": {"required": True, "content": {media_type: {"schema": FORM_SCHEMA}}}, "responses": {}}
    whole = {"openapi": "3.1.0", "info": {}, "servers": [{"url": "http://127.0.0.1"}], "paths": {"/x": {"post": node}}}
    raw = json.dumps(whole).encode()
    stub = StubServer(raw)
    (operation,) = import_document(raw, provider="api", tenant_id=None, location="d.json").operations
    plan = RequestPlan(operation.binding, lambda: "5f2c0e9a-not-in-any-text")

    @examples(60)
    @given(fields)
    def round_trip(value: dict[str, Any]) -> None:
        request = plan.build(value, {}, NO_AUTH_PARAMETERS)
        seen = stub.understand("POST", "/x", dict(request.headers), request.body or b"")
        assert not seen.faults
        assert seen.body == value

    round_trip()
