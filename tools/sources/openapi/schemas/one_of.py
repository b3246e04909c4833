"""`oneOf`: exactly one branch, wherever the branches can be told apart; a discriminator says which one is meant.

Vendor documents also write oneOf over branches that overlap (an integer or a number, two objects without a required member).
Taken by the letter, such a branch is out of reach: whatever fits it fits another one too. The servers behind those documents
take what fits any branch, so then any will do. The rule: oneOf stays oneOf if each branch allows something that no other
branch allows (docs/decisions/0015-exactly-one-where-branches-differ.md).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs

from tools.json_schema.json_equal import holds, same
from tools.json_schema.schema_cost import VALUES
from tools.operation import Json

#: past this many branches comparing each with each costs more than it tells
MAX_BRANCHES = 40
MAX_DEPTH = 4
#: a document may compose without end; 20,000 steps take some 50 ms
MAX_STEPS = 20_000
_KINDS = ("string", "number", "boolean", "array", "object", "null")
#: not `format`: many validators, and so many servers, do not check it (JSON Schema 2020-12 §7.2.1)
_TEXT_RULES = ("pattern", "minLength", "maxLength")
_LEAF_RULES = (*_TEXT_RULES, "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")


def settled(schema: dict[str, Json]) -> dict[str, Json]:
    """Return a whole schema, each oneOf within turned into anyOf where its branches cannot be told apart."""
    whole: dict[str, Json] = _settled(schema, _Comparison(schema.get("$defs", {})))
    return whole


def _settled(node: Json, comparison: "_Comparison") -> Json:
    """Return `node` itself where nothing in it changes: parts are shared among operations."""
    if isinstance(node, list):
        items = [_settled(item, comparison) for item in node]
        return items if any(new is not old for new, old in zip(items, node, strict=True)) else node
    if not isinstance(node, dict):
        return node
    branches = node.get("oneOf")
    inner = {key: value if key in VALUES else _settled(value, comparison) for key, value in node.items()}
    is_same = all(inner[key] is node[key] for key in node)
    if not isinstance(branches, list) or comparison.tells_apart(branches):
        return node if is_same else inner
    any_of = inner.pop("oneOf")
    if "anyOf" in inner:
        return {**inner, "allOf": [*inner.get("allOf", ()), {"anyOf": any_of}]}
    return {**inner, "anyOf": any_of}


def narrowed(schema: dict[str, Json], name: str, values: list[Json]) -> dict[str, Json]:
    """Return `schema` with its member `name` one of `values`, unless the schema itself says something else of it."""
    said = [each for each in _members_named(schema, name) if isinstance(each, Mapping)]
    options = next((each["enum"] for each in said if isinstance(each.get("enum"), list)), None)
    if options is not None:
        values = [option for option in options if holds(values, option)]
    if not values or any("const" in each for each in said) or "anyOf" in schema or "oneOf" in schema:
        return schema
    properties = schema.get("properties")
    own = properties.get(name) if isinstance(properties, Mapping) else None
    member = {**(own if isinstance(own, Mapping) else {"type": "string"}), "enum": values}
    required = list(dict.fromkeys([*schema.get("required", ()), name]))
    return {**schema, "properties": {**(properties or {}), name: member}, "required": required}


def _members_named(schema: Json, name: str, depth: int = 0) -> Iterator[Json]:
    if isinstance(schema, Mapping) and depth <= MAX_DEPTH:
        properties = schema.get("properties")
        if isinstance(properties, Mapping) and name in properties:
            yield properties[name]
        for member in schema.get("allOf", ()):
            yield from _members_named(member, name, depth + 1)


class _Comparison:
    """Compares branches of one schema, within a limit of steps; past it nothing is told apart."""

    def __init__(self, definitions: Mapping[str, Json]) -> None:
        self._definitions = definitions
        self._steps_left = MAX_STEPS

    def tells_apart(self, branches: list[Json]) -> bool:
        if len(branches) > MAX_BRANCHES:
            return False
        pairs = ((one, other) for place, one in enumerate(branches) for position, other in enumerate(branches) if place != position)
        return all(self.escapes(one, other, 0) for one, other in pairs) and self._steps_left > 0

    def escapes(self, one: Json, other: Json, depth: int) -> bool:
        """Say whether `one` allows a value that `other` refuses, as far as can be seen from types, options and members."""
        a, b = self.merged(one), self.merged(other)
        if a is None or b is None or depth > MAX_DEPTH or self._steps_left < 0 or same(a, b):
            # False refuses everything; what is the same, or lies too deep, is not told apart.
            return a is not None and b is None
        for keyword in ("anyOf", "oneOf"):
            if isinstance(a.get(keyword), list):
                rest = {key: value for key, value in a.items() if key != keyword}
                return any(self.escapes({"allOf": [rest, branch]}, other, depth + 1) for branch in a[keyword])
        for keyword in ("anyOf", "oneOf"):
            if isinstance(b.get(keyword), list) and all(self.escapes(one, branch, depth + 1) for branch in b[keyword]):
                return True
        if "enum" in b:
            return "enum" not in a or any(not holds(b["enum"], value) for value in a["enum"])
        kinds, others = _kinds_of(a), _kinds_of(b)
        if kinds - others:
            return True
        if "enum" in a:
            return _refuses_some({rule: b[rule] for rule in _LEAF_RULES if rule in b}, a["enum"])
        return any(self._differs(kind, a, b, depth) for kind in kinds)

    def _differs(self, kind: str, a: Mapping[str, Any], b: Mapping[str, Any], depth: int) -> bool:
        if kind == "string":
            return any(rule in b and a.get(rule) != b[rule] for rule in _TEXT_RULES)
        if kind in ("number", "integer"):
            low, high = a.get("minimum", float("-inf")), a.get("maximum", float("inf"))
            return bool(b.get("minimum", float("-inf")) > low or b.get("maximum", float("inf")) < high)
        if kind == "array":
            return self.escapes(a.get("items", True), b.get("items", True), depth + 1)
        if kind != "object":
            return False
        members, others = a.get("properties", {}), b.get("properties", {})
        if set(b.get("required", ())) - set(a.get("required", ())):
            return True
        if b.get("additionalProperties") is False and members.keys() - others.keys():
            return True
        return any(self.escapes(member, others[name], depth + 1) for name, member in members.items() if name in others)

    def merged(self, schema: Json, hops: int = 0) -> dict[str, Any] | None:
        """Return a schema with its references and `allOf` written into one, or None for one that refuses everything."""
        self._steps_left -= 1
        if schema is False:
            return None
        if not isinstance(schema, Mapping) or hops > MAX_DEPTH * 2 or self._steps_left < 0:
            return {}
        merged: dict[str, Any] = {}
        parts = [self._definitions.get(schema["$ref"].removeprefix("#/$defs/"))] if isinstance(schema.get("$ref"), str) else []
        for part in [*parts, *schema.get("allOf", ())]:
            inner = self.merged(part, hops + 1)
            if inner is None:
                return None
            _add(merged, inner)
        _add(merged, {key: value for key, value in schema.items() if key not in ("$ref", "allOf")})
        if "const" in merged:
            merged["enum"] = [merged.pop("const")]
        return merged


def _refuses_some(rules: dict[str, Any], values: list[Json]) -> bool:
    if not rules:
        return False
    validator = jsonschema_rs.validator_for(rules, offline=True)
    return not all(validator.is_valid(value) for value in values)


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
