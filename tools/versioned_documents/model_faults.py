"""What pydantic found in a document, in words for whoever wrote it. No value is repeated: any may be a secret."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from tools.operation import Json
from tools.versioned_documents.faults import ConfigFault, listed, meant, place_of

#: kinds of pydantic, as the TOML specification calls them
_TYPES = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "a text",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "a table",
    "mapping_type": "a table",
    "dataclass_type": "a table",
    "model_type": "a table",
    "date_type": "a date",
}
#: a limit, and where pydantic says it
_LIMITS = {
    "greater_than_equal": ("must be at least", "ge"),
    "greater_than": ("must be above", "gt"),
    "less_than_equal": ("must be at most", "le"),
    "less_than": ("must be below", "lt"),
}


def faults_in(error: ValidationError, adapter: TypeAdapter[Any], at: Sequence[str | int]) -> Iterator[ConfigFault]:
    """Yield every fault that `adapter` found in what stands at the place `at` of a document."""
    schema = adapter.json_schema()
    for each in error.errors(include_url=False, include_input=False):
        place, rule = _followed(schema, each["loc"])
        yield ConfigFault(place_of([*at, *place]), _said(each, place, rule))


def unknown_name(name: str, known: Sequence[str], thing: str = "name") -> str:
    """Return the rule that an unknown name breaks, with what was probably meant or what there is."""
    return f"no such {thing}{meant(name, known) or (f'; there are {listed(known)}' if known else '; it has none')}"


def _said(error: ErrorDetails, place: Sequence[str | int], rule: Mapping[str, Json]) -> str:
    kind, facts = error["type"], error.get("ctx", {})
    if kind in ("unexpected_keyword_argument", "extra_forbidden"):
        return unknown_name(str(place[-1]), list(rule.get("properties", {})))
    if kind == "missing":
        return "is missing; it is required"
    if kind in _TYPES:
        return f"must be {_TYPES[kind]}"
    if kind in _LIMITS:
        words, fact = _LIMITS[kind]
        return f"{words} {facts[fact]}"
    if kind in ("string_too_short", "too_short"):
        return f"is too short: at least {facts['min_length']}"
    if kind in ("string_too_long", "too_long"):
        return f"is too long: at most {facts['max_length']}"
    if kind in ("literal_error", "enum"):
        return f"is none of {facts['expected'].replace(' or ', ', ')}"
    if kind == "union_tag_invalid":
        return f"its {_bare(facts['discriminator'])} is none of {facts['expected_tags']}"
    if kind == "union_tag_not_found":
        return f"its {_bare(facts['discriminator'])} is missing; it says which kind it is"
    if kind == "string_pattern_mismatch":
        return "has characters or a form that do not go here"
    words = str(facts.get("error") or error["msg"])
    return words[:1].lower() + words[1:]


def _bare(quoted: str) -> str:
    return quoted.strip("'")


def _followed(schema: Mapping[str, Json], loc: Sequence[str | int]) -> tuple[list[str | int], Mapping[str, Json]]:
    """Return a place of pydantic's as the document spells it, and the schema of the table that its last name stands in.

    Where one of several kinds was told by a tag, pydantic's place has the tag in it, which the document does not.
    """
    place: list[str | int] = []
    here = table = _resolved(schema, schema)
    for part in loc:
        kinds = here.get("discriminator", {}).get("mapping", {})
        if part in kinds:
            here = table = _resolved({"$ref": kinds[part]}, schema)
            continue
        place.append(part)
        table = here
        members = here.get("properties", {})
        inner = here.get("items", {}) if isinstance(part, int) else members.get(part, here.get("additionalProperties"))
        here = _resolved(inner if isinstance(inner, dict) else {}, schema)
    return place, table


def _resolved(rule: Mapping[str, Json], schema: Mapping[str, Json]) -> Mapping[str, Json]:
    while isinstance(name := rule.get("$ref"), str):
        rule = schema["$defs"][name.rpartition("/")[2]]
    # A value that may be left out or be null is described by the one of both that is something.
    some = [each for each in rule.get("anyOf", ()) if each.get("type") != "null"]
    return _resolved(some[0], schema) if len(some) == 1 else rule
