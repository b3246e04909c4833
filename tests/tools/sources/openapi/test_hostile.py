"""Documents made to harm whoever reads them: each ends in operations or in one clear refusal."""

import json
from typing import Any

import jsonschema_rs
import pytest

from tests.tools.sources.openapi.small_documents import LOCATION, OK, document, imported, only, post
from tools.egress.addresses import AddressRules
from tools.errors import EgressRefused, ImportFailed
from tools.sources.http.credentials import NO_AUTH_PARAMETERS
from tools.sources.http.request_plan import RequestPlan
from tools.sources.openapi.document import BrokenReference, follow_pointer
from tools.sources.openapi.import_document import import_document
from tools.sources.openapi.schemas.keywords import usable_pattern


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def read(raw: bytes) -> None:
    import_document(raw, provider="api", tenant_id=None, location=LOCATION)


@pytest.mark.parametrize(
    "raw",
    [
        b"openapi: 3.0.0\npaths: " + b"[" * 100_000,
        b'{"openapi": "3.0.0", "paths": ' + b"[" * 200_000,
        b"openapi: 3.0.0\n" + b"".join(b"%s- \n" % (b" " * depth) for depth in range(2_000)),
        b"openapi: 3.0.0\na: &a [" + b"x," * 50_000 + b"]\n" + b"".join(b"k%d: *a\n" % number for number in range(1_000)),
    ],
    ids=["flow", "json", "block", "aliases"],
)
def test_a_document_that_is_too_deep_or_multiplies_is_refused(raw: bytes) -> None:
    """The loader of YAML recurses in C: without a look beforehand it would end the process."""
    with pytest.raises(ImportFailed, match=r"nested too deep|neither JSON nor YAML"):
        read(raw)


@pytest.mark.parametrize("index", ["²", "٣", "-1", "01", "9" * 5_000])
def test_a_reference_to_no_item_of_an_array_leads_nowhere(index: str) -> None:
    """Digits of other scripts and thousands of them are numbers to Python's tests of a text, and none to its parser."""
    with pytest.raises(BrokenReference, match="leads nowhere"):
        follow_pointer({"a": [1, 2]}, f"/a/{index}", f"#/a/{index}")


def levels(word: str, count: int) -> dict[str, Any]:
    """Return schemas of which each composes the next one ten times: 10^count when written out."""
    schemas: dict[str, Any] = {f"A{level}": {word: [ref(f"A{level + 1}")] * 10} for level in range(count)}
    return {**schemas, f"A{count}": {"type": "object", "properties": {"x": {"type": "string"}}}}


@pytest.mark.parametrize("word", ["allOf", "anyOf", "oneOf"])
@pytest.mark.parametrize("place", ["body", "member", "answer"])
def test_schemas_that_compose_each_other_without_end_come_in_unvalidated(word: str, place: str) -> None:
    """Validating one value would take longer than anybody lives; the upstream judges then."""
    member = {"type": "object", "required": ["it"], "properties": {"it": ref("A0")}}
    schema = {"body": ref("A0"), "member": member, "answer": {"type": "object"}}[place]
    answer = {"200": {"description": "ok", "content": {"application/json": {"schema": ref("A0")}}}}
    node = {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}, "responses": answer}
    operation = only({"/t": {"post": node}}, components={"schemas": levels(word, 40)})
    assert operation.output_schema is None
    validator = jsonschema_rs.validator_for(dict(operation.input_schema), offline=True)
    assert validator.is_valid({"member": {"it": {"x": "1"}}, "answer": {"body": {}}, "body": {}}[place])


@pytest.mark.parametrize("word", ["allOf", "anyOf", "oneOf"])
def test_schemas_that_are_composed_of_themselves_come_in(word: str) -> None:
    """A circle of compositions never ends, neither for us nor for a validator."""
    schemas = {"A": {word: [ref("B"), {"type": "object", "properties": {"x": {"type": "string"}}}]}, "B": {word: [ref("A")]}, "C": ref("C")}
    operation = post({"type": "object", "properties": {"a": ref("A"), "c": ref("C")}}, **schemas)
    validator = jsonschema_rs.validator_for(dict(operation.input_schema), offline=True)
    assert validator.is_valid({"a": {"x": "1"}})


def test_thousands_of_operations_that_ask_for_one_name_are_numbered() -> None:
    """A catalogue of 20,000 imports in seconds; what it takes does not grow with the square."""
    result = imported({f"/v{number}/things": {"get": {"responses": OK}, "post": {"responses": OK}} for number in range(1, 1_001)})
    assert len({operation.id for operation in result.operations}) == 2_000


