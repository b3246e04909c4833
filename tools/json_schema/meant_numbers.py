"""Numbers as a schema means them: 5.0 is the integer 5 (JSON Schema 2020-12 validation §6.1.1), and digits in text are an integer.

Integers past 2⁵³ lose their last digits in many JSON libraries, past 64 bits they are refused by some (RFC 8259 §6), so whoever
has one writes its digits as text.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tools.operation import Json

_BIG_INTEGER = re.compile(r"-?[1-9]\d{15,999}")
_MAY_HOLD_BIG = re.compile(rb'"-?[1-9]\d{15,999}"')
#: past that a float is no longer written digit by digit, as in JavaScript
MAX_WHOLE = 1e21
#: Values times the schemas that each is held against. What is larger keeps the rest of its numbers as they were given: equal to what
#: was meant, only written otherwise.
MAX_EFFORT = 500_000
MAX_SCHEMAS = 200
_COMPOSED = ("allOf", "anyOf", "oneOf")
_CONDITIONAL = ("then", "else")
#: of a `number`: what says that it is a whole one all the same
_WHOLE_FORMATS = frozenset({"int32", "int64", "uint32", "uint64"})


def may_hold_big_integers(raw: bytes) -> bool:
    """Say whether this JSON text may hold an integer written as text."""
    return _MAY_HOLD_BIG.search(raw) is not None


def may_differ(raw: bytes) -> bool:
    """Say whether this JSON text may hold a number that is written otherwise than it is meant."""
    # How whole floats look in what orjson writes; plain scans, since every call with a body comes by.
    return b".0" in raw or b"e1" in raw or b"e20" in raw or _MAY_HOLD_BIG.search(raw) is not None


def within_64_bits(digits: str) -> int:
    """Return the integer of `digits`, or the nearest that every JSON library takes: enough to be judged."""
    return max(-(2**63), min(2**63 - 1, int(digits)))


def meant(value: Json, schema: Json, definitions: Mapping[str, Json], integer: Callable[[str], Json], max_effort: int = MAX_EFFORT) -> Json:
    """Return `value` with what `schema` says are integers made by `integer` from their digits."""
    return _Meant(definitions, integer, max_effort).value(value, [schema])


class _Meant:
    """Follows a value through the schemas that hold for it."""

    def __init__(self, definitions: Mapping[str, Json], integer: Callable[[str], Json], max_effort: int) -> None:
        self._definitions, self._integer = definitions, integer
        self._effort_left = max_effort
        self._whole_by_id: dict[int, list[Mapping[str, Any]]] = {}

    def value(self, value: Json, schemas: Iterable[Json]) -> Json:
        self._effort_left -= 1
        if self._effort_left < 0 or value is None or isinstance(value, bool | int):
            return value
        held = [each for schema in schemas for each in self._parts_of(schema)]
        self._effort_left -= len(held)
        if isinstance(value, Mapping):
            return {name: self.value(member, list(_of_member(held, name))) for name, member in value.items()}
        if isinstance(value, list):
            items = [each["items"] for each in held if isinstance(each.get("items"), Mapping)]
            return [self.value(item, items + _of_place(held, place)) for place, item in enumerate(value)]
        types = {name for each in held for name in _types_of(each)}
        if isinstance(value, float) and value.is_integer() and abs(value) < MAX_WHOLE and "integer" in types and "number" not in types:
            return self._integer(str(int(value)))
        if isinstance(value, str) and {"integer", "number"} & types and "string" not in types and _BIG_INTEGER.fullmatch(value):
            return self._integer(value)
        return value

    def _parts_of(self, schema: Json) -> list[Mapping[str, Any]]:
        """Return everything that a schema says of a value: itself, what it refers to and what it is composed of."""
        if id(schema) not in self._whole_by_id:
            parts: list[Mapping[str, Any]] = []
            pending, seen = [schema], set()
            while pending and len(parts) < MAX_SCHEMAS:
                part = pending.pop()
                if not isinstance(part, Mapping) or id(part) in seen:
                    continue
                seen.add(id(part))
                parts.append(part)
                if isinstance(part.get("$ref"), str):
                    pending.append(self._definitions.get(part["$ref"].removeprefix("#/$defs/")))
                for keyword in _COMPOSED:
                    pending += part[keyword] if isinstance(part.get(keyword), list) else []
                pending += [part[keyword] for keyword in _CONDITIONAL if keyword in part]
            self._whole_by_id[id(schema)] = parts
        return self._whole_by_id[id(schema)]


def _types_of(schema: Mapping[str, Any]) -> list[str]:
    named = schema.get("type")
    if named is None and not any(keyword in schema for keyword in ("$ref", *_COMPOSED)):
        options = schema.get("enum", [schema["const"]] if "const" in schema else None)
        return [_TYPE.get(type(option), "other") for option in options] if isinstance(options, list) else ["string", "number"]
    if named == "number" and (schema.get("format") in _WHOLE_FORMATS or _is_whole(schema.get("multipleOf"))):
        return ["integer"]
    return named if isinstance(named, list) else [named] if named else []


def _is_whole(factor: Json) -> bool:
    return isinstance(factor, int | float) and not isinstance(factor, bool) and factor >= 1 and float(factor).is_integer()


_TYPE = {int: "integer", float: "number", str: "string"}


def _of_member(schemas: list[Mapping[str, Any]], name: str) -> Iterable[Json]:
    for schema in schemas:
        properties = schema.get("properties")
        if isinstance(properties, Mapping) and name in properties:
            yield properties[name]
        elif isinstance(patterns := schema.get("patternProperties"), Mapping):
            # Which pattern fits is not looked for: a number is written as an integer where all of them say so.
            yield from patterns.values()
        else:
            yield schema.get("additionalProperties")
            yield schema.get("unevaluatedProperties")


def _of_place(schemas: list[Mapping[str, Any]], place: int) -> list[Json]:
    return [
        each["prefixItems"][place] for each in schemas if isinstance(each.get("prefixItems"), list) and place < len(each["prefixItems"])
    ]
