"""The OpenAPI document of the demo CRM, and what a request must be like by it."""

import copy
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

from server.demo.problems import Problem, invalid

_DOCUMENT = Path(__file__).parent / "openapi.yaml"


@functools.cache
def document() -> dict[str, Any]:
    """Return the document as it is written; callers do not change it."""
    loaded: dict[str, Any] = yaml.load(_DOCUMENT.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return loaded


def published(base_url: str, schemes: Mapping[str, Any], scope_by_method: Mapping[str, str]) -> dict[str, Any]:
    """Return the document with its server and the protection that is switched on; scopes are those of the method, GET or other."""
    told = copy.deepcopy(document())
    told["servers"] = [{"url": base_url}]
    if schemes:
        told["components"]["securitySchemes"] = dict(schemes)
        told["security"] = [{name: []} for name in schemes]
    for methods in told["paths"].values():
        for method, operation in methods.items():
            if method != "parameters" and "oauth" in schemes and "security" not in operation:
                scope = scope_by_method.get(method.upper(), scope_by_method["*"])
                operation["security"] = [{name: [scope] if name == "oauth" else []} for name in schemes]
    return told


@dataclass(frozen=True, slots=True)
class Contract:
    """One operation: where it is and how to read a request for it."""

    operation_id: str
    method: str
    path: str
    success: int
    parameters: tuple[Mapping[str, Any], ...]
    body: jsonschema_rs.Validator | None
    takes_key: bool
    #: answers everybody, whatever protects the others
    is_open: bool

    def read_query(self, texts: Mapping[str, str]) -> dict[str, Any]:
        """Return the query parameters with their JSON types and defaults. Raises Problem 422 with every fault."""
        values: dict[str, Any] = {}
        faults = [(name, "is not a parameter of this operation") for name in texts if name not in {p["name"] for p in self.parameters}]
        for parameter in self.parameters:
            name, schema = parameter["name"], _resolved(parameter["schema"])
            if name not in texts:
                values[name] = schema.get("default")
                if parameter.get("required"):
                    faults.append((name, "is required"))
                continue
            values[name] = _typed(texts[name], schema.get("type"))
            faults += [(name, error.message) for error in _validator(schema).iter_errors(values[name])]
        if faults:
            raise invalid(*faults)
        return values

    def read_body(self, content: bytes) -> dict[str, Any]:
        """Return the JSON body. Raises Problem 400 where it is not JSON and 422 with every fault."""
        if self.body is None:
            return {}
        try:
            value = json.loads(content)
        except ValueError as error:
            raise Problem(400, "malformed", f"the body is not JSON: {error}") from error
        if faults := [(_field_of(error), error.message) for error in self.body.iter_errors(value)]:
            raise invalid(*dict.fromkeys(faults))
        fields: dict[str, Any] = value
        return fields


def contracts() -> list[Contract]:
    """Return every operation of the document; literal paths come before those with an id in their place."""
    found = []
    for path, methods in document()["paths"].items():
        shared = methods.get("parameters", [])
        for method, operation in methods.items():
            if method != "parameters":
                found.append(_contract(path, method.upper(), operation, shared))
    return sorted(found, key=lambda contract: "{" in contract.path)


def _contract(path: str, method: str, operation: Mapping[str, Any], shared: list[Any]) -> Contract:
    parameters = [_resolved(parameter) for parameter in (*shared, *operation.get("parameters", []))]
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return Contract(
        operation_id=operation["operationId"],
        method=method,
        path=path,
        success=int(next(iter(operation["responses"]))),
        parameters=tuple(parameter for parameter in parameters if parameter["in"] == "query"),
        body=_validator(content["schema"]) if content else None,
        takes_key=any(parameter["name"] == "Idempotency-Key" for parameter in parameters),
        is_open=operation.get("security") == [],
    )


def _resolved(node: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in node:
        return node
    target: Any = document()
    for step in node["$ref"].removeprefix("#/").split("/"):
        target = target[step]
    found: Mapping[str, Any] = target
    return found


def _validator(schema: Mapping[str, Any]) -> jsonschema_rs.Validator:
    # References in the document are from its root, so the components come along.
    whole = {**schema, "components": document()["components"]}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


def _typed(text: str, kind: object) -> object:
    if kind not in ("integer", "number"):
        return text
    try:
        return int(text) if kind == "integer" else float(text)
    except ValueError:
        return text  # the schema then says what it should have been


def _field_of(error: jsonschema_rs.ValidationError) -> str:
    return ".".join(str(step) for step in error.instance_path) or "body"
