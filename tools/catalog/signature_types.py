"""The type of an argument in a few characters: `{name: str, due?: date}`, `"open"|"closed"`, `int (cents)`."""

from collections.abc import Mapping
from typing import NamedTuple

from tools.catalog.units import note_of
from tools.json_text import encode
from tools.operation import Json

WORD_BY_TYPE = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "object": "object", "null": "null"}
#: formats that say more than `str`
WORD_BY_FORMAT = {"date": "date", "date-time": "datetime", "email": "email", "uri": "url", "url": "url", "uuid": "uuid"}
MAX_OPTIONS = 7
#: as many of a longer list of options
SOME_OPTIONS = 4
MAX_OPTION_CHARS = 110
MAX_HOPS = 8
#: branches within branches: documents can nest them without end
MAX_NESTING = 6
MAX_BRANCHES = 8
SHOWN_BRANCHES = 3
_NOTHING: dict[str, Json] = {}
#: as many required members are shown, whatever there are
MAX_REQUIRED = 16


class Definitions(dict[str, Json]):
    """`$defs` of a schema, with the words that were found for parts of it: branches may refer so that one part is reached without end."""

    def __init__(self, named: Mapping[str, Json]) -> None:
        super().__init__(named)
        #: (id of a part, where it stands, how much is said) -> its words; the schema outlives this, so no id comes twice
        self.words: dict[tuple[int, int, int, object], str] = {}


class Brevity(NamedTuple):
    """How much is said: objects to so many levels, so many of their optional members, of options, and notes on units.

    Members that are required are shown to the level `required`, optional ones and what they hold to the level `optional`.
    """

    required: int
    optional: int
    members: int
    options: int
    notes: bool = True


WHOLE = Brevity(3, 3, 12, MAX_OPTIONS)


def type_of(
    schema: Json, definitions: Definitions, brevity: Brevity = WHOLE, level: int = 1, nesting: int = 0, *, needed: bool = True
) -> str:
    """Return the type of an argument, as `brevity` has it; `level` of objects that it is in, and whether all of them are required."""
    outer, schema = schema, resolved(schema, definitions)
    key = (id(schema), level, nesting, (brevity, needed))
    if (known := definitions.words.get(key)) is None:
        known = definitions.words[key] = _type_of(schema, definitions, brevity, level, nesting, needed)
    if outer is not schema and brevity.notes and known in ("int", "float", "str") and isinstance(outer, Mapping):
        return known + _note(outer, known)
    return known


def _type_of(schema: Json, definitions: Definitions, brevity: Brevity, level: int, nesting: int, needed: bool) -> str:
    if not isinstance(schema, Mapping) or nesting > MAX_NESTING:
        return "any"
    if "const" in schema:
        return literal(schema["const"])
    if isinstance(schema.get("enum"), list):
        return _options(schema["enum"], brevity.options)

    def words_of(parts: list[Json]) -> list[str]:
        found = (type_of(part, definitions, brevity, level, nesting + 1, needed=needed) for part in parts[:MAX_BRANCHES])
        return list(dict.fromkeys(found))

    if isinstance(schema.get("type"), list):
        kinds = [name for name in schema["type"][:MAX_BRANCHES] if name != "null"]
        # Made for this moment: what is remembered is remembered by identity.
        each = (_type_of({**schema, "type": name}, definitions, brevity, level, nesting + 1, needed) for name in kinds)
        return "|".join(dict.fromkeys(each)) or "null"
    for keyword in ("anyOf", "oneOf"):
        if isinstance(schema.get(keyword), list) and "properties" not in schema:
            if any(isinstance(member, Mapping) and member.get("contentEncoding") == "base64" for member in schema[keyword]):
                return "file"
            branches = [member for member in schema[keyword] if not is_null(member)]
            words = words_of(branches)
            if schema.get("type") in WORD_BY_TYPE and words == ["any"]:
                break
            more = len(words) - SHOWN_BRANCHES + max(0, len(branches) - MAX_BRANCHES)
            return "|".join(words[:SHOWN_BRANCHES]) + (f"|…+{more}" if more > 0 else "") if words else "any"
    if isinstance(schema.get("allOf"), list) and "type" not in schema and not properties_of(schema, definitions)[0]:
        return next((word for word in words_of(schema["allOf"]) if word != "any"), "any")
    return _typed(schema, definitions, brevity, level, nesting, needed)


