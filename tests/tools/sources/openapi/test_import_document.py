"""What becomes of a document: operations as it means them, and a report of what could not come in."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.conftest import REPOSITORY
from tests.examples import examples
from tests.tools.sources.openapi.small_documents import LOCATION, OK, accepts, document, imported, only, post
from tools.errors import ImportFailed
from tools.sources.openapi.document import parse
from tools.sources.openapi.external_documents import folder_reader, gather_externals
from tools.sources.openapi.import_document import import_document

#: each line holds nine times the one before: seven million nodes in 500 bytes
BOMB = b"l0: &l0 [x]\n" + b"".join(b"l%d: &l%d [%s]\n" % (n, n, b", ".join([b"*l%d" % (n - 1)] * 9)) for n in range(1, 8))


def test_a_recursive_schema_comes_in_by_reference() -> None:
    """A tree of nodes refers to itself; nothing is unrolled."""
    node = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}}},
    }
    operation = post({"$ref": "#/components/schemas/Node"}, Node=node)
    assert accepts(operation, {"name": "a", "children": [{"name": "b", "children": [{"name": "c"}]}]})
    assert not accepts(operation, {"children": [{"children": [{"name": 1}]}]})


def test_members_of_a_composed_body_are_arguments_of_their_own() -> None:
    """allOf is read as one object, so that callers write flat arguments."""
    named = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
    operation = post({"allOf": [{"$ref": "#/components/schemas/Named"}, {"properties": {"size": {"type": "integer"}}}]}, Named=named)
    assert operation.signature.startswith("api.things.create(name: str, size?: int)")


def test_a_body_whose_member_is_also_a_parameter_stays_one_argument() -> None:
    """Two things of one name cannot both be flat."""
    body = {"content": {"application/json": {"schema": {"type": "object", "properties": {"id": {"type": "string"}}}}}}
    path_id = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    operation = only({"/things/{id}": {"put": {"parameters": [path_id], "requestBody": body, "responses": OK}}})
    assert set(operation.input_schema["properties"]) == {"id", "body"}


def test_nullable_and_exclusive_limits_of_openapi_3_0_become_json_schema() -> None:
    """OpenAPI 3.0.3 §4.7.24: nullable, and draft 4's exclusiveMinimum flag."""
    operation = post({"type": "object", "properties": {"n": {"type": "integer", "nullable": True, "minimum": 0, "exclusiveMinimum": True}}})
    assert accepts(operation, {"n": None})
    assert accepts(operation, {"n": 1})
    assert not accepts(operation, {"n": 0})


def test_what_only_the_server_sets_is_no_argument() -> None:
    """readOnly members are not sent, even where they are required of answers."""
    operation = post(
        {
            "type": "object",
            "required": ["id", "name"],
            "properties": {"id": {"type": "string", "readOnly": True}, "name": {"type": "string"}},
        }
    )
    assert operation.input_schema["required"] == ["name"]
    assert set(operation.input_schema["properties"]) == {"name"}


def test_a_type_with_subtypes_accepts_the_members_of_each() -> None:
    """A discriminator without oneOf: subtypes extend the type by allOf."""
    pet = {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}}, "discriminator": {"propertyName": "kind"}}
    base = {"$ref": "#/components/schemas/Pet"}
    cat = {"allOf": [base, {"type": "object", "required": ["lives"], "properties": {"lives": {"type": "integer"}}}]}
    dog = {"allOf": [base, {"type": "object", "required": ["bark"], "properties": {"bark": {"type": "string"}}}]}
    operation = post({"type": "object", "required": ["pet"], "properties": {"pet": base}}, Pet=pet, Cat=cat, Dog=dog)
    assert accepts(operation, {"pet": {"kind": "cat", "lives": 9}})
    assert not accepts(operation, {"pet": {"kind": "cat", "lives": "nine"}})


