"""Schemas of OpenAPI 3.0, 3.1 and Swagger 2.0 -> one self-contained JSON Schema 2020-12, within a size limit."""

import re
from collections import deque
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

import jsonschema_rs

from tools.operation import Json
from tools.providers.openapi_document import BrokenReference, OpenApiDocument

Direction = Literal["in", "out"]

TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
#: what vendor documents write where JSON Schema has another word
TYPE_BY_MISNOMER = {
    "int": "integer",
    "int32": "integer",
    "int64": "integer",
    "long": "integer",
    "float": "number",
    "double": "number",
    "decimal": "number",
    "bool": "boolean",
    "str": "string",
    "text": "string",
    "date": "string",
    "datetime": "string",
    "date-time": "string",
    "uuid": "string",
    "file": "string",
    "binary": "string",
    "list": "array",
    "dict": "object",
    "map": "object",
}
COUNTS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
PLAIN = ("format", "default", "const", "contentEncoding", "contentMediaType")
LISTS_OF_SCHEMAS = ("allOf", "anyOf", "prefixItems")
SINGLE_SCHEMAS = ("not", "additionalProperties", "items", "contains", "propertyNames", "unevaluatedProperties", "if", "then", "else")
MAPS_OF_SCHEMAS = ("patternProperties", "dependentSchemas")
MAX_DEPTH = 40
MAX_DESCRIPTION_CHARS = 600
#: nodes of one schema, its $defs included; past that a schema says only what it is called
MAX_NODES_IN = 2_500
MAX_NODES_OUT = 500


