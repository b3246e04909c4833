"""The keywords of OpenAPI's schema dialects that say something of one value, in the words of JSON Schema 2020-12."""

import re
from collections.abc import Mapping

import jsonschema_rs

from tools.operation import Json
from tools.plain_text import has_unseen, visible
from tools.weighed_cache import cached_if_short

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
PLAIN = ("format", "default", "const", "contentEncoding", "contentMediaType", "x-unit", "x-units")
SHOWN = ("format", "default", "contentEncoding", "contentMediaType", "x-unit", "x-units")
#: styles whose delimiter cannot be escaped -> the delimiter
BLANK_BY_STYLE = {"spaceDelimited": " ", "pipeDelimited": "|", "tabDelimited": "\t"}
MAX_DESCRIPTION_CHARS = 600
MAX_EXAMPLE_CHARS = 100


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
        if {"allOf", "anyOf", "oneOf", "$ref", "const"}.isdisjoint(nullable):
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


@cached_if_short(4096)
def usable_pattern(pattern: str) -> bool:
    """Say whether our validator can compile a regular expression and match it in bearable time.

    PCRE and Java dialects slip into documents. What needs look-around goes to an engine that tries again and again: with an
    anchor at the front and without back references that stays linear in practice, without them a long text blocks for seconds.
    """
    if _compiles(pattern, _LINEAR):
        return True
    return pattern.startswith("^") and not _BACK_REFERENCE.search(pattern) and _compiles(pattern, _BACKTRACKING)


def _compiles(pattern: str, engine: jsonschema_rs.RegexOptions | jsonschema_rs.FancyRegexOptions) -> bool:
    try:
        jsonschema_rs.validator_for({"pattern": pattern}, pattern_options=engine)
    except ValueError:
        return False
    return True


_LINEAR, _BACKTRACKING = jsonschema_rs.RegexOptions(), jsonschema_rs.FancyRegexOptions()
_BACK_REFERENCE = re.compile(r"\\[1-9]|\\k|\(\?P=")


def without_slashes(pattern: str) -> str:
    """Return a pattern without the slashes of a JavaScript literal (`/^a+$/`): they would match nothing."""
    literal = re.fullmatch(r"/(\^.*\$)/[a-z]*", pattern, re.DOTALL)
    return literal[1] if literal else pattern


def copy_facts(schema: Mapping[str, Json], converted: dict[str, Json], max_description_chars: int = MAX_DESCRIPTION_CHARS) -> None:
    """Copy what needs no look at other schemas, as far as it is valid; what is not is left out."""
    title, description = schema.get("title"), schema.get("description")
    if isinstance(title, str) and not isinstance(description, str):
        converted["title"] = shortened(title, max_description_chars)
    if isinstance(description, str) and description.strip():
        converted["description"] = shortened(description, max_description_chars)
    example = schema.get("example")
    if isinstance(example, str | int | float) and len(str(example)) <= MAX_EXAMPLE_CHARS and not has_unseen(str(example)):
        converted["examples"] = [example]
    enum = schema.get("enum")
    if isinstance(enum, list) and enum:
        converted["enum"] = _fitting(enum, converted.get("type"))
    for keyword in PLAIN:
        if keyword in schema and (keyword != "format" or isinstance(schema[keyword], str)):
            converted[keyword] = schema[keyword]
    for keyword in SHOWN:
        # An option is sent as it is; what only tells of values is left out rather than changed.
        if isinstance(converted.get(keyword), str) and has_unseen(converted[keyword]):
            del converted[keyword]
    for keyword in COUNTS:
        if isinstance(schema.get(keyword), int) and not isinstance(schema[keyword], bool) and schema[keyword] >= 0:
            converted[keyword] = schema[keyword]
    _copy_numbers(schema, converted)
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and usable_pattern(plain := without_slashes(pattern)):
        converted["pattern"] = plain
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


def shortened(text: str, most: int = MAX_DESCRIPTION_CHARS) -> str:
    """Return a description on one line, within `most` characters."""
    flat = " ".join(visible(text).split())
    return flat if len(flat) <= most else flat[: most - 1].rstrip() + "…"


def without_delimiter(schema: dict[str, Json], delimiter: str) -> dict[str, Json]:
    """Return the schema of a list or object whose texts stand between delimiters that have no escape."""

    def text(member: Json) -> Json:
        is_open = isinstance(member, Mapping) and member.get("type") == "string" and not {"enum", "pattern", "format"} & member.keys()
        return {**member, "pattern": f"^[^{delimiter}]*$"} if is_open else member

    if isinstance(schema.get("items"), Mapping):
        return {**schema, "items": text(schema["items"])}
    if isinstance(schema.get("properties"), Mapping):
        return {**schema, "properties": {name: text(member) for name, member in schema["properties"].items()}}
    return schema


#: JSON type -> the keyword that says how much of it there is at least
LEAST_BY_TYPE = {"string": "minLength", "array": "minItems", "object": "minProperties"}


def never_empty(schema: dict[str, Json], types: tuple[str, ...] = ("string", "array", "object")) -> dict[str, Json]:
    """Return the schema of a value that must leave something in the request: of a path, or of a required list or object."""
    named = schema.get("type")
    least = LEAST_BY_TYPE.get(named) if isinstance(named, str) and named in types else None
    return {**schema, least: max(1, schema.get(least, 1))} if least and "enum" not in schema else schema
