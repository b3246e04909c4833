"""Random arguments that fit an input schema: some calls with only what is required, some with everything."""

import base64
import re
import string
from collections.abc import Mapping
from random import Random
from re import _constants as constants  # type: ignore[attr-defined]  # the standard library's own parser, which has no types
from re import _parser as parser  # type: ignore[attr-defined]  # likewise
from typing import Any

import jsonschema_rs

MAX_DEPTH = 6
TEXTS = ("Ada Lovelace", "a&b=c", "50 % off", "naïve café", "x/y", "a,b", "semi;colon", "plus+sign", "quote\"'", "hash#tag", "日本", "tab?")
FORMATS = {
    "date": "2026-11-21",
    "date-time": "2026-11-21T10:30:00Z",
    "time": "10:30:00Z",
    "email": "ada@example.com",
    "idn-email": "ada@example.com",
    "uri": "https://example.com/a?b=c",
    "url": "https://example.com/a?b=c",
    "uri-reference": "/a?b=c",
    "iri": "https://example.com/a",
    "iri-reference": "/a",
    "uri-template": "https://example.com/{a}",
    "uuid": "0b9f3c52-6f0e-4d9a-9f6e-0a3f6f3c5a11",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "hostname": "example.com",
    "idn-hostname": "example.com",
    "duration": "P3D",
    "json-pointer": "/a/b",
    "relative-json-pointer": "1/a",
    "regex": "a+",
}


class NoArguments(Exception):
    """No valid arguments were found; the message says where."""


