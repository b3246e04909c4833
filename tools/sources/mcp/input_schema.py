"""Input schemas of tools as servers write them: what an older draft of JSON Schema means, and what is behind a reference at the root."""

from collections.abc import Mapping

import jsonschema_rs

from tools.json_schema.schema_cost import is_bearable
from tools.operation import Json
from tools.plain_text import visible

#: keywords whose members are named by the author, and hold schemas
_NAMED = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
#: keywords that hold values
_VALUES = frozenset({"default", "const", "enum", "examples", "example"})
#: a flag of draft 4 -> the limit that it is about
_FLAGS = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}
_REFUSED = "its input schema is no JSON Schema that stands on its own"
MAX_HOPS = 8
MAX_SHOWN_CHARS = 120


def usable(schema: Mapping[str, Json]) -> tuple[Mapping[str, Json], str | None]:
    """Return the schema to validate arguments with (mended where it is draft 4), and why there is none, or None."""
    if (reason := _fault(schema)) is None:
        return schema, None
    mended = _of_draft_4(schema)
    return (schema, reason) if _fault(mended) is not None else (mended, None)


def with_root(schema: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return a schema with the members that its root has by reference or as parts, for signatures."""
    if "properties" in schema:
        return schema
    properties: dict[str, Json] = {}
    required: list[str] = []
    pending: list[tuple[Json, int]] = [(schema, 0)]
    while pending:
        part, hops = pending.pop(0)
        if not isinstance(part, Mapping) or hops > MAX_HOPS:
            continue
        if isinstance(part.get("properties"), Mapping):
            properties |= {name: each for name, each in part["properties"].items() if name not in properties}
        required += part["required"] if isinstance(part.get("required"), list) else []
        pending += [(each, hops + 1) for each in (_pointed(schema, part.get("$ref")), *_parts(part))]
    return {**schema, "properties": properties, "required": required} if properties else schema


def _parts(schema: Mapping[str, Json]) -> list[Json]:
    parts = schema.get("allOf")
    return list(parts[:MAX_HOPS]) if isinstance(parts, list) else []


def _pointed(root: Json, reference: Json) -> Json:
    """Return what a JSON pointer of the same document leads to (RFC 6901), None where to nothing."""
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return None
    here = root
    for step in reference[2:].split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        here = here.get(name) if isinstance(here, Mapping) else None
    return here


def _fault(schema: Mapping[str, Json]) -> str | None:
    if not is_bearable(schema):
        return "its input schema is too large, or its references branch without end"
    try:
        jsonschema_rs.validator_for(dict(schema), offline=True)
    except jsonschema_rs.ValidationError as error:
        where = ".".join(str(step) for step in error.instance_path)
        return f"{_REFUSED}: {visible(f'{where}: {error.message}')[:MAX_SHOWN_CHARS]}" if where else _REFUSED
    except (ValueError, jsonschema_rs.ReferencingError):
        return _REFUSED
    return None


def _of_draft_4(schema: Json) -> Json:
    """Return a schema whose exclusive limits are numbers, as they are since draft 6: draft 4 had a flag beside the limit."""
    if isinstance(schema, list):
        return [_of_draft_4(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    mended: dict[str, Json] = {}
    for keyword, value in schema.items():
        if keyword in _VALUES:
            mended[keyword] = value
        elif keyword in _NAMED and isinstance(value, Mapping):
            mended[keyword] = {name: _of_draft_4(each) for name, each in value.items()}
        else:
            mended[keyword] = _of_draft_4(value)
    for flag, limit in _FLAGS.items():
        if isinstance(mended.get(flag), bool):
            is_exclusive = mended.pop(flag)
            if is_exclusive and limit in mended:
                mended[flag] = mended.pop(limit)
    return mended
