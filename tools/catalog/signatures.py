"""An operation in one line: `crm.contacts.search(query: str, limit?: int≤100, after?: str) -> {results[], paging}`."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from tools.json_text import encode
from tools.operation import Json
from tools.plain_text import written_out

WORD_BY_TYPE = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "object": "object", "null": "null"}
#: formats that say more than `str`
WORD_BY_FORMAT = {"date": "date", "date-time": "datetime", "email": "email", "uri": "url", "url": "url", "uuid": "uuid"}
MAX_OPTIONS = 6
MAX_OPTION_CHARS = 60
MAX_ARGUMENTS = 14
MAX_MEMBERS = 8
MAX_HOPS = 8
LONG_SIGNATURE_CHARS = 300
MAX_DEPTH = 2
#: branches within branches: documents can nest them without end
MAX_NESTING = 4
MAX_BRANCHES = 8
#: as many optional arguments are worth more than the details of the others
WANTED_OPTIONAL = 4


class Definitions(dict[str, Json]):
    """`$defs` of a schema, with the words that were found for parts of it: branches may refer so that one part is reached without end."""

    def __init__(self, named: Mapping[str, Json]) -> None:
        super().__init__(named)
        #: (id of a part, depth, options) -> its words; the schema outlives this, so no id comes twice
        self.words: dict[tuple[int, int, int], str] = {}


class Brevity(NamedTuple):
    """How much a signature says: from which depth on objects are only called so, of options, and of the answer's members."""

    depth: int
    options: int
    members: int
    has_types: bool = True


#: from everything to the least that can be called; the first that leaves room for what matters is taken
BREVITIES = (
    Brevity(0, MAX_OPTIONS, MAX_MEMBERS),
    Brevity(MAX_DEPTH, MAX_OPTIONS, MAX_MEMBERS),
    Brevity(MAX_DEPTH, MAX_OPTIONS, 4),
    Brevity(MAX_DEPTH, 2, 4),
    Brevity(MAX_DEPTH, 2, 2),
    Brevity(MAX_DEPTH, 0, 2, has_types=False),
)


def signature_of(operation_id: str, input_schema: Mapping[str, Json], returns: str) -> str:
    """Return the compact signature: required arguments first, in the order of the schema, then the optional ones.

    A long one says less of options, nested objects and the answer first, and then leaves optional arguments out: `…+12 optional`.
    Only required arguments whose bare names are too long make it longer than LONG_SIGNATURE_CHARS.
    """
    best, most = "", -1
    for brevity in BREVITIES:
        signature, shown, left = _signature(operation_id, input_schema, returns, brevity)
        if len(signature) <= LONG_SIGNATURE_CHARS:
            if not left or shown >= WANTED_OPTIONAL:
                return signature
            if shown > most:
                best, most = signature, shown
    return best or signature


def _signature(operation_id: str, input_schema: Mapping[str, Json], returns: str, brevity: Brevity) -> tuple[str, int, int]:
    """Return (signature, how many optional arguments it shows, how many it leaves out)."""
    definitions = Definitions(input_schema.get("$defs", {}))
    required = set(input_schema.get("required", ()))
    properties = input_schema.get("properties", {})
    optional = [name for name in properties if name not in required and not _is_deprecated(properties[name])]
    head, tail = f"{operation_id}(", f") -> {_fewer(returns, brevity.members)}" if returns else ")"
    parts = [_argument(name, "", properties[name], definitions, brevity) for name in properties if name in required]
    room = LONG_SIGNATURE_CHARS - len(head) - len(tail) - sum(len(part) + 2 for part in parts) - len("…+999 optional")
    shown = 0
    for name in optional[: max(0, MAX_ARGUMENTS - len(parts))]:
        part = _argument(name, "?", properties[name], definitions, brevity)
        room -= len(part) + 2
        if room < 0:
            break
        parts.append(part)
        shown += 1
    left = len(optional) - shown
    if left:
        parts.append(f"…+{left} optional")
    elif input_schema.get("additionalProperties") not in (None, False):
        parts.append("…")
    return f"{head}{', '.join(parts)}{tail}", shown, left


def _argument(name: str, mark: str, schema: Json, definitions: Definitions, brevity: Brevity) -> str:
    typed = f"{name}{mark}: {type_of(schema, definitions, brevity.depth, brevity.options)}" if brevity.has_types else f"{name}{mark}"
    return written_out(typed)


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


def type_of(schema: Json, definitions: Definitions, depth: int = 0, options: int = MAX_OPTIONS) -> str:
    """Return the type of an argument in a few characters, with its limits, so many of its options, and its default."""
    schema = _resolved(schema, definitions)
    key = (id(schema), depth, options)
    if (known := definitions.words.get(key)) is None:
        known = definitions.words[key] = _type_of(schema, definitions, depth, options)
    return known


def _type_of(schema: Json, definitions: Definitions, depth: int, options: int) -> str:
    if not isinstance(schema, Mapping) or depth > MAX_NESTING:
        return "any"
    if "const" in schema:
        return _literal(schema["const"])
    if isinstance(schema.get("enum"), list):
        return _options(schema["enum"], options) + _default(schema)
    if isinstance(schema.get("type"), list):
        kinds = [name for name in schema["type"][:MAX_BRANCHES] if name != "null"]
        words = [_type_of({**schema, "type": name}, definitions, depth, options) for name in kinds]
        return "|".join(dict.fromkeys(words)) or "null"
    for keyword in ("anyOf", "oneOf"):
        if isinstance(schema.get(keyword), list):
            if any(isinstance(member, Mapping) and member.get("contentEncoding") == "base64" for member in schema[keyword]):
                return "file"
            branches = [member for member in schema[keyword] if not (isinstance(member, Mapping) and member.get("type") == "null")]
            words = list(dict.fromkeys(type_of(member, definitions, depth + 1, options) for member in branches[:MAX_BRANCHES]))
            is_cut = len(words) > 3 or len(branches) > MAX_BRANCHES
            return "|".join(words[:3]) + ("|…" if is_cut else "") if words else "any"
    if isinstance(schema.get("allOf"), list) and "type" not in schema and "properties" not in schema:
        words = [type_of(member, definitions, depth + 1, options) for member in schema["allOf"][:MAX_BRANCHES]]
        return next((word for word in words if word != "any"), "any")
    return _typed(schema, definitions, depth, options) + _default(schema)