def test_parameters_of_the_path_are_overridden_by_those_of_the_operation() -> None:
    """OpenAPI 3.1 §4.8.9.1."""
    shared = [
        {"name": "q", "in": "query", "schema": {"type": "string"}},
        {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
    ]
    own = [{"name": "q", "in": "query", "required": True, "schema": {"type": "integer"}}]
    operation = only({"/things/{id}": {"parameters": shared, "get": {"parameters": own, "responses": OK}}})
    assert operation.input_schema["properties"]["q"] == {"type": "integer"}
    assert set(operation.input_schema["required"]) == {"id", "q"}


def test_a_placeholder_that_was_never_declared_is_still_an_argument() -> None:
    """Slightly invalid documents come in."""
    assert only({"/things/{id}": {"get": {"responses": OK}}}).input_schema["required"] == ["id"]


def test_one_broken_operation_does_not_keep_the_others_out() -> None:
    """Vendor documents are slightly invalid; what cannot come in is reported with the reason."""
    broken = {"get": {"parameters": [{"$ref": "#/components/parameters/Gone"}], "responses": OK}}
    result = imported({"/a": {"get": {"responses": OK}}, "/b": broken, "/c": None, "/d": {"post": "nonsense"}})
    assert [operation.id for operation in result.operations] == ["api.a.get"]
    assert {skipped.where for skipped in result.skipped} == {"GET /b", "/c", "POST /d"}
    assert "Gone" in next(skipped.reason for skipped in result.skipped if skipped.where == "GET /b")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "holds no object"),
        (b"not: [yaml", "neither JSON nor YAML"),
        (b"[]", "holds no object"),
        (b'{"openapi":"4.0.0","paths":{}}', "openapi '4.0.0'"),
        (b'{"openapi":"3.0.0","paths":{}}', "no operations"),
        (BOMB, "multiply"),
        (b"a: &a {b: *a}", "nested too deep"),
    ],
)
def test_what_is_no_document_is_refused_in_one_sentence(raw: bytes, message: str) -> None:
    """Bad input is normal input; an alias bomb is counted before it is written out."""
    with pytest.raises(ImportFailed, match=message):
        import_document(raw, provider="api", tenant_id=None, location="file.yaml")


def test_yaml_is_read_by_the_rules_of_json() -> None:
    """YAML 1.2's core schema: `no` and dates are strings, and statuses may be numbers."""
    raw = b"""
openapi: 3.0.0
info: {title: T, version: 1.0}
servers: [{url: https://api.example.com}]
paths:
  /things:
    get:
      parameters: [{name: country, in: query, schema: {type: string, enum: [no, se, 2010-04-01]}}]
      responses: {200: {description: ok}}
"""
    (operation,) = import_document(raw, provider="api", tenant_id=None, location="f.yaml").operations
    assert operation.input_schema["properties"]["country"]["enum"] == ["no", "se", "2010-04-01"]


@pytest.mark.parametrize(
    ("servers", "base_url", "wanted"),
    [
        ([{"url": "https://{region}.example.com/v1", "variables": {"region": {"default": "eu"}}}], None, "https://eu.example.com/v1"),
        ([{"url": "/v2"}], None, "https://api.example.com/v2"),
        ([{"url": "../v3"}], None, "https://api.example.com/v3"),
        ([{"url": "/v2"}], "http://127.0.0.1:9/", "http://127.0.0.1:9"),
        ([{"url": "//a.example.com/v1"}], None, "https://a.example.com/v1"),
        ([{"url": "a.example.com/v1"}], None, "https://a.example.com/v1"),
        ([{"url": "https://a.example.com/v1"}], "http://127.0.0.1:9/x/", "http://127.0.0.1:9/x"),
        ([], None, "https://api.example.com"),
        ([{"url": "https://{unset}.example.com"}, {"url": "https://b.example.com"}], None, "https://b.example.com"),
    ],
)
def test_the_server_of_an_operation_is_found(servers: list[Any], base_url: str | None, wanted: str) -> None:
    """OpenAPI 3.1 §4.8.5: relative servers are read against the document, variables have defaults."""
    raw = document({"/things": {"get": {"responses": OK}}}, servers=servers)
    (operation,) = import_document(raw, provider="api", tenant_id=None, location=LOCATION, base_url=base_url).operations
    assert operation.binding["base_url"] == wanted


