"""Documents of a few paths, and what an import makes of them."""

import json
from typing import Any

import jsonschema_rs

from tools.operation import Operation
from tools.sources.openapi.import_document import ImportResult, import_document

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


def post(schema: dict[str, Any], **components: Any) -> Operation:
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    return only({"/things": {"post": {"requestBody": body, "responses": OK}}}, components={"schemas": components})


def accepts(operation: Operation, arguments: dict[str, Any]) -> bool:
    return jsonschema_rs.validator_for(dict(operation.input_schema), offline=True).is_valid(arguments)