class SchemaBundle:
    """Converts schemas and collects what they refer to under `$defs`, nearest first, each name once.

    Input schemas lose what only the server sets (readOnly), output schemas what only the client sends (writeOnly).
    """

    def __init__(self, document: OpenApiDocument, direction: Direction, max_nodes: int | None = None) -> None:
        self._document = document
        self._direction = direction
        self._nodes_left = max_nodes or (MAX_NODES_IN if direction == "in" else MAX_NODES_OUT)
        self._name_by_ref: dict[str, str] = {}
        self._pending: deque[str] = deque()
        #: references that led nowhere; what they stood for accepts anything
        self.broken: list[str] = []

    def convert(self, schema: Json, depth: int = 0) -> Json:
        """Return `schema` in JSON Schema 2020-12, with `#/$defs/…` for what it refers to."""
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, Mapping):
            return {}
        self._nodes_left -= 1
        if self._nodes_left < 0 or depth > MAX_DEPTH:
            return {}
        ref = schema.get("$ref")
        if isinstance(ref, str):
            return self._reference(ref, schema, depth)
        converted = self._keywords(schema, depth)
        return as_nullable(converted) if is_nullable(schema) else converted

    def definitions(self) -> dict[str, Json]:
        """Return everything that was referred to so far, and what that refers to in turn."""
        definitions: dict[str, Json] = {}
        while self._pending:
            ref = self._pending.popleft()
            definitions[self._name_by_ref[ref]] = self.convert(self._document.target(ref), 1)
        return dict(sorted(definitions.items()))

    def complete(self, schema: dict[str, Json]) -> dict[str, Json]:
        """Return `schema` (already converted) with its `$defs`."""
        definitions = self.definitions()
        return {**schema, "$defs": definitions} if definitions else schema

    def hides(self, schema: Json) -> bool:
        """Say whether a property belongs to the other direction: readOnly in a request, writeOnly in an answer."""
        try:
            resolved = self._document.resolve(schema)
        except BrokenReference:
            return False
        return isinstance(resolved, Mapping) and resolved.get("readOnly" if self._direction == "in" else "writeOnly") is True

    def _reference(self, ref: str, schema: Mapping[str, Json], depth: int) -> Json:
        try:
            target = self._document.target(ref)
        except BrokenReference as error:
            self.broken.append(str(error))
            return {}
        own_words = {key: schema[key] for key in ("description", "default") if key in schema}
        if is_small(target):
            inline = self.convert(target, depth + 1)
            return {**inline, **own_words} if isinstance(inline, dict) else inline
        if ref not in self._name_by_ref:
            self._name_by_ref[ref] = self._free_name(ref)
            self._pending.append(ref)
        reference: dict[str, Json] = {"$ref": f"#/$defs/{self._name_by_ref[ref]}"}
        if schema.get("nullable") is True:
            reference = {"anyOf": [reference, {"type": "null"}]}
        return {**reference, **own_words}

    def _free_name(self, ref: str) -> str:
        last = re.sub(r"[^A-Za-z0-9_.-]+", "_", ref.rsplit("/", 1)[-1]).strip("_") or "schema"
        taken = set(self._name_by_ref.values())
        name, number = last, 2
        while name in taken:
            name, number = f"{last}_{number}", number + 1
        return name

    def _keywords(self, schema: Mapping[str, Json], depth: int) -> dict[str, Json]:
        converted: dict[str, Json] = {}
        types = types_of(schema)
        if types:
            converted["type"] = types[0] if len(types) == 1 else types
        _copy_facts(schema, converted)
        for keyword in LISTS_OF_SCHEMAS:
            members = schema.get(keyword)
            if isinstance(members, list) and members and not (keyword == "allOf" and self._contradicts(members)):
                converted[keyword] = [self.convert(member, depth + 1) for member in members]
        if isinstance(schema.get("oneOf"), list) and schema["oneOf"]:
            self._one_of(schema["oneOf"], converted, depth)
        for keyword in SINGLE_SCHEMAS:
            if isinstance(schema.get(keyword), Mapping | bool):
                converted[keyword] = self.convert(schema[keyword], depth + 1)
        for keyword in MAPS_OF_SCHEMAS:
            if isinstance(schema.get(keyword), Mapping):
                converted[keyword] = {
                    name: self.convert(member, depth + 1) for name, member in schema[keyword].items() if usable_pattern(name)
                }
        self._properties(schema, converted, depth)
        return converted

    def _contradicts(self, members: list[Json]) -> bool:
        """Say whether no value could satisfy all of `allOf`, because its members name types that exclude each other."""
        common: set[str] | None = None
        for member in members:
            try:
                resolved = self._document.resolve(member)
            except BrokenReference:
                continue
            types = set(types_of(resolved)) if isinstance(resolved, Mapping) else set()
            types |= {"integer"} if "number" in types else set()
            if types:
                common = types if common is None else common & types
        if common is not None and not common:
            self.broken.append("an allOf contradicts itself: its members name types that exclude each other")
            return True
        return False

    def _one_of(self, members: list[Json], converted: dict[str, Json], depth: int) -> None:
        # Branches of vendor documents overlap, so that a strict oneOf refuses what the upstream takes: any will do.
        branches = [self.convert(member, depth + 1) for member in members]
        if "anyOf" in converted:
            converted["allOf"] = [*converted.get("allOf", []), {"anyOf": branches}]
        else:
            converted["anyOf"] = branches

    def _properties(self, schema: Mapping[str, Json], converted: dict[str, Json], depth: int) -> None:
        properties = schema.get("properties")
        hidden: set[str] = set()
        required_here: list[str] = []
        if isinstance(properties, Mapping):
            hidden = {name for name, member in properties.items() if self.hides(member)}
            converted["properties"] = {name: self.convert(member, depth + 1) for name, member in properties.items() if name not in hidden}
            # OpenAPI 2 habit, invalid but common: `required: true` on the property itself.
            required_here = [n for n, member in properties.items() if isinstance(member, Mapping) and member.get("required") is True]
        required = schema.get("required")
        names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
        names = [name for name in dict.fromkeys([*names, *required_here]) if name not in hidden]
        if names:
            converted["required"] = names


def types_of(schema: Mapping[str, Json]) -> list[str]:
    """Return the JSON types that `schema` names, misnomers corrected; empty where it names none."""
    named = schema.get("type")
    names = named if isinstance(named, list) else [named]
    types = [TYPE_BY_MISNOMER.get(name.lower(), name.lower()) for name in names if isinstance(name, str)]
    return list(dict.fromkeys(name for name in types if name in TYPES))


def is_nullable(schema: Mapping[str, Json]) -> bool:
    return schema.get("nullable") is True or schema.get("x-nullable") is True


