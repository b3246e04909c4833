"""Which media type a body goes out in, and how its files are written: as the document says, by what the arguments are."""

import base64
import json
from collections.abc import Mapping
from email.message import Message
from email.parser import BytesParser
from typing import Any

import jsonschema_rs
import pytest

from tools.dispatch.arguments import Validators
from tools.operation import Json, Operation
from tools.sources.http.body_encoding import BodyWriter
from tools.sources.http.credentials import NO_AUTH_PARAMETERS
from tools.sources.http.given_files import File, file_of
from tools.sources.http.parameter_styles import UnfitArgument
from tools.sources.http.request_plan import BuiltRequest, RequestPlan
from tools.sources.openapi.import_document import import_document

PNG = b"\x89PNG\r\n\x1a\n"
TEXT: dict[str, Any] = {"type": "string"}
BINARY: dict[str, Any] = {"type": "string", "format": "binary"}


def operation_of(content: Mapping[str, Any], method: str = "post", version: str = "3.1.0", **more: Any) -> Operation:
    node = {"requestBody": {"required": True, "content": content}, "responses": {}}
    document = {"openapi": version, "info": {}, "servers": [{"url": "https://api.example"}], "paths": {"/s": {method: node}}, **more}
    (operation,) = import_document(json.dumps(document).encode(), provider="api", tenant_id=None, location="d.json").operations
    return operation


def sent(operation: Operation, arguments: dict[str, Json]) -> BuiltRequest:
    refusal = Validators().refusal(operation, arguments)
    assert refusal is None, refusal.message
    plan = RequestPlan(operation.binding, lambda: "limit", operation.input_schema)
    assert plan.body is not None
    files: dict[str, list[File]] = {}
    for name in plan.body.files_in(arguments):
        given = arguments[name] if isinstance(arguments[name], list) else [arguments[name]]
        files[name] = [file for file in (file_of(name, one) for one in given) if isinstance(file, File)]
    return plan.build(arguments, files, NO_AUTH_PARAMETERS)


def media_type_of(request: BuiltRequest) -> str:
    return dict(request.headers)["Content-Type"].split(";")[0]


def parts_of(request: BuiltRequest) -> dict[str, Message]:
    head = f"Content-Type: {dict(request.headers)['Content-Type']}\r\n\r\n".encode()
    message = BytesParser().parsebytes(head + (request.body or b""))
    assert message.is_multipart()
    return {str(part.get_param("name", header="content-disposition")): part for part in message.get_payload() if isinstance(part, Message)}


def multipart(properties: Mapping[str, Any], **encoding: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties}
    return {"multipart/form-data": {"schema": schema, **({"encoding": encoding} if encoding else {})}}


PATCHES = {name: {"schema": {"type": "object"}} for name in (
    "application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json"
)}  # fmt: skip


def test_an_object_patches_by_merging_and_a_list_by_json_patch() -> None:
    """RFC 6902 §3, RFC 7396 §1; the 131 PATCH operations of Kubernetes offer all of these."""
    operation = operation_of(PATCHES, "patch")
    merged = sent(operation, {"body": {"spec": {"replicas": 3}}})
    assert (media_type_of(merged), merged.body) == ("application/merge-patch+json", b'{"spec":{"replicas":3}}')
    listed = sent(operation, {"body": [{"op": "remove", "path": "/spec"}]})
    assert (media_type_of(listed), listed.body) == ("application/json-patch+json", b'[{"op":"remove","path":"/spec"}]')
    assert 'body: object|{op: "add"|"remove"|"replace"|"move"|"copy"|"test", path: str, value?: any, from?: str}[]' in operation.signature


def test_a_strategic_merge_patch_takes_the_object_where_there_is_no_other() -> None:
    offered = {name: media for name, media in PATCHES.items() if name != "application/merge-patch+json"}
    assert media_type_of(sent(operation_of(offered, "patch"), {"body": {"a": 1}})) == "application/strategic-merge-patch+json"


def test_a_list_of_changes_can_be_sent_where_the_other_patch_has_members_of_its_own() -> None:
    members = {"schema": {"type": "object", "properties": {"title": TEXT}, "required": ["title"]}}
    changes = {"schema": {"type": "array", "items": {"type": "object"}}}
    operation = operation_of({"application/json": members, "application/json-patch+json": changes}, "patch")
    assert media_type_of(sent(operation, {"title": "a"})) == "application/json"
    assert media_type_of(sent(operation, {"body": [{"op": "test", "path": "/title"}]})) == "application/json-patch+json"
    with pytest.raises(UnfitArgument, match="cannot go with the others"):
        sent(operation, {"title": "a", "body": []})
    assert Validators().refusal(operation, {}) is not None