def test_an_enumeration_of_ten_thousand_values_is_validated_and_shown_short() -> None:
    """The signature stays a signature."""
    values = [f"value-{number}" for number in range(10_000)]
    operation = only({"/t": {"get": {"parameters": [{"name": "e", "in": "query", "schema": {"enum": values}}], "responses": OK}}})
    validator = jsonschema_rs.validator_for(dict(operation.input_schema), offline=True)
    assert (validator.is_valid({"e": "value-9999"}), validator.is_valid({"e": "value-10000"})) == (True, False)
    assert len(operation.signature) <= 300


@pytest.mark.parametrize(
    ("pattern", "kept"),
    [
        ("^(a+)+$", True),
        ("^(?=.*[A-Z])(?=.*[0-9]).{8,}$", True),
        ("(?=(a+))\\1*b", False),
        ("(?=a+c)b", False),
        ("^(a+)+\\1$", False),
        ("(a{1000}){1000}", False),
    ],
)
def test_a_pattern_that_could_block_the_process_is_left_to_the_upstream(pattern: str, kept: bool) -> None:
    """Catastrophic backtracking: the linear engine, or an anchor and no back references."""
    assert usable_pattern(pattern) is kept
    schema = {"type": "string", "pattern": pattern}
    operation = only({"/t": {"get": {"parameters": [{"name": "e", "in": "query", "schema": schema}], "responses": OK}}})
    assert ("pattern" in operation.input_schema["properties"]["e"]) is kept
    jsonschema_rs.validator_for(dict(operation.input_schema), offline=True).is_valid({"e": "a" * 100_000 + "!"})


def test_words_that_nobody_sees_do_not_reach_a_model() -> None:
    """Prompt injection hides in zero-width, bidirectional, tag and control characters."""
    unseen = "\u200b\u202e\u2066\ufeff\U000e0041\x07\x1b\x00"
    parameter = {"name": f"na{unseen}me", "in": "query", "description": f"a{unseen}b", "schema": {"type": "string"}}
    node = {
        "summary": f"a{unseen}b",
        "description": f"c{unseen}\nd",
        "tags": [f"t{unseen}"],
        "operationId": f"get{unseen}It",
        "responses": OK,
    }
    result = imported({f"/x{unseen}y": {"get": {**node, "parameters": [parameter]}}}, info={"title": f"Ti{unseen}tle", "version": "1"})
    [operation] = result.operations
    assert (operation.summary, operation.description, operation.tags) == ("ab", "c d", ("t",))
    assert (operation.input_schema["properties"]["name"]["description"], result.title) == ("ab", "Title")
    seen = json.dumps([operation.id, operation.title, operation.signature, operation.summary], ensure_ascii=False)
    assert not any(sign in seen for sign in unseen)
    # What goes out is still what the API calls it.
    assert operation.binding["parameters"][0]["name"] == f"na{unseen}me"


@pytest.mark.parametrize("path", [".evil.example/x", "@evil.example/x", ":99/x", "http://evil.example/x", "", "x"])
def test_no_path_of_a_document_leads_to_another_host(path: str) -> None:
    """A path that does not begin with a slash would continue the name of the host, and the credential would go there."""
    operation = only({path: {"get": {"responses": OK}}})
    assert RequestPlan(operation.binding).build({}, {}, NO_AUTH_PARAMETERS).url.startswith("https://api.example.com/")


@pytest.mark.parametrize(
    "server", ["http://169.254.169.254/latest", "http://127.0.0.1:8080", "http://[::ffff:10.0.0.1]/", "http://metadata.google.internal/"]
)
def test_a_server_inside_the_network_is_imported_and_never_called(server: str) -> None:
    """The guarded way out judges at the call, whatever a document names."""
    operation = only({"/t": {"get": {"responses": OK}}}, servers=[{"url": server}])
    with pytest.raises(EgressRefused):
        AddressRules(()).target(RequestPlan(operation.binding).build({}, {}, NO_AUTH_PARAMETERS).url)


def test_a_document_of_nonsense_in_every_place_comes_in() -> None:
    """Types that nobody foresaw."""
    node = {
        "operationId": 5,
        "summary": [1],
        "tags": "x",
        "parameters": "no",
        "responses": [1],
        "security": {"a": 1},
        "servers": "x",
        "deprecated": 1,
    }
    assert len(import_document(document({"/t": {"get": node}}), provider="api", tenant_id=None, location=LOCATION).operations) == 1