def test_a_document_from_a_file_without_a_server_asks_for_one() -> None:
    """The way out is in the message."""
    with pytest.raises(ImportFailed, match="--base-url"):
        import_document(document({"/a": {"get": {}}}, servers=[{"url": "/v1"}]), provider="api", tenant_id=None, location="file.json")


async def test_references_are_followed_into_documents_of_the_same_folder(tmp_path: Path) -> None:
    """External $ref, nested: a path item that refers to a schema beside it, and nothing outside the folder."""
    root = tmp_path / "specs"
    (root / "schemas").mkdir(parents=True)
    (tmp_path / "secret.yaml").write_text("type: string", encoding="utf-8")
    things = "post:\n  requestBody: {content: {application/json: {schema: {$ref: schemas/thing.yaml}}}}\n  responses: {}\n"
    (root / "things.yaml").write_text(things, encoding="utf-8")
    (root / "schemas" / "thing.yaml").write_text(
        "type: object\nrequired: [name]\nproperties:\n  name: {type: string}\n  parent: {$ref: '#'}\n"
        "  kind: {$ref: '../openapi.json#/components/schemas/Kind'}\n  secret: {$ref: ../../secret.yaml}\n",
        encoding="utf-8",
    )
    raw = document({"/things": {"$ref": "things.yaml"}}, components={"schemas": {"Kind": {"type": "string", "enum": ["a", "b"]}}})
    location = str(root / "openapi.json")
    externals = await gather_externals(raw, location, folder_reader())
    assert sorted(Path(name).name for name in externals) == ["thing.yaml", "things.yaml"]
    result = import_document(raw, provider="api", tenant_id=None, location=location, externals=externals)
    (operation,) = result.operations
    assert accepts(operation, {"name": "x", "kind": "a", "parent": {"name": "y"}})
    assert not accepts(operation, {"name": "x", "parent": {"kind": "z", "name": "y"}})
    assert any("secret.yaml" in skipped.reason for skipped in result.skipped)


@pytest.mark.parametrize(
    ("scheme", "proof"),
    [
        ({"type": "apiKey", "in": "header", "name": "X-Key"}, {"scheme": "s", "kind": "api_key", "in": "header", "name": "X-Key"}),
        ({"type": "apiKey", "in": "cookie", "name": "sid"}, {"scheme": "s", "kind": "api_key", "in": "cookie", "name": "sid"}),
        ({"type": "http", "scheme": "Basic"}, {"scheme": "s", "kind": "basic"}),
        ({"type": "http", "scheme": "bearer"}, {"scheme": "s", "kind": "bearer", "prefix": "Bearer"}),
        ({"type": "openIdConnect", "openIdConnectUrl": "https://x"}, {"scheme": "s", "kind": "bearer", "prefix": "Bearer"}),
    ],
)
def test_a_security_scheme_becomes_a_connection_requirement(scheme: dict[str, Any], proof: dict[str, Any]) -> None:
    """OpenAPI 3.1 §4.8.27."""
    operation = only({"/a": {"get": {"responses": OK}}}, security=[{"s": []}], components={"securitySchemes": {"s": scheme}})
    assert operation.connection == "api"
    assert operation.binding["security"] == [[proof]]