class ArgumentMaker:
    def __init__(self, schema: Mapping[str, Any], seed: int) -> None:
        self._root = schema
        self._random = Random(seed)
        self._validator = jsonschema_rs.validator_for(dict(schema), validate_formats=True, offline=True)

    def arguments(self, *, everything: bool) -> dict[str, Any]:
        """Return valid arguments; optional ones whose schema nothing satisfies are left out. Raises NoArguments."""
        message = ""
        for _ in range(20):
            value = self._object(self._root, 0, everything)
            for choice in self._root.get("allOf", ()):
                branches = choice.get("oneOf") or choice["anyOf"]
                branch = self._random.choice(branches)
                if "oneOf" in choice:
                    others = {name for each in branches for name in each["required"]} - set(self._root.get("required", ()))
                    value = {name: member for name, member in value.items() if name not in others}
                value |= {name: self.value(self._root["properties"][name], 1, everything) for name in branch["required"]}
            errors = list(self._validator.iter_errors(value))
            impossible = {str(error.instance_path[0]) for error in errors if error.instance_path}
            value = {name: member for name, member in value.items() if name not in impossible or name in self._root.get("required", ())}
            error = next(self._validator.iter_errors(value), None)
            if error is None:
                return value
            message = f"{error.instance_path}: {error.message[:160]}"
        raise NoArguments(message)

    def value(self, schema: Any, depth: int, everything: bool) -> Any:
        schema = self._resolved(schema)
        if not isinstance(schema, Mapping):
            return "x"
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._random.choice(schema["enum"])
        if schema.get("allOf"):
            return self._all_of(schema, depth, everything)
        for keyword in ("anyOf", "oneOf"):
            if schema.get(keyword):
                branches = [b for b in schema[keyword] if self._resolved(b).get("type") != "null"] or schema[keyword]
                # A result handle cannot be made up.
                branches = [b for b in branches if "handle" not in self._resolved(b).get("required", ())]
                branch = self._random.choice(branches) if depth < MAX_DEPTH else branches[0]
                merged = self._merged(self._resolved(branch), {k: v for k, v in schema.items() if k not in ("anyOf", "oneOf")})
                return self.value(merged, depth + 1, everything)
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next((name for name in kind if name != "null"), "null")
        if kind is None:
            kind = "object" if "properties" in schema else "array" if "items" in schema else "string"
        return getattr(self, f"_{kind}")(schema, depth, everything)

    def _object(self, schema: Mapping[str, Any], depth: int, everything: bool) -> Any:
        required = set(schema.get("required", ()))
        properties = schema.get("properties", {})
        out = {}
        for name, member in properties.items():
            if name in required or (everything and depth < 3):
                out[name] = self.value(member, depth + 1, everything and depth < 2)
        if not out and schema.get("minProperties") and properties:
            name = next(iter(properties))
            out[name] = self.value(properties[name], depth + 1, False)
        for name in required - set(properties):
            out[name] = "x"
        extra = schema.get("additionalProperties")
        is_wanted = everything or schema.get("minProperties", 0) > len(out)
        if is_wanted and not properties and extra is not False and depth < MAX_DEPTH:
            out["key"] = self.value(extra, depth + 1, False) if isinstance(extra, Mapping) and extra else "x"
        return out

    def _array(self, schema: Mapping[str, Any], depth: int, everything: bool) -> Any:
        least = max(int(schema.get("minItems", 0)), 1)
        count = least + (1 if everything and schema.get("maxItems", 99) > least and not schema.get("uniqueItems") else 0)
        if depth > MAX_DEPTH:
            count = int(schema.get("minItems", 0))
        made = [self.value(schema.get("items", {}), depth + 1, everything) for _ in range(count)]
        return made if not schema.get("uniqueItems") else [item for n, item in enumerate(made) if item not in made[:n]]

    def _string(self, schema: Mapping[str, Any], depth: int, everything: bool) -> Any:
        if schema.get("contentEncoding") == "base64":
            return base64.b64encode(b"hello \x00 bytes").decode()
        if schema.get("format") in FORMATS:
            return FORMATS[schema["format"]]
        if "pattern" in schema:
            found = matching(schema["pattern"], self._random, int(schema.get("minLength", 0)))
            return found[: int(schema.get("maxLength", 10_000))]
        text = self._random.choice(TEXTS)
        least, most = int(schema.get("minLength", 0)), int(schema.get("maxLength", 10_000))
        while len(text) < least:
            text += "abc"
        return text[:most]

    def _integer(self, schema: Mapping[str, Any], depth: int, everything: bool) -> Any:
        low = schema.get("minimum", schema["exclusiveMinimum"] + 1 if "exclusiveMinimum" in schema else None)
        high = schema.get("maximum", schema["exclusiveMaximum"] - 1 if "exclusiveMaximum" in schema else None)
        value = self._random.randint(1, 99) if low is None and high is None else int(low if low is not None else high)
        step = schema.get("multipleOf")
        return value if not step else int(-(-value // step) * step)

    def _number(self, schema: Mapping[str, Any], depth: int, everything: bool) -> Any:
        if {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"} & set(schema):
            low = schema.get("minimum", schema.get("exclusiveMinimum"))
            high = schema.get("maximum", schema.get("exclusiveMaximum"))
            if low is not None and high is not None:
                value = (low + high) / 2
            else:
                value = low + 1 if low is not None else high - 1 if high is not None else 1
            step = schema.get("multipleOf")
            return value if not step else -(-value // step) * step
        return self._random.choice([1.5, 42, 0.25])

    def _boolean(self, schema: Mapping[str, Any], depth: int, everything: bool) -> Any:
        return self._random.random() < 0.5

    def _null(self, schema: Mapping[str, Any], depth: int, everything: bool) -> Any:
        return None

    def _all_of(self, schema: Mapping[str, Any], depth: int, everything: bool) -> Any:
        merged: dict[str, Any] = {key: value for key, value in schema.items() if key != "allOf"}
        for member in schema["allOf"]:
            merged = self._merged(self._resolved(member), merged)
        return self.value(merged, depth + 1, everything)

    def _merged(self, one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
        merged = {**one, **other}
        if "properties" in one or "properties" in other:
            merged["properties"] = {**one.get("properties", {}), **other.get("properties", {})}
        merged["required"] = [*one.get("required", ()), *other.get("required", ())]
        if "allOf" in one and "allOf" in other:
            merged["allOf"] = [*one["allOf"], *other["allOf"]]
        return merged

    def _resolved(self, schema: Any) -> Any:
        while isinstance(schema, Mapping) and "$ref" in schema:
            target = self._root.get("$defs", {})[schema["$ref"].removeprefix("#/$defs/")]
            schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
        return schema


def matching(pattern: str, random: Random, least: int = 0) -> str:
    """Return a text that matches a regular expression; plain constructs only."""
    try:
        parsed = parser.parse(pattern)
    except re.error:
        return "x"
    texts = (_generate(parsed, random, repeats) for repeats in (1, 2, 3, 4, 8, 16, 32, 64))
    text = next((text for text in texts if len(text) >= least), _generate(parsed, random))
    return text if len(text) >= least or pattern.endswith("$") else text + "a" * (least - len(text))


def _generate(parsed: Any, random: Random, repeats: int = 1) -> str:
    out = []
    for op, value in parsed:
        if op is constants.LITERAL:
            out.append(chr(value))
        elif op is constants.NOT_LITERAL:
            out.append("b" if chr(value) != "b" else "c")
        elif op is constants.ANY:
            out.append("a")
        elif op is constants.IN:
            out.append(_one_of(value))
        elif op in (constants.MAX_REPEAT, constants.MIN_REPEAT, constants.POSSESSIVE_REPEAT):
            low, high, inner = value
            count = min(max(low, repeats), high)
            out.append("".join(_generate(inner, random) for _ in range(count)))
        elif op is constants.SUBPATTERN:
            out.append(_generate(value[3], random))
        elif op is constants.BRANCH:
            out.append(_generate(value[1][0], random))
    return "".join(out)


def _one_of(members: Any) -> str:
    negated = members[0][0] is constants.NEGATE
    candidates = string.ascii_lowercase + string.digits + string.ascii_uppercase + "-_. "
    for candidate in candidates:
        hit = any(
            (op is constants.LITERAL and ord(candidate) == value)
            or (op is constants.RANGE and value[0] <= ord(candidate) <= value[1])
            or (op is constants.CATEGORY and _in_category(candidate, value))
            for op, value in members
        )
        if hit != negated:
            return candidate
    first = members[1] if negated else members[0]
    return chr(first[1] if first[0] is constants.LITERAL else first[1][0])


def _in_category(candidate: str, category: Any) -> bool:
    name = str(category)
    positive = {"DIGIT": candidate.isdigit(), "WORD": candidate.isalnum() or candidate == "_", "SPACE": candidate.isspace()}
    kind = name.rsplit("_", 1)[-1]
    return positive.get(kind, False) != ("NOT" in name)