def test_null_removes_a_member_in_a_merge_patch_at_any_depth() -> None:
    """RFC 7396 §1: null in the patch means removal; it says nothing of what the target may hold."""
    owner = {"type": "object", "properties": {"name": TEXT, "next": {"$ref": "#/components/schemas/Owner"}}}
    schema = {"type": "object", "properties": {"title": TEXT, "kind": {"enum": ["a", "b"]}, "owner": {"$ref": "#/components/schemas/Owner"},
                                               "tags": {"type": "array", "items": TEXT}}}  # fmt: skip
    content = {"application/merge-patch+json": {"schema": schema}}
    operation = operation_of(content, "patch", components={"schemas": {"Owner": owner}})
    given = {"title": None, "kind": None, "owner": {"name": None, "next": {"next": None}}}
    assert json.loads(sent(operation, given).body or b"") == given
    assert Validators().refusal(operation, {"tags": [None]}) is not None
    assert Validators().refusal(operation, {"title": 1}) is not None
    plain = operation_of({"application/json": {"schema": schema}}, "patch", components={"schemas": {"Owner": owner}})
    assert Validators().refusal(plain, {"title": None}) is not None


def test_null_removes_a_member_where_the_patch_is_one_argument() -> None:
    schema = {"type": "object", "properties": {"a": TEXT}, "patternProperties": {"^x-": TEXT}}
    operation = operation_of({"application/merge-patch+json": {"schema": schema}}, "patch")
    assert sent(operation, {"body": {"a": None, "x-b": None}}).body == b'{"a":null,"x-b":null}'
    assert Validators().refusal(operation, {"body": {"a": 1}}) is not None


def test_a_file_makes_the_body_multipart_where_json_is_offered_beside_it() -> None:
    """JSON carries no bytes (`format: binary`); OpenAI's POST /containers/{id}/files is written so."""
    properties = {"file_id": TEXT, "file": BINARY}
    json_type = {"application/json": {"schema": {"type": "object", "properties": properties}}}
    for content in ({**json_type, **multipart(properties)}, {**multipart(properties), **json_type}):
        operation = operation_of(content, version="3.0.3")
        part = parts_of(sent(operation, {"file": {"text": "hello", "filename": "a.txt"}}))["file"]
        assert (part.get_filename(), part.get_payload()) == ("a.txt", "hello")
        plain = sent(operation, {"file_id": "f1"})
        assert (media_type_of(plain), plain.body) == ("application/json", b'{"file_id":"f1"}')
        assert "file?: file" in operation.signature


def test_a_form_gives_way_to_multipart_where_a_file_is_given() -> None:
    form = {"application/x-www-form-urlencoded": {"schema": {"type": "object", "properties": {"name": TEXT}}}}
    operation = operation_of({**form, **multipart({"name": TEXT, "logo": BINARY})})
    assert media_type_of(sent(operation, {"name": "a"})) == "application/x-www-form-urlencoded"
    assert set(parts_of(sent(operation, {"name": "a", "logo": {"base64": "AAE="}}))) == {"name", "logo"}


def test_a_member_that_is_a_reference_in_json_may_be_a_file_in_multipart() -> None:
    """OpenAI's /images/edits and /videos: the file itself, several, or an object that refers to one."""
    reference = {"type": "object", "properties": {"image_url": TEXT, "file_id": TEXT}}
    json_schema = {
        "type": "object",
        "required": ["images"],
        "properties": {"images": {"type": "array", "items": reference}, "mask": reference},
    }
    file_schema = {"anyOf": [BINARY, {"type": "array", "items": BINARY}]}
    content = multipart({"image": file_schema, "mask": {"oneOf": [BINARY, reference]}, "n": {"type": "integer"}})
    content["multipart/form-data"]["schema"]["required"] = ["image"]
    operation = operation_of({**content, "application/json": {"schema": json_schema}})
    assert media_type_of(sent(operation, {"images": [{"file_id": "f"}], "mask": {"file_id": "m"}})) == "application/json"
    parts = parts_of(sent(operation, {"image": [{"base64": "AAE="}, {"text": "b"}], "mask": {"file_id": "m"}, "n": 2}))
    assert parts["image"].get_filename() == "file"
    assert (parts["mask"].get_content_type(), parts["mask"].get_payload()) == ("application/json", '{"file_id":"m"}')
    assert Validators().refusal(operation, {"n": 1}) is not None
    with pytest.raises(UnfitArgument, match="no such part") as refused:
        sent(operation, {"image": {"text": "a"}, "images": [{"file_id": "f"}]})
    assert refused.value.argument == "images"