def as_nullable(converted: dict[str, Json]) -> dict[str, Json]:
    """Return the 2020-12 form of OpenAPI 3.0's `nullable: true`."""
    if not converted:
        return converted
    if "type" in converted:
        types = converted["type"] if isinstance(converted["type"], list) else [converted["type"]]
        nullable = {**converted, "type": list(dict.fromkeys([*types, "null"]))}
        if "enum" in nullable and None not in nullable["enum"]:
            nullable["enum"] = [*nullable["enum"], None]
        if {"allOf", "anyOf", "$ref", "const"}.isdisjoint(nullable):
            return nullable
    words: dict[str, Json] = {key: converted[key] for key in ("description", "title", "default", "deprecated") if key in converted}
    rest = {key: value for key, value in converted.items() if key not in words}
    return {"anyOf": [rest, {"type": "null"}], **words} if rest else words


def is_small(schema: Json) -> bool:
    """Say whether a schema is a plain value, better read in place than behind a reference."""
    if not isinstance(schema, Mapping):
        return True
    structural = ("$ref", "properties", "items", "allOf", "anyOf", "oneOf", "additionalProperties", "not", "patternProperties")
    return not any(keyword in schema for keyword in structural)


@lru_cache(maxsize=4096)
def usable_pattern(pattern: str) -> bool:
    """Say whether our validator can compile a regular expression; PCRE and Java dialects slip into documents."""
    try:
        jsonschema_rs.validator_for({"pattern": pattern})
    except ValueError:
        return False
    return True


def _copy_facts(schema: Mapping[str, Json], converted: dict[str, Json]) -> None:
    title, description = schema.get("title"), schema.get("description")
    if isinstance(title, str) and not isinstance(description, str):
        converted["title"] = title
    if isinstance(description, str) and description.strip():
        converted["description"] = shortened(description)
    enum = schema.get("enum")
    if isinstance(enum, list) and enum:
        converted["enum"] = _fitting(enum, converted.get("type"))
    for keyword in PLAIN:
        if keyword in schema and (keyword != "format" or isinstance(schema[keyword], str)):
            converted[keyword] = schema[keyword]
    for keyword in COUNTS:
        if isinstance(schema.get(keyword), int) and not isinstance(schema[keyword], bool) and schema[keyword] >= 0:
            converted[keyword] = schema[keyword]
    _copy_numbers(schema, converted)
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and usable_pattern(pattern):
        converted["pattern"] = pattern
    for keyword in ("uniqueItems", "deprecated"):
        if schema.get(keyword) is True:
            converted[keyword] = True


def _copy_numbers(schema: Mapping[str, Json], converted: dict[str, Json]) -> None:
    for keyword in NUMBERS:
        value = schema.get(keyword)
        if isinstance(value, int | float) and not isinstance(value, bool) and (keyword != "multipleOf" or value > 0):
            converted[keyword] = value
    # OpenAPI 3.0 and Swagger 2.0 (JSON Schema draft 4): exclusiveMaximum is a flag on maximum.
    for exclusive, inclusive in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if schema.get(exclusive) is True and inclusive in converted:
            converted[exclusive] = converted.pop(inclusive)


def _fitting(enum: list[Json], named: Json) -> list[Json]:
    """Return the options as values of the type that the schema names: YAML documents write `enum: [1, 2]` for strings."""
    if named == "string":
        return list(dict.fromkeys(_text(option) if isinstance(option, int | float) else option for option in enum if _hashable(option)))
    if named in ("integer", "number"):
        return [int(option) if isinstance(option, str) and re.fullmatch(r"-?\d+", option) else option for option in enum]
    return enum


def _text(option: Json) -> str:
    return ("true" if option else "false") if isinstance(option, bool) else str(option)


def _hashable(option: Json) -> bool:
    return not isinstance(option, dict | list)


def shortened(text: str) -> str:
    """Return a description on one line, within MAX_DESCRIPTION_CHARS."""
    flat = " ".join(text.split())
    return flat if len(flat) <= MAX_DESCRIPTION_CHARS else flat[: MAX_DESCRIPTION_CHARS - 1].rstrip() + "…"