def test_scopes_of_oauth_are_required_of_the_connection_and_public_operations_need_none() -> None:
    """An operation's own `security` replaces the document's; `[]` and `{}` make it public."""
    schemes = {"o": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://x/t", "scopes": {"a": "", "b": ""}}}}}
    paths = {
        "/own": {"get": {"security": [{"o": ["a", "b"]}], "responses": OK}},
        "/public": {"get": {"security": [], "responses": OK}},
        "/optional": {"get": {"security": [{}, {"o": ["a"]}], "responses": OK}},
    }
    by_id = {operation.id: operation for operation in imported(paths, components={"securitySchemes": schemes}).operations}
    assert by_id["api.own.get"].connection_scopes == {"a", "b"}
    assert by_id["api.public.get"].connection is None
    assert by_id["api.optional.get"].connection is None
    assert by_id["api.optional.get"].binding["optional_security"] is True


def test_swagger_2_form_fields_files_and_lists_are_read() -> None:
    """Swagger 2.0: formData, type file, collectionFormat, host and basePath."""
    parameters = [
        {"name": "ids", "in": "query", "type": "array", "items": {"type": "integer"}, "collectionFormat": "pipes"},
        {"name": "note", "in": "formData", "type": "string", "required": True},
        {"name": "photo", "in": "formData", "type": "file"},
    ]
    raw = {"swagger": "2.0", "info": {}, "host": "api.example.com", "basePath": "/v1", "schemes": ["http", "https"]}
    raw["paths"] = {"/photos": {"post": {"parameters": parameters, "consumes": ["multipart/form-data"], "responses": {}}}}
    (operation,) = import_document(json.dumps(raw).encode(), provider="api", tenant_id=None, location=LOCATION).operations
    assert operation.binding["base_url"] == "https://api.example.com/v1"
    assert operation.binding["parameters"][0]["style"] == "pipeDelimited"
    assert operation.binding["body"]["files"] == {"photo": "one"}
    assert operation.signature == "api.photos.create(note: str, photo?: file, ids?: int[])"


def test_a_credential_parameter_is_not_an_argument() -> None:
    """Slack's documents pass the token beside their security scheme; a model never holds it."""
    token = {"name": "token", "in": "query", "required": True, "schema": {"type": "string"}}
    schemes = {"securitySchemes": {"o": {"type": "oauth2", "flows": {}}}}
    operation = only({"/a": {"get": {"parameters": [token], "responses": OK}}}, security=[{"o": []}], components=schemes)
    assert operation.input_schema["properties"] == {}
    assert operation.binding["credential_parameters"] == [{"name": "token", "in": "query"}]


GARBAGE: tuple[Any, ...] = (
    None,
    True,
    1,
    -1.5,
    "",
    "x",
    [],
    {},
    [None],
    {"$ref": "#"},
    {"$ref": 5},
    {"$ref": "#/paths"},
    {"type": [None]},
    10**400,
)


def damaged(node: Any, random: Random, share: float) -> Any:
    """Return `node` with some of its parts replaced by garbage, dropped, or under another name."""
    if isinstance(node, dict):
        kept = {}
        for key, value in node.items():
            draw = random.random()
            if draw < share:
                kept[key] = random.choice(GARBAGE)
            elif draw > 2 * share:
                kept[key] = damaged(value, random, share)
            elif draw > 1.5 * share:
                kept[random.choice(("$ref", "type", "properties", "items", "allOf", "in", "schema"))] = value
        return kept
    if isinstance(node, list):
        return [random.choice(GARBAGE) if random.random() < share else damaged(item, random, share) for item in node]
    return node


def test_no_damage_to_a_document_breaks_the_import() -> None:
    """Vendor documents are slightly invalid; what is worse than slightly is refused or reported, never a stack trace."""
    whole = parse((REPOSITORY / "server" / "demo" / "openapi.yaml").read_bytes(), "openapi.yaml")
    refused = 0
    tried = examples(150).max_examples
    for seed in range(tried):
        random = Random(seed)
        raw = json.dumps(damaged(whole, random, random.choice((0.005, 0.02, 0.08)))).encode()
        try:
            import_document(raw, provider="crm", tenant_id=None, location=LOCATION)
        except ImportFailed:
            refused += 1
    assert refused < tried