def test_text_stays_json_where_json_takes_text_and_multipart_a_file() -> None:
    json_schema = {"type": "object", "properties": {"avatar": {"type": "string", "description": "a URL"}}}
    operation = operation_of({"application/json": {"schema": json_schema}, **multipart({"avatar": BINARY})})
    assert sent(operation, {"avatar": "https://a.example/p.png"}).body == b'{"avatar":"https://a.example/p.png"}'
    assert parts_of(sent(operation, {"avatar": {"base64": "AAE="}}))["avatar"].get_payload(decode=True) == b"\x00\x01"


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "contentEncoding": "binary"},
        {"type": "string", "contentMediaType": "image/png"},
        {"contentMediaType": "application/octet-stream"},
        {"contentMediaType": "text/csv"},
        {"description": "The picture"},
        {},
        {"type": ["string", "null"], "format": "binary"},
        {"anyOf": [{"type": "string", "contentEncoding": "binary"}, {"type": "null"}]},
    ],
)
@pytest.mark.parametrize("given", [base64.b64encode(PNG).decode(), {"base64": base64.b64encode(PNG).decode(), "filename": "p.png"}])
def test_a_file_of_openapi_31_is_a_part_with_a_filename_and_the_bytes(schema: dict[str, Any], given: Json) -> None:
    """OpenAPI 3.1 §4.8.14.3: contentMediaType, contentEncoding or nothing at all in place of `format: binary`."""
    part = parts_of(sent(operation_of(multipart({"file": schema})), {"file": given}))["file"]
    assert part.get_payload(decode=True) == PNG
    assert part.get_filename() == ("p.png" if isinstance(given, dict) else "file")


def test_a_part_that_the_document_wants_in_base64_says_so() -> None:
    """OpenAPI 3.1 §4.8.14.4: contentEncoding is the Content-Transfer-Encoding of the part."""
    operation = operation_of(multipart({"file": {"type": "string", "contentEncoding": "base64", "contentMediaType": "image/png"}}))
    for given in ("iVBORw0KGgo=", {"base64": "iVBORw0KGgo="}):
        part = parts_of(sent(operation, {"file": given}))["file"]
        assert (part.get_filename(), part["Content-Transfer-Encoding"]) == ("file", "base64")
        assert (part.get_payload(), part.get_payload(decode=True)) == ("iVBORw0KGgo=", PNG)


def test_a_text_of_openapi_30_without_a_type_is_no_file() -> None:
    assert parts_of(sent(operation_of(multipart({"note": {}}), version="3.0.3"), {"note": "a"}))["note"].get_filename() is None


def test_several_files_are_parts_of_one_name() -> None:
    operation = operation_of(multipart({"files": {"type": "array", "items": {"type": "string", "contentMediaType": "image/png"}}}))
    body = sent(operation, {"files": [{"text": "a", "filename": "1"}, {"text": "b", "filename": "2"}]}).body or b""
    assert body.count(b'name="files"; filename="') == 2


@pytest.mark.parametrize("text", ["test", "deadbeef", "abcd1234", "2026", "Ada", "a" * 64, "0123456789abcdef" * 4, "two words", "", "päth"])
def test_plain_text_is_sent_as_it_stands(text: str) -> None:
    """`test` is base64 of three bytes, and a word all the same."""
    assert file_of("body", text) == File(text.encode(), "text/plain; charset=utf-8")


@pytest.mark.parametrize("body", [PNG, b"%PDF-1.7 ...", b"\x00\x01", b"PK\x03\x04abcdef", b"name,amount\nAda,3\n", b"\xff\xd8\xff\xe0ab"])
def test_base64_that_shows_it_is_read_and_noted(body: bytes) -> None:
    file = file_of("body", base64.encodebytes(body).decode())
    assert isinstance(file, File)
    assert file.body == body
    assert file.note is not None
    assert "{text}" in file.note


def test_long_text_that_may_be_either_is_asked_about() -> None:
    doubtful = base64.b64encode(bytes(range(130, 190))).decode()
    with pytest.raises(UnfitArgument, match="say which"):
        file_of("body", doubtful)
    assert file_of("body", {"text": doubtful}) == File(doubtful.encode(), "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"base64": "%%%"}, "this is not base64; send plain text as {text}"),
        ({"base64": "YQ"}, "this is not base64"),
        ({"base64": 7}, None),
        ({}, None),
        (7, None),
        ({"text": "a", "media_type": "text/plain\r\nX: y"}, "media_type cannot hold line breaks"),
    ],
)
def test_a_file_that_is_none_is_refused_by_the_name_of_its_argument(given: Json, said: str | None) -> None:
    """mutants.md 7."""
    with pytest.raises(UnfitArgument, match=said) as refused:
        file_of("picture", given)
    assert refused.value.argument == "picture"


def test_the_schema_of_files_compiles() -> None:
    operation = operation_of(multipart({"file": BINARY}))
    jsonschema_rs.validator_for(dict(operation.input_schema))
    assert BodyWriter(operation.binding["body"], frozenset(), lambda: "limit").file_arguments == {"file"}
