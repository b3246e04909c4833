"""The members of a body: of an object, whatever it is composed of, and of a choice of objects that take files."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tools.operation import Json
from tools.sources.openapi.bodies.file_members import file_field
from tools.sources.openapi.document import BrokenReference, OpenApiDocument
from tools.sources.openapi.schemas.keywords import types_of
from tools.sources.openapi.schemas.subtypes import is_polymorphic

MAX_COMPOSITION_DEPTH = 12


@dataclass(slots=True)
class Flat:
    """The members of an object schema, whatever `allOf` it is composed of."""

    members: dict[str, Json] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    additional: Json = False
    #: [{anyOf or oneOf: [{required: […]}, …]}]
    choices: list[dict[str, list[dict[str, Json]]]] = field(default_factory=list)
    #: minProperties
    least: int = 0
    #: identities of what was gathered: compositions may name one part over and over
    seen: set[int] = field(default_factory=set)


def flatten(document: OpenApiDocument, schema: Json) -> Flat | None:
    """Return the members of an object schema, or None where it is not a plain object (a list, a choice of several)."""
    flat = Flat()
    return flat if _gather(document, schema, flat, 0) and (flat.members or flat.additional is not False) else None


def file_members(document: OpenApiDocument, schema: Json) -> Flat | None:
    """Return the members of a choice of objects that take files, all of them side by side; None for anything else.

    Files have to be members of the body: each part is one. What belongs together, the upstream judges.
    """
    try:
        schema = document.resolve(schema)
    except BrokenReference:
        return None
    branches = (schema.get("anyOf") or schema.get("oneOf")) if isinstance(schema, Mapping) else None
    if not isinstance(branches, list):
        return None
    rest = {word: value for word, value in schema.items() if word not in ("anyOf", "oneOf", "discriminator")}
    shared = flatten(document, rest) or Flat()
    flats = [flat for branch in branches if (flat := flatten(document, branch)) is not None]
    if len(flats) != len(branches):
        return None
    whole = Flat()
    for flat in (shared, *flats):
        for name, member in flat.members.items():
            known = whole.members.setdefault(name, member)
            whole.members[name] = known if known in ({}, member) else {"anyOf": [known, member]}
        whole.additional = whole.additional or flat.additional
    if all(file_field(document, member) is None for member in whole.members.values()):
        return None
    whole.required = [name for name in whole.members if name in shared.required or all(name in flat.required for flat in flats)]
    if all(flat.required for flat in flats):
        whole.choices.append({"anyOf": [{"required": list(dict.fromkeys(flat.required))} for flat in flats]})
    return whole


def has_members(document: OpenApiDocument, schema: Json) -> bool:
    """Say whether a schema has or may have members."""
    try:
        resolved = document.resolve(schema)
    except BrokenReference:
        return False
    return isinstance(resolved, Mapping) and any(resolved.get(word) for word in ("properties", "allOf", "anyOf", "oneOf"))


def _gather(document: OpenApiDocument, schema: Json, flat: Flat, depth: int) -> bool:
    try:
        schema = document.resolve(schema)
    except BrokenReference:
        return False
    if not isinstance(schema, Mapping) or depth > MAX_COMPOSITION_DEPTH:
        return False
    if id(schema) in flat.seen:
        return True
    flat.seen.add(id(schema))
    if depth == 0 and is_polymorphic(schema):
        return False
    if any(schema.get(keyword) for keyword in ("not", "if", "patternProperties", "enum")):
        return False
    for keyword in ("anyOf", "oneOf"):
        branches = schema.get(keyword)
        if branches and not _only_requires(branches):
            return False
        if branches:
            flat.choices.append({keyword: [{"required": branch["required"]} for branch in branches]})
    types = types_of(schema)
    if types and types not in (["object"], ["object", "null"], ["null", "object"]):
        return False
    members = schema.get("properties")
    if isinstance(members, Mapping):
        flat.members.update(members)
        flat.required += [name for name, member in members.items() if isinstance(member, Mapping) and member.get("required") is True]
    required = schema.get("required")
    flat.required += [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    least = schema.get("minProperties")
    flat.least = max(flat.least, least) if isinstance(least, int) and not isinstance(least, bool) else flat.least
    additional = schema.get("additionalProperties", False)
    if isinstance(additional, Mapping) or additional is True:
        flat.additional = additional
    composed = schema.get("allOf")
    return all(_gather(document, member, flat, depth + 1) for member in composed) if isinstance(composed, list) else True


def _only_requires(branches: Json) -> bool:
    """Say whether a choice is only one of which members must be there (`anyOf: [{required: [a]}, {required: [b]}]`)."""
    if not isinstance(branches, list):
        return False
    return all(
        isinstance(branch, Mapping)
        and isinstance(branch.get("required"), list)
        and all(isinstance(name, str) for name in branch["required"])
        and branch.keys() <= {"required", "title", "description"}
        for branch in branches
    )
