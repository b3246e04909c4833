"""`oneOf`: exactly one branch, wherever the branches can be told apart; a discriminator says which one is meant.

Vendor documents also write oneOf over branches that overlap (an integer or a number, two objects without a required member).
Taken by the letter, such a branch is out of reach: whatever fits it fits another one too. The servers behind those documents
take what fits any branch, so then any will do. The rule: oneOf stays oneOf if each branch allows something that no other
branch allows (docs/decisions/0015-exactly-one-where-branches-differ.md).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs

from tools.operation import Json

#: past this many branches comparing each with each costs more than it tells
MAX_BRANCHES = 40
MAX_DEPTH = 4
_KINDS = ("string", "number", "boolean", "array", "object", "null")
#: not `format`: many validators, and so many servers, do not check it (JSON Schema 2020-12 §7.2.1)
_TEXT_RULES = ("pattern", "minLength", "maxLength")
_LEAF_RULES = (*_TEXT_RULES, "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")


def settle(node: Json, definitions: Mapping[str, Json]) -> None:
    """Turn each oneOf under `node` into anyOf, in place, where its branches cannot be told apart."""
    if isinstance(node, list):
        for item in node:
            settle(item, definitions)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key not in ("enum", "examples", "default", "const"):
                settle(value, definitions)
        branches = node.get("oneOf")
        if isinstance(branches, list) and not _are_apart(branches, definitions):
            del node["oneOf"]
            if "anyOf" in node:
                node["allOf"] = [*node.get("allOf", ()), {"anyOf": branches}]
            else:
                node["anyOf"] = branches


def narrow(schema: dict[str, Json], name: str, values: list[Json]) -> None:
    """Have the member `name` of `schema` be one of `values`, in place, unless the schema itself says something else of it."""
    said = [each for each in _members_named(schema, name) if isinstance(each, Mapping)]
    options = next((each["enum"] for each in said if isinstance(each.get("enum"), list)), None)
    if options is not None:
        values = [option for option in options if option in values]
    if not values or any("const" in each for each in said) or "anyOf" in schema or "oneOf" in schema:
        return
    properties = schema.get("properties")
    own = properties.get(name) if isinstance(properties, Mapping) else None
    schema["properties"] = {**(properties or {}), name: {**(own if isinstance(own, Mapping) else {"type": "string"}), "enum": values}}
    schema["required"] = list(dict.fromkeys([*schema.get("required", ()), name]))


def contradicts(member: Json, value: str) -> bool:
    """Say whether what a document says of a discriminator (example, default, pattern of values) speaks against `value`."""
    if not isinstance(member, Mapping):
        return False
    shown = [member[key] for key in ("example", "default", "const") if key in member]
    listed = member.get("examples")
    shown += listed if isinstance(listed, list) else []
    return any(each != value for each in shown)


def _members_named(schema: Json, name: str, depth: int = 0) -> Iterator[Json]:
    if isinstance(schema, Mapping) and depth <= MAX_DEPTH:
        properties = schema.get("properties")
        if isinstance(properties, Mapping) and name in properties:
            yield properties[name]
        for member in schema.get("allOf", ()):
            yield from _members_named(member, name, depth + 1)


def _are_apart(branches: list[Json], definitions: Mapping[str, Json]) -> bool:
    if len(branches) > MAX_BRANCHES:
        return False
    return all(
        _escapes(one, other, definitions, 0)
        for position, one in enumerate(branches)
        for place, other in enumerate(branches)
        if place != position
    )


def _escapes(one: Json, other: Json, definitions: Mapping[str, Json], depth: int) -> bool:
    """Say whether `one` allows a value that `other` refuses, as far as can be seen from types, options and members."""
    a, b = _merged(one, definitions), _merged(other, definitions)
    if a is None or b is None or depth > MAX_DEPTH or a == b:
        # False refuses everything; what is the same, or lies too deep, is not told apart.
        return a is not None and b is None
    for keyword in ("anyOf", "oneOf"):
        if isinstance(a.get(keyword), list):
            rest = {key: value for key, value in a.items() if key != keyword}
            return any(_escapes({"allOf": [rest, branch]}, other, definitions, depth + 1) for branch in a[keyword])
    for keyword in ("anyOf", "oneOf"):
        if isinstance(b.get(keyword), list) and all(_escapes(one, branch, definitions, depth + 1) for branch in b[keyword]):
            return True
    if "enum" in b:
        return "enum" not in a or any(value not in b["enum"] for value in a["enum"])
    kinds, others = _kinds_of(a), _kinds_of(b)
    if kinds - others:
        return True
    if "enum" in a:
        return _refuses_some({rule: b[rule] for rule in _LEAF_RULES if rule in b}, a["enum"])
    return any(_RULES[kind](a, b, definitions, depth) for kind in kinds if kind in _RULES)


def _refuses_some(rules: dict[str, Any], values: list[Json]) -> bool:
    if not rules:
        return False
    validator = jsonschema_rs.validator_for(rules, offline=True)
    return not all(validator.is_valid(value) for value in values)


def _merged(schema: Json, definitions: Mapping[str, Json], hops: int = 0) -> dict[str, Any] | None:
    """Return a schema with its references and `allOf` written into one, or None for one that refuses everything."""
    if schema is False:
        return None
    if not isinstance(schema, Mapping) or hops > MAX_DEPTH * 2:
        return {}
    merged: dict[str, Any] = {}
    parts = [definitions.get(schema["$ref"].removeprefix("#/$defs/"))] if isinstance(schema.get("$ref"), str) else []
    for part in [*parts, *schema.get("allOf", ())]:
        inner = _merged(part, definitions, hops + 1)
        if inner is None:
            return None
        _add(merged, inner)
    _add(merged, {key: value for key, value in schema.items() if key not in ("$ref", "allOf")})
    if "const" in merged:
        merged["enum"] = [merged.pop("const")]
    return merged


def _add(merged: dict[str, Any], facts: Mapping[str, Any]) -> None:
    for key, value in facts.items():
        if key == "properties":
            merged[key] = {**merged.get(key, {}), **value}
        elif key == "required":
            merged[key] = [*merged.get(key, ()), *value]
        elif key not in ("description", "title", "examples", "default", "deprecated"):
            merged[key] = value


def _kinds_of(schema: Mapping[str, Any]) -> set[str]:
    if "enum" in schema:
        return {_KIND_BY_TYPE.get(type(value), "object") for value in schema["enum"]}
    named = schema.get("type")
    names = named if isinstance(named, list) else [named] if named else []
    if not names:
        if "properties" in schema or "required" in schema:
            return {"object"}
        return {"array"} if "items" in schema else set(_KINDS) | {"integer"}
    # A number may be an integer, so whoever allows numbers allows both.
    return {"number", "integer"} | set(names) if "number" in names else set(names)


_KIND_BY_TYPE = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null", list: "array", dict: "object"}


def _text_escapes(a: Mapping[str, Any], b: Mapping[str, Any], definitions: Mapping[str, Json], depth: int) -> bool:
    return any(rule in b and a.get(rule) != b[rule] for rule in _TEXT_RULES)


def _number_escapes(a: Mapping[str, Any], b: Mapping[str, Any], definitions: Mapping[str, Json], depth: int) -> bool:
    low, high = a.get("minimum", float("-inf")), a.get("maximum", float("inf"))
    return bool(b.get("minimum", float("-inf")) > low or b.get("maximum", float("inf")) < high)


def _list_escapes(a: Mapping[str, Any], b: Mapping[str, Any], definitions: Mapping[str, Json], depth: int) -> bool:
    return _escapes(a.get("items", True), b.get("items", True), definitions, depth + 1)


def _object_escapes(a: Mapping[str, Any], b: Mapping[str, Any], definitions: Mapping[str, Json], depth: int) -> bool:
    if set(b.get("required", ())) - set(a.get("required", ())):
        return True
    members, others = a.get("properties", {}), b.get("properties", {})
    if b.get("additionalProperties") is False and members.keys() - others.keys():
        return True
    return any(_escapes(member, others[name], definitions, depth + 1) for name, member in members.items() if name in others)


_RULES = {
    "string": _text_escapes,
    "number": _number_escapes,
    "integer": _number_escapes,
    "array": _list_escapes,
    "object": _object_escapes,
}
