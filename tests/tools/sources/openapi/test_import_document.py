"""What becomes of a document: operations as it means them, and a report of what could not come in."""

import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import jsonschema_rs
import pytest

from tests.conftest import REPOSITORY
from tools.errors import ImportFailed
from tools.operation import Operation
from tools.sources.openapi.document import parse
from tools.sources.openapi.external_documents import folder_reader, gather_externals
from tools.sources.openapi.import_document import ImportResult, import_document
from tools.sources.openapi.overlay import read_overlay
from tools.sources.operation_audit import misfits_of

#: each line holds nine times the one before: seven million nodes in 500 bytes
BOMB = b"l0: &l0 [x]\n" + b"".join(b"l%d: &l%d [%s]\n" % (n, n, b", ".join([b"*l%d" % (n - 1)] * 9)) for n in range(1, 8))
LOCATION = "https://api.example.com/specs/openapi.json"
OK = {
    "200": {"description": "ok", "content": {"application/json": {"schema": {"type": "object", "properties": {"id": {"type": "string"}}}}}}
}


def document(paths: dict[str, Any], **root: Any) -> bytes:
    whole = {"openapi": "3.0.3", "info": {"title": "T", "version": "1"}, "servers": [{"url": "https://api.example.com"}], "paths": paths}
    return json.dumps(whole | root).encode()


def imported(paths: dict[str, Any], **root: Any) -> ImportResult:
    return import_document(document(paths, **root), provider="api", tenant_id=None, location=LOCATION)


def only(paths: dict[str, Any], **root: Any) -> Operation:
    (operation,) = imported(paths, **root).operations
    return operation


def accepts(operation: Operation, arguments: dict[str, Any]) -> bool:
    return jsonschema_rs.validator_for(dict(operation.input_schema), offline=True).is_valid(arguments)


def post(schema: dict[str, Any], **components: Any) -> Operation:
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    return only({"/things": {"post": {"requestBody": body, "responses": OK}}}, components={"schemas": components})


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


AMOUNT = {"content": {"application/json": {"schema": {"type": "object", "properties": {"amount": {"type": "integer"}}}}}}


@pytest.mark.parametrize(
    ("method", "path", "summary", "access"),
    [
        ("put", "/sites/{id}/disable", "", "destructive"),
        ("post", "/item/access_token/invalidate", "Invalidate access_token", "destructive"),
        ("post", "/RepeatingInvoices/{id}", "Deletes a specific repeating invoice template", "destructive"),
        ("post", "/users/{id}/subscriptions/unsubscribe", "Remove Notification Subscriptions", "destructive"),
        ("post", "/invoices/{id}/void", "Void an invoice", "destructive"),
        ("post", "/v2/refunds", "Refunds a payment.", "destructive"),
        ("post", "/transfer/refund/create", "Create a refund", "destructive"),
        ("post", "/transfer/create", "Create a transfer", "destructive"),
        ("post", "/payments/{id}/refunds", "", "destructive"),
        ("post", "/payouts", "Create a payout", "destructive"),
        ("post", "/refunds/{id}", "Update a refund", "write"),
        ("post", "/transfer/refund/get", "Retrieve a refund", "read"),
        ("post", "/payout_settings", "Create payout settings", "write"),
        ("patch", "/mail_settings/bounce_purge", "Update bounce purge mail settings", "write"),
        ("patch", "/tracking", "Update click tracking. Enables or disables it", "write"),
        ("post", "/evals/{id}/runs", "Kicks off a new run", "write"),
        ("get", "/droplets/{id}/destroy_with_resources", "List what would be destroyed", "read"),
        ("get", "/files.share", "Share a remote file into a channel", "write"),
        ("get", "/pods/{name}/exec", "connect GET requests to exec of Pod", "write"),
        ("post", "/users.session.reset", "Wipes all valid sessions on all devices", "destructive"),
    ],
)
def test_the_words_of_a_document_decide_on_the_tier(method: str, path: str, summary: str, access: str) -> None:
    """What it says that it deletes, ends or pays out asks first; what only speaks of it does not."""
    body = {"requestBody": AMOUNT} if method == "post" else {}
    operation = only({path: {method: {"summary": summary, "responses": OK, **body}}})
    assert operation.access == access
    assert misfits_of(operation) == []
    assert (misfits_of(replace(operation, access="read")) == []) == (access == "read")


@pytest.mark.parametrize(
    ("method", "path", "operation_id", "access", "idempotent"),
    [
        ("get", "/users", "listUsers", "read", True),
        ("post", "/users", "createUser", "write", False),
        ("put", "/users/{id}", "replaceUser", "write", True),
        ("delete", "/users/{id}", "deleteUser", "destructive", True),
        ("post", "/users/search", "searchUsers", "read", True),
        ("post", "/users/{id}/revoke", "revokeUser", "destructive", False),
        ("get", "/users/{id}/delete", "deleteUserOldStyle", "destructive", True),
        ("post", "/chat.delete", "chat_delete", "destructive", False),
        ("get", "/#Action=DeleteDomain", "GET_DeleteDomain", "destructive", True),
        ("get", "/#Action=CreateDomain", "GET_CreateDomain", "write", False),
        ("get", "/sendMessage", "sendMessageUsingGET", "write", False),
        ("get", "/droplets/{id}/destroy_all/status", "droplets_get_DestroyStatus", "read", True),
        ("post", "/conversations/{id}/read", None, "write", False),
        ("post", "/webhooks/{id}/test", "testWebhook", "write", False),
        ("post", "/pools/{id}/removenodes", "Pool_RemoveNodes", "destructive", False),
        ("post", "/groups/{id}/removeContact/{contact}", None, "destructive", False),
        ("post", "/images/prune", "ImagePrune", "destructive", False),
        ("post", "/#X-Target=A.BatchDeleteImages", "BatchDeleteImages", "destructive", False),
    ],
)
def test_the_access_tier_follows_from_method_and_words(method: str, path: str, operation_id: str, access: str, idempotent: bool) -> None:
    """Issue "Calling any API": access tier, idempotency and destructiveness are derived."""
    operation = only({path: {method: {"operationId": operation_id, "responses": OK}}})
    assert (operation.access, operation.idempotent) == (access, idempotent)