def _typed(schema: Mapping[str, Json], definitions: Definitions, brevity: Brevity, level: int, nesting: int, needed: bool) -> str:
    kind = schema.get("type")
    if kind == "array" or (kind is None and "items" in schema):
        item = type_of(schema.get("items"), definitions, brevity, level, nesting + 1, needed=needed)
        return _list_of(item)
    if kind == "object" or "properties" in schema or "allOf" in schema:
        return _members(schema, definitions, brevity, level, nesting, needed)
    if kind == "string":
        word = WORD_BY_FORMAT.get(str(schema.get("format")), "str")
        return word + (_note(schema, word) if brevity.notes and word == "str" else "")
    if kind in ("integer", "number"):
        return WORD_BY_TYPE[kind] + _limits(schema) + (_note(schema, WORD_BY_TYPE[kind]) if brevity.notes else "")
    return WORD_BY_TYPE.get(str(kind), "any")


def _list_of(item: str) -> str:
    """Return the words for a list: of several types in parentheses, a note on each after the brackets (`int[] (cents)`)."""
    depth = 0
    for sign in item:
        depth += (sign == "{") - (sign == "}")
        if sign == "|" and depth == 0:
            return f"({item})[]"
    if item.endswith(")") and "{" not in item and not item.startswith("("):
        word, _, note = item.partition(" (")
        return f"{word}[] ({note}"
    return f"{item}[]"


def _members(schema: Mapping[str, Json], definitions: Definitions, brevity: Brevity, level: int, nesting: int, needed: bool) -> str:
    properties, required = properties_of(schema, definitions)
    if not properties:
        values = schema.get("additionalProperties")
        if not isinstance(values, Mapping) or not values or level > brevity.optional:
            return "object"
        return f"{{[key]: {type_of(values, definitions, brevity, level + 1, nesting + 1, needed=False)}}}"
    names = [name for name in properties if name in required]
    others = [name for name in properties if name not in required and not is_deprecated(properties[name])]
    most = brevity.required if needed else brevity.optional
    shown_names = names[:MAX_REQUIRED] if level <= most else []
    shown = [f"{name}: {type_of(properties[name], definitions, brevity, level + 1, nesting + 1, needed=needed)}" for name in shown_names]
    if level <= brevity.optional:
        shown += [
            f"{name}?: {type_of(properties[name], definitions, brevity, level + 1, nesting + 1, needed=False)}"
            for name in others[: brevity.members]
        ]
    left = len(names) + len(others) - len(shown)
    return "{" + ", ".join([*shown, *([f"…+{left}"] if left else [])]) + "}"


def properties_of(schema: Mapping[str, Json], definitions: Mapping[str, Json]) -> tuple[dict[str, Json], set[str]]:
    """Return (members, names of the required ones) of an object and of what it is composed of; each part is read once."""
    found: dict[str, Json] = {}
    required: set[str] = set()
    pending: list[Json] = [schema]
    seen: set[int] = set()
    while pending:
        part = resolved(pending.pop(), definitions)
        if isinstance(part, Mapping) and id(part) not in seen:
            seen.add(id(part))
            own = part.get("properties")
            found = {**own, **found} if isinstance(own, Mapping) else found
            required.update(name for name in part.get("required", ()) if isinstance(name, str))
            pending.extend(part.get("allOf", ()))
    return found, required


def resolved(schema: Json, definitions: Mapping[str, Json]) -> Json:
    """Return what a schema refers to, or the schema itself."""
    for _ in range(MAX_HOPS):
        if not isinstance(schema, Mapping) or not isinstance(schema.get("$ref"), str):
            return schema
        schema = definitions.get(schema["$ref"].removeprefix("#/$defs/"), _NOTHING)
    return _NOTHING


def is_null(schema: Json) -> bool:
    return isinstance(schema, Mapping) and schema.get("type") == "null"


def is_deprecated(schema: Json) -> bool:
    return isinstance(schema, Mapping) and schema.get("deprecated") is True


def _note(schema: Mapping[str, Json], word: str) -> str:
    note = note_of(schema, "string" if word == "str" else "number")
    return f" ({note})" if note else ""


def _options(options: list[Json], most: int) -> str:
    words = [literal(option) for option in options if option is not None]
    if len(words) > most:
        most = min(most, SOME_OPTIONS)
    shown: list[str] = []
    for word in words[:most]:
        if shown and sum(map(len, shown)) + len(word) > MAX_OPTION_CHARS:
            break
        shown.append(word)
    if not shown:
        return "str" if all(isinstance(option, str) for option in options) else "any"
    return "|".join(shown) + (f"|…+{len(words) - len(shown)}" if len(words) > len(shown) else "")


def _limits(schema: Mapping[str, Json]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None and low not in (0, 1):
        return f" {_number(low)}..{_number(high)}"
    if high is not None:
        return f"≤{_number(high)}"
    return f"≥{_number(low)}" if low is not None and low not in (0, 1) else ""


def _number(value: Json) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else str(value)


def literal(value: Json) -> str:
    """Return a value as JSON has it."""
    return encode(value).decode()
