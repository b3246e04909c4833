"""The stub's own reading of an OpenAPI document, written apart from the importer so that one mistake is not made twice."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import jsonschema_rs
import yaml

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
SCHEMA_WORDS = (
    "type",
    "format",
    "items",
    "default",
    "maximum",
    "minimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "enum",
)
COLLECTIONS = {"csv": ("form", False), "ssv": ("spaceDelimited", False), "pipes": ("pipeDelimited", False), "multi": ("form", True)}


@dataclass
class StubParameter:
    name: str
    place: str
    required: bool
    style: str
    explode: bool
    schema: Any
    media_type: str | None = None


@dataclass
class StubOperation:
    method: str
    path: str
    pattern: re.Pattern[str]
    path_names: list[str]
    parameters: list[StubParameter]
    #: media type -> (schema, encoding); empty: no body
    bodies: dict[str, tuple[Any, Mapping[str, Any]]]
    body_required: bool
    security: list[list[Mapping[str, Any]]] = field(default_factory=list)
    is_public: bool = True

    @property
    def key(self) -> tuple[str, str]:
        return self.method.upper(), self.path


class StubDocument:
    def __init__(self, raw: bytes) -> None:
        try:
            self.root = json.loads(raw)
        except ValueError:
            self.root = json.loads(json.dumps(yaml.safe_load(raw), default=str))
        self.is_swagger = "swagger" in self.root
        self.draft = 4 if self.is_swagger or str(self.root.get("openapi", "")).startswith("3.0") else 2020
        self._adapted_root = {name: self.adapt(self.root[name]) for name in ("components", "definitions") if name in self.root}
        self._validators: dict[str, jsonschema_rs.Validator | None] = {}
        self.operations = list(self._operations())

    def deref(self, node: Any) -> Any:
        for _ in range(50):
            if not (isinstance(node, dict) and isinstance(node.get("$ref"), str) and node["$ref"].startswith("#")):
                return node
            target = self.root
            for part in unquote(node["$ref"][2:]).split("/"):
                part = part.replace("~1", "/").replace("~0", "~")
                target = target[int(part)] if isinstance(target, list) else target[part]
            node = target
        raise ValueError("endless reference")

    def validator(self, schema: Any) -> jsonschema_rs.Validator | None:
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            whole = self.adapt(schema)
            if isinstance(whole, dict) and "$ref" in key:
                whole = {**whole, **self._adapted_root}
            try:
                self._validators[key] = jsonschema_rs.validator_for(whole, validate_formats=True, offline=True)
            except (ValueError, jsonschema_rs.ReferencingError):
                self._validators[key] = None
        return self._validators[key]

    def faults(self, schema: Any, value: Any, where: str) -> list[str]:
        validator = self.validator(schema)
        return [] if validator is None else [f"{where}: {error.message[:200]}" for error in validator.iter_errors(value)]

    def adapt(self, node: Any, *, is_map: bool = False) -> Any:
        """Return OpenAPI's dialects as JSON Schema 2020-12: nullable, draft 4 limits, branches that overlap."""
        if isinstance(node, list):
            return [self.adapt(item) for item in node]
        if not isinstance(node, dict):
            return node
        if is_map:
            return {key: self.adapt(value) for key, value in node.items()}
        adapted = {
            key: self.adapt(value, is_map=key in ("properties", "definitions", "schemas"))
            for key, value in node.items()
            if key not in ("example", "examples", "x-examples", "discriminator")
        }
        for flag, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
            if isinstance(adapted.get(flag), bool):
                exclusive = adapted.pop(flag)
                if exclusive and limit in adapted:
                    adapted[flag] = adapted.pop(limit)
        kinds = [
            member.get("type") for member in adapted.get("allOf", []) if isinstance(member, dict) and isinstance(member.get("type"), str)
        ]
        if {"string", "integer"} <= set(kinds):
            # Nothing satisfies both: a server that published this checks neither.
            del adapted["allOf"]
        if isinstance(adapted.get("required"), bool):
            del adapted["required"]
        if adapted.get("type") == "file":
            adapted["type"] = "string"
        if isinstance(adapted.get("pattern"), str) and not usable(adapted["pattern"]):
            del adapted["pattern"]
        if isinstance(adapted.get("properties"), dict):
            members = {name: self.deref(member) for name, member in node["properties"].items()}
            read_only = {name for name, member in members.items() if isinstance(member, dict) and member.get("readOnly") is True}
            if isinstance(adapted.get("required"), list):
                adapted["required"] = [name for name in adapted["required"] if name not in read_only]
        if adapted.pop("nullable", False) is True:
            adapted = {"anyOf": [adapted, {"type": "null"}]}
        return adapted

    def _operations(self) -> Iterator[StubOperation]:
        for path, item in self.root.get("paths", {}).items():
            item = self.deref(item)
            for method in METHODS:
                if isinstance(item, dict) and isinstance(item.get(method), dict):
                    yield self._operation(method, path, item, item[method])

    def _operation(self, method: str, path: str, item: Mapping[str, Any], node: Mapping[str, Any]) -> StubOperation:
        parameters: dict[tuple[str, str], Any] = {}
        for parameter in [*item.get("parameters", []), *node.get("parameters", [])]:
            parameter = self.deref(parameter)
            parameters[parameter["name"], parameter["in"]] = parameter
        bodies, body_required = self._bodies(node, list(parameters.values()))
        declared = {name for name, place in parameters if place == "query"}
        path = without_pairs(path, declared)
        bare = path.split("#")[0].split("?")[0]
        names = re.findall(r"\{([^{}]+)\}", bare)
        pattern = "".join(
            re.escape(part) if position % 2 == 0 else f"(?P<p{position}>[^/]*)"
            for position, part in enumerate(re.split(r"\{([^{}]+)\}", bare))
        )
        security, is_public = self._security(node)
        kept = [self._parameter(p) for p in parameters.values() if p["in"] in ("path", "query", "header", "cookie")]
        kept = [p for p in kept if not (p.place == "header" and p.name.lower() in ("accept", "content-type", "authorization"))]
        return StubOperation(method, path, re.compile(pattern), names, kept, bodies, body_required, security, is_public)

    def _parameter(self, parameter: Mapping[str, Any]) -> StubParameter:
        place = parameter["in"]
        default_style = {"path": "simple", "header": "simple", "query": "form", "cookie": "form"}[place]
        media_type = None
        if "content" in parameter:
            media_type, media = next(iter(parameter["content"].items()))
            schema = media.get("schema", {})
        elif "schema" in parameter:
            schema = parameter["schema"]
        else:
            schema = {key: parameter[key] for key in SCHEMA_WORDS if key in parameter}
        style = parameter.get("style", default_style)
        explode = parameter.get("explode", style == "form")
        if self.is_swagger and parameter.get("type") == "array":
            style, explode = COLLECTIONS.get(parameter.get("collectionFormat", "csv"), ("form", False))
            style = style if place == "query" else "simple"
        return StubParameter(parameter["name"], place, bool(parameter.get("required")), style, explode, schema, media_type)

    def _bodies(self, node: Mapping[str, Any], parameters: list[Mapping[str, Any]]) -> tuple[dict[str, Any], bool]:
        if not self.is_swagger:
            body = self.deref(node.get("requestBody")) or {}
            content = body.get("content", {})
            return {name: (media.get("schema", {}), media.get("encoding", {})) for name, media in content.items()}, bool(
                body.get("required")
            )
        consumes = node.get("consumes", self.root.get("consumes", ["application/json"]))
        fields = [parameter for parameter in parameters if parameter["in"] == "formData"]
        if fields:
            schema: dict[str, Any] = {
                "type": "object",
                "properties": {part["name"]: {key: part[key] for key in SCHEMA_WORDS if key in part} for part in fields},
                "required": [part["name"] for part in fields if part.get("required")],
            }
            forms = [name for name in consumes if "form" in name] or ["application/x-www-form-urlencoded"]
            return {name: (schema, {}) for name in forms}, bool(schema["required"])
        for parameter in parameters:
            if parameter["in"] == "body":
                return {name: (parameter.get("schema", {}), {}) for name in consumes}, bool(parameter.get("required"))
        return {}, False

    def _security(self, node: Mapping[str, Any]) -> tuple[list[list[Mapping[str, Any]]], bool]:
        schemes = self.root.get("securityDefinitions") or self.root.get("components", {}).get("securitySchemes", {})
        required = node.get("security", self.root.get("security")) or []
        alternatives = [[self.deref(schemes[name]) for name in one if name in schemes] for one in required]
        return [one for one in alternatives if one], not required or any(not one for one in required)


def without_pairs(path: str, declared: set[str]) -> str:
    """Return a path without the pairs `q={q}` of its query where `q` is declared as a query parameter."""
    before, mark, query = path.partition("?")
    kept = [pair for pair in query.split("&") if not (pair.partition("=")[0] in declared and "{" in pair)]
    return f"{before}{mark if kept else ''}{'&'.join(kept)}" if mark else path


def usable(pattern: str) -> bool:
    try:
        jsonschema_rs.validator_for({"pattern": pattern})
    except ValueError:
        return False
    return True