def test_an_overlay_corrects_what_was_derived() -> None:
    """Issue "Calling any API": overridable in a small overlay file."""
    overlay = read_overlay(
        b'operations:\n  "post /reports": {id: reports.search, access: read, idempotent: true, summary: Search reports}\n'
        b"  api.users.delete: {hide: true}\n  api.gone.get: {hide: true}\n",
        "overlay.yaml",
    )
    raw = document({"/reports": {"post": {"responses": OK}}, "/users/{id}": {"delete": {"responses": OK}}})
    result = import_document(raw, provider="api", tenant_id=None, location=LOCATION, overlay=overlay)
    (operation,) = result.operations
    assert (operation.id, operation.access, operation.idempotent) == ("api.reports.search", "read", True)
    assert [skipped.where for skipped in result.skipped] == ["api.gone.get"]


def test_an_overlay_names_several_places_that_serve_the_same() -> None:
    """Issue "Calling any API": upstreams with several base URLs, by weight and health."""
    overlay = read_overlay(
        b"base_urls: [{url: 'https://a.example/v1', weight: 3, health_path: /ok}, 'https://b.example/v1']", "overlay.yaml"
    )
    raw = document({"/things": {"get": {"responses": OK}}})
    (operation,) = import_document(raw, provider="api", tenant_id=None, location=LOCATION, overlay=overlay).operations
    assert operation.binding["base_url"] == "https://a.example/v1"
    assert [place["weight"] for place in operation.binding["base_urls"]] == [3.0, 1.0]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"operations: {a: {access: evil}}", "operations.a.access"),
        (b"operations: {a: {id: 'A b'}}", "not a name"),
        (b"x: 1", "unknown key 'x'"),
    ],
)
def test_a_faulty_overlay_is_refused_with_its_place(raw: bytes, message: str) -> None:
    """Bad input is normal input."""
    with pytest.raises(ImportFailed, match=message):
        read_overlay(raw, "overlay.yaml")


def test_the_content_hash_changes_exactly_with_what_a_caller_relies_on() -> None:
    """A re-import keeps what did not change, and shows what did."""

    def hash_of(**node: Any) -> str:
        return only({"/a": {"get": {"responses": OK, **node}}}).content_hash

    plain = hash_of(summary="A")
    assert plain == hash_of(summary="A", externalDocs={"url": "https://x"})
    assert plain != hash_of(summary="B")
    assert plain != hash_of(summary="A", parameters=[{"name": "q", "in": "query", "schema": {"type": "string"}}])
    assert plain != hash_of(summary="A", deprecated=True)


@pytest.mark.parametrize(
    ("parameters", "properties", "style", "argument", "items", "following"),
    [
        (["cursor", "limit"], {"results": [], "next_cursor": ""}, "cursor", "cursor", "results", "next_cursor"),
        (["pageToken", "pageSize"], {"items": [], "nextPageToken": ""}, "cursor", "pageToken", "items", "nextPageToken"),
        (["starting_after"], {"data": [], "has_more": True}, "cursor", "starting_after", "data", "data[-1].id"),
        (["page", "per_page"], {"users": []}, "page", "page", "users", None),
        (["offset", "limit"], {"total": 1, "entries": []}, "offset", "offset", "entries", None),
        (["PageSize"], {"calls": [], "next_page_uri": ""}, "link", None, "calls", "next_page_uri"),
    ],
)
def test_paging_is_recognised(
    parameters: list[str], properties: dict[str, Any], style: str, argument: str | None, items: str, following: str | None
) -> None:
    """Issue "Calling any API": cursor, page, offset and Link header."""
    row = {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "string"}}}}
    members = {name: row if isinstance(value, list) else {"type": "string"} for name, value in properties.items()}
    answer = {"200": {"content": {"application/json": {"schema": {"type": "object", "properties": members}}}}}
    kinds = {"page": "integer", "offset": "integer", "limit": "integer"}
    listed = [{"name": name, "in": "query", "schema": {"type": kinds.get(name, "string")}} for name in parameters]
    paging = only({"/things": {"get": {"parameters": listed, "responses": answer}}}).paging
    assert paging is not None
    assert (paging.style, paging.argument, paging.items_path, paging.next_path) == (style, argument, items, following)


def test_a_link_header_means_link_paging() -> None:
    """RFC 8288."""
    answer = {"200": {"headers": {"Link": {"schema": {"type": "string"}}}, "content": {"application/json": {"schema": {"type": "array"}}}}}
    paging = only({"/things": {"get": {"responses": answer}}}).paging
    assert paging is not None
    assert (paging.style, paging.items_path) == ("link", "@")


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
    for seed in range(150):
        random = Random(seed)
        raw = json.dumps(damaged(whole, random, random.choice((0.005, 0.02, 0.08)))).encode()
        try:
            import_document(raw, provider="crm", tenant_id=None, location=LOCATION)
        except ImportFailed:
            refused += 1
    assert refused < 150