def _typed(schema: Mapping[str, Json], definitions: Definitions, depth: int, options: int) -> str:
    kind = schema.get("type")
    if kind == "array" or (kind is None and "items" in schema):
        item = type_of(schema.get("items"), definitions, depth + 1, options)
        return f"({item})[]" if "|" in item else f"{item}[]"
    if kind == "object" or "properties" in schema:
        return _members(schema, definitions, depth)
    if kind == "string":
        return WORD_BY_FORMAT.get(str(schema.get("format")), "str")
    if kind in ("integer", "number"):
        return WORD_BY_TYPE[kind] + _limits(schema)
    return WORD_BY_TYPE.get(str(kind), "any")


def _members(schema: Mapping[str, Json], definitions: Mapping[str, Json], depth: int) -> str:
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or not properties or depth >= MAX_DEPTH:
        return "object"
    required = set(schema.get("required", ()))
    ordered = sorted(properties, key=lambda name: name not in required)
    shown = [name if name in required else f"{name}?" for name in ordered[:MAX_MEMBERS]]
    return "{" + ", ".join(shown) + (", …" if len(ordered) > MAX_MEMBERS else "") + "}"


def _outline(schema: Json, definitions: Definitions, depth: int) -> str:
    schema = _resolved(schema, definitions)
    key = (id(schema), depth, -1)
    if (known := definitions.words.get(key)) is None:
        known = definitions.words[key] = _outlined(schema, definitions, depth)
    return known


def _outlined(schema: Json, definitions: Definitions, depth: int) -> str:
    if not isinstance(schema, Mapping) or depth > MAX_NESTING:
        return "any"
    for keyword in ("anyOf", "oneOf"):
        branches = schema.get(keyword)
        if isinstance(branches, list) and "properties" not in schema:
            outlines = [_outline(member, definitions, depth + 1) for member in branches[:MAX_BRANCHES] if not _is_null(member)]
            return "|".join(list(dict.fromkeys(outlines))[:2]) or "any"
    if _is_array(schema):
        inner = _outline(schema.get("items", {}), definitions, depth + 1)
        return f"{inner}[]"
    properties = _all_properties(schema, definitions)
    if not properties:
        kind = schema.get("type")
        kinds = [name for name in kind if name != "null"] if isinstance(kind, list) else [kind]
        return "|".join(WORD_BY_TYPE.get(str(name), "any") for name in kinds)
    shown = []
    for name, member in list(properties.items())[:MAX_MEMBERS]:
        inner_schema = _resolved(member, definitions)
        shown.append(f"{name}[]" if isinstance(inner_schema, Mapping) and _is_array(inner_schema) else name)
    return "{" + ", ".join(shown) + (", …" if len(properties) > MAX_MEMBERS else "") + "}"


def _all_properties(schema: Mapping[str, Json], definitions: Mapping[str, Json]) -> dict[str, Json]:
    """Return the members of an object, its own before those of what it is composed of; each part is read once."""
    found: dict[str, Json] = {}
    pending: list[Json] = [schema]
    seen: set[int] = set()
    while pending:
        part = _resolved(pending.pop(), definitions)
        if isinstance(part, Mapping) and id(part) not in seen:
            seen.add(id(part))
            own = part.get("properties")
            found = {**own, **found} if isinstance(own, Mapping) else found
            pending.extend(part.get("allOf", ()))
    return found


def _resolved(schema: Json, definitions: Mapping[str, Json]) -> Json:
    for _ in range(MAX_HOPS):
        if not isinstance(schema, Mapping) or not isinstance(schema.get("$ref"), str):
            return schema
        schema = definitions.get(schema["$ref"].removeprefix("#/$defs/"), {})
    return {}


def _is_array(schema: Mapping[str, Json]) -> bool:
    kind = schema.get("type")
    return kind == "array" or (isinstance(kind, list) and "array" in kind)


def _is_null(schema: Json) -> bool:
    return isinstance(schema, Mapping) and schema.get("type") == "null"


def _is_deprecated(schema: Json) -> bool:
    return isinstance(schema, Mapping) and schema.get("deprecated") is True


def _options(options: list[Json], most: int) -> str:
    words = [_literal(option) for option in options[: MAX_OPTIONS + 1] if option is not None]
    shown: list[str] = []
    for word in words[:most]:
        if shown and sum(map(len, shown)) + len(word) > MAX_OPTION_CHARS:
            break
        shown.append(word)
    return "|".join(shown) + ("|…" if len(words) > len(shown) else "")


def _limits(schema: Mapping[str, Json]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None and low not in (0, 1):
        return f" {_number(low)}..{_number(high)}"
    if high is not None:
        return f"≤{_number(high)}"
    return f"≥{_number(low)}" if low is not None and low not in (0, 1) else ""


def _number(value: Json) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else str(value)


def _default(schema: Mapping[str, Json]) -> str:
    default = schema.get("default")
    if default is None or isinstance(default, dict | list) or default == "":
        return ""
    text = _literal(default)
    return f"={text}" if len(text) <= 24 else ""


def _literal(value: Json) -> str:
    return encode(value).decode()
