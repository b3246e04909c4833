"""Everything that a schema says of one value: itself, what it refers to and what it is composed of."""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from tools.operation import Json

MAX_SCHEMAS = 200
#: members in which another one is looked for
MAX_HOLDERS = 24
_COMPOSED = ("allOf", "anyOf", "oneOf")


def parts_of(schemas: Iterable[Json], root: Mapping[str, Json]) -> list[Mapping[str, Any]]:
    """Return the schemas that may hold for a value that `schemas` hold for, each once, MAX_SCHEMAS at most.

    `root`: the document that their local references point into.
    """
    parts: list[Mapping[str, Any]] = []
    pending, seen = list(schemas), set[int]()
    while pending and len(parts) < MAX_SCHEMAS:
        part = pending.pop()
        if not isinstance(part, Mapping) or id(part) in seen:
            continue
        seen.add(id(part))
        parts.append(part)
        if isinstance(reference := part.get("$ref"), str) and reference.startswith("#/"):
            pending.append(referred(reference, root))
        for keyword in _COMPOSED:
            pending += part[keyword] if isinstance(part.get(keyword), list) else []
    return parts


def holder_of(name: str, members: Mapping[str, Any], root: Mapping[str, Json]) -> str | None:
    """Return which of `members` (name -> its schema, or its schemas) is an object with a member of this name, or a list of such."""
    for holder, schema in islice(members.items(), MAX_HOLDERS):
        parts = parts_of(schema if isinstance(schema, list) else [schema], root)
        inside = [*parts, *parts_of((part.get("items") for part in parts), root)]
        if any(isinstance(own := part.get("properties"), Mapping) and name in own for part in inside):
            return holder
    return None


def referred(reference: str, root: Mapping[str, Json]) -> Json:
    """Return what a local reference (`#/$defs/Name`) points at; None where there is nothing (RFC 6901)."""
    found: Json = root
    for name in reference[2:].split("/"):
        found = found.get(name.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
    return found
