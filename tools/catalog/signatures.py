"""An operation in one line: `crm.contacts.search(query: str, limit?: int≤100, after?: str) -> {results[], paging}`."""

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from tools.catalog.signature_types import (
    MAX_BRANCHES,
    WHOLE,
    WORD_BY_TYPE,
    Brevity,
    Definitions,
    is_deprecated,
    is_null,
    properties_of,
    resolved,
    type_of,
)
from tools.operation import Json
from tools.plain_text import written_out

MAX_MEMBERS = 8
MAX_NESTING = 4
#: a signature says as much as fits into so many characters, and only what is required makes it longer
GOOD_SIGNATURE_CHARS = 360
MAX_SIGNATURE_CHARS = 1_600
#: what a request is about may have more
ROOM_OF_MAIN_CHARS = 160
#: names of what a request is about, in APIs that require nothing
_SPEAKING = """
name title subject content text message messages input prompt query model data body items amount email to value values file url
"""
SPEAKING = frozenset(_SPEAKING.split())


class Measure(NamedTuple):
    """How much a signature says of each argument, how many optional arguments, and how many members of the answer."""

    each: Brevity
    arguments: int
    returned: int


#: from everything to the least that can be called; the first that leaves room for what matters is taken
MEASURES = (
    Measure(WHOLE, 20, MAX_MEMBERS),
    Measure(WHOLE._replace(optional=2, members=8), 20, MAX_MEMBERS),
    Measure(WHOLE._replace(optional=2, members=6), 16, 6),
    Measure(Brevity(3, 2, 4, 5), 14, 4),
    Measure(Brevity(3, 1, 6, 4), 14, 4),
    Measure(Brevity(3, 1, 4, 3), 12, 4),
    Measure(Brevity(3, 1, 2, 2), 10, 2),
    Measure(Brevity(3, 0, 0, 2), 8, 2),
    Measure(Brevity(3, 0, 0, 2, notes=False), 4, 2),
)
#: where what is required is itself too long
LEAST = (
    Measure(Brevity(2, 0, 0, 2, notes=False), 2, 2),
    Measure(Brevity(1, 0, 0, 0, notes=False), 0, 2),
    Measure(Brevity(0, 0, 0, 0, notes=False), 0, 0),
)


def signature_of(
    operation_id: str,
    input_schema: Mapping[str, Json],
    returns: str,
    main: Collection[str] = (),
    late: Collection[str] = (),
    common: Collection[str] = (),
) -> str:
    """Return the compact signature: required arguments first, in the order of the schema, then the optional ones.

    `main`: optional arguments that stand before the others, what a request is about. `late`: those that stand after them.
    `common`: those that nearly every operation of the API takes; they are only counted. A long signature says less of options, nested
    members and the answer first; what it leaves out is counted (`…+12`). What is required is shown to three levels, as long as it fits
    into MAX_SIGNATURE_CHARS.
    """
    definitions = Definitions(input_schema.get("$defs", {}))
    wanted = _wanted(input_schema, main, late, common)
    room = GOOD_SIGNATURE_CHARS + (ROOM_OF_MAIN_CHARS if main else 0)
    for measure in MEASURES:
        signature = _signature(operation_id, input_schema, returns, definitions, wanted, measure)
        if len(signature) <= room:
            return signature
    for measure in LEAST:
        if len(signature) <= MAX_SIGNATURE_CHARS:
            break
        signature = _signature(operation_id, input_schema, returns, definitions, wanted, measure)
    return signature


def _wanted(input_schema: Mapping[str, Json], main: Collection[str], late: Collection[str], common: Collection[str]) -> list[str]:
    """Return the optional arguments worth showing, in their order."""
    required = set(input_schema.get("required", ()))
    properties = input_schema.get("properties", {})
    optional = [name for name in properties if name not in required and name not in common and not is_deprecated(properties[name])]
    return sorted(optional, key=lambda name: (name not in main, name in late, name.lower() not in SPEAKING))


def _signature(
    operation_id: str, input_schema: Mapping[str, Json], returns: str, definitions: Definitions, wanted: list[str], measure: Measure
) -> str:
    properties = input_schema.get("properties", {})
    required = set(input_schema.get("required", ()))
    parts = [f"{name}: {type_of(properties[name], definitions, measure.each)}" for name in properties if name in required]
    shown = wanted[: measure.arguments]
    parts += [f"{name}?: {type_of(properties[name], definitions, measure.each, needed=False)}" for name in shown]
    left = sum(not is_deprecated(member) for name, member in properties.items() if name not in required) - len(shown)
    if left:
        parts.append(f"…+{left} optional")
    elif input_schema.get("additionalProperties") not in (None, False):
        parts.append("…")
    tail = f") -> {_fewer(returns, measure.returned)}" if returns else ")"
    return f"{operation_id}({', '.join(map(written_out, parts))}{tail}"


def _fewer(returns: str, members: int) -> str:
    """Return an outline with at most so many members in each object."""

    def cut(match: re.Match[str]) -> str:
        named = match[1].split(", ")
        return match[0] if len(named) <= members else "{" + ", ".join([*named[:members], "…"]) + "}"

    return returns if members >= MAX_MEMBERS else re.sub(r"\{([^{}]*)\}", cut, returns)


def returns_of(output_schema: Mapping[str, Json] | None) -> str:
    """Return the outline of an answer: its members, `[]` after lists, `{…}` no deeper than one level; "" where unknown."""
    if output_schema is None:
        return ""
    return written_out(_outline(output_schema, Definitions(output_schema.get("$defs", {})), 0))


def _outline(schema: Json, definitions: Definitions, depth: int) -> str:
    schema = resolved(schema, definitions)
    key = (id(schema), depth, -1, None)
    if (known := definitions.words.get(key)) is None:
        known = definitions.words[key] = _outlined(schema, definitions, depth)
    return known


def _outlined(schema: Json, definitions: Definitions, depth: int) -> str:
    if not isinstance(schema, Mapping) or depth > MAX_NESTING:
        return "any"
    for keyword in ("anyOf", "oneOf"):
        branches = schema.get(keyword)
        if isinstance(branches, list) and "properties" not in schema:
            outlines = [_outline(member, definitions, depth + 1) for member in branches[:MAX_BRANCHES] if not is_null(member)]
            return "|".join(list(dict.fromkeys(outlines))[:2]) or "any"
    if _is_array(schema):
        inner = _outline(schema.get("items", {}), definitions, depth + 1)
        return f"{inner}[]"
    properties, _required = properties_of(schema, definitions)
    if not properties:
        kind = schema.get("type")
        kinds = [name for name in kind if name != "null"] if isinstance(kind, list) else [kind]
        return "|".join(WORD_BY_TYPE.get(str(name), "any") for name in kinds)
    shown = []
    for name, member in list(properties.items())[:MAX_MEMBERS]:
        inner_schema = resolved(member, definitions)
        shown.append(f"{name}[]" if isinstance(inner_schema, Mapping) and _is_array(inner_schema) else name)
    return "{" + ", ".join(shown) + (", …" if len(properties) > MAX_MEMBERS else "") + "}"


def _is_array(schema: Mapping[str, Json]) -> bool:
    kind = schema.get("type")
    return kind == "array" or (isinstance(kind, list) and "array" in kind)
