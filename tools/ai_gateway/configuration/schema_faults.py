"""What a validator found in a configuration, in words for whoever wrote it. No value is repeated that may be a key."""

import re
from collections.abc import Iterator, Mapping

from jsonschema_rs import ValidationError, ValidationErrorKind

from tools.ai_gateway.configuration.document_schema import DOCUMENT_SCHEMA
from tools.json_schema.argument_faults import schema_at
from tools.operation import Json
from tools.versioned_documents.faults import ConfigFault, listed, meant, place_of

#: as the TOML specification calls them
_TYPES = {
    "object": "a table",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}
_KEY_NAME = re.compile(r"key|token|secret|password|credential|authorization", re.IGNORECASE)
#: a misspelt option, not something that opens a door
_OPTION = re.compile(r"[a-z_ -]{1,24}", re.IGNORECASE)


def faults_of(error: ValidationError) -> Iterator[ConfigFault]:
    """Yield the faults of one finding: a table with three unknown names has three."""
    kind, path = error.kind, list(error.instance_path)
    rule = schema_at(DOCUMENT_SCHEMA, error.schema_path[:-1])
    match kind:
        case ValidationErrorKind.AdditionalProperties():
            for name in kind.unexpected:
                yield _unknown(path, name, rule)
        case ValidationErrorKind.Required():
            yield ConfigFault(place_of([*path, str(kind.property)]), "is missing; it is required")
        case _:
            yield ConfigFault(place_of(path), _broken(kind, error.instance, rule))


def _unknown(path: list[str | int], name: str, rule: Mapping[str, Json]) -> ConfigFault:
    place, known = place_of([*path, name]), list(rule.get("properties", {}))
    if _KEY_NAME.search(name) and path[:1] != ["defaults"]:
        provider = path[1] if path[:1] == ["providers"] and len(path) > 1 else "NAME"
        return ConfigFault(place, f"a key does not belong in the file; give it with `ascend connection add-key {provider}`")
    thing = "section" if not path else "name"
    return ConfigFault(place, f"no such {thing}{meant(name, known) or f'; there are {listed(known)}'}")


def _broken(kind: ValidationErrorKind, value: Json, rule: Mapping[str, Json]) -> str:
    if said := rule.get("description"):
        return f"must be {said}"
    match kind:
        case ValidationErrorKind.Type():
            return f"must be {' or '.join(_TYPES.get(each, each) for each in kind.types)}"
        case ValidationErrorKind.Enum():
            given = f"{value!r} is" if isinstance(value, str) and _OPTION.fullmatch(value) else "is"
            options = [str(option) for option in kind.options]
            return f"{given} none of {listed(options)}{meant(value, options) if isinstance(value, str) else ''}"
        case ValidationErrorKind.Minimum():
            return f"must be at least {kind.limit}"
        case ValidationErrorKind.ExclusiveMinimum():
            return f"must be above {kind.limit}"
        case ValidationErrorKind.Maximum():
            return f"must be at most {kind.limit}"
        case ValidationErrorKind.MinLength() | ValidationErrorKind.MinItems() | ValidationErrorKind.MinProperties():
            return "must not be empty"
        case ValidationErrorKind.MaxLength():
            return f"is too long: at most {kind.limit} characters"
        case ValidationErrorKind.MaxItems() | ValidationErrorKind.MaxProperties():
            return f"is too long: at most {kind.limit} entries"
    return "breaks the rule of this place"
