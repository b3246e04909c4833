"""A body that can be sent in more than one way: which arguments mean which media type."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tools.operation import Json

#: what a list of changes is where the document does not say so: many call it an object (RFC 6902 §3, §4)
CHANGES: dict[str, Json] = {
    "description": "a list of changes (JSON Patch, RFC 6902)",
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "op": {"type": "string", "enum": ["add", "remove", "replace", "move", "copy", "test"]},
            "path": {"type": "string", "description": "JSON Pointer (RFC 6901)"},
            "value": {},
            "from": {"type": "string"},
        },
        "required": ["op", "path"],
    },
}


class UnusableOperation(Exception):
    """An operation cannot be called as its document describes it; the message says why."""


@dataclass(frozen=True, slots=True)
class BodyPlan:
    """How a body is made of arguments.

    `binding`: {kind: json|form|multipart|bytes|text, media_type, argument? | fields?: {argument: property name}, files?, encoding?,
    required, ways?: [{meant_by, binding}]}. `ways` are other bodies of the same operation: one goes out where an argument that
    means it is given. `meant_by`: {list: argument} (its value is a list) or {any: [arguments]} (one is there; where it is one
    of the way's files, it carries a file). `additional` is the schema of arguments beyond the named ones that go into the body
    too (False: none).
    """

    binding: dict[str, Json]
    properties: dict[str, Json] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    additional: Json = False
    #: which members must be there: [{anyOf or oneOf: [{required: […]}, …]}]
    choices: list[dict[str, list[dict[str, Json]]]] = field(default_factory=list)


def or_list_of_changes(plan: BodyPlan, patch: BodyPlan) -> BodyPlan:
    """Return `plan`, or where a list is given a JSON Patch in its place: an object merges (RFC 7396), a list is applied (RFC 6902)."""
    argument = patch.binding["argument"]
    changes = patch.properties[argument]
    if changes.get("type") != "array":
        changes = CHANGES
    way = {"meant_by": {"list": argument}, "binding": patch.binding}
    if plan.binding.get("argument") == argument:
        properties = {argument: _either(plan.properties[argument], changes)}
    else:
        properties = {**plan.properties, argument: changes}
    return _or(plan, way, properties, patch)


def _either(whole: dict[str, Json], changes: dict[str, Json]) -> dict[str, Json]:
    if whole.get("type") == "object" and "items" not in whole and "enum" not in whole:
        return {**whole, "type": ["object", "array"], "items": changes.get("items", {})}
    words: dict[str, Json] = {word: whole[word] for word in ("description", "examples") if word in whole}
    return {**words, "anyOf": [{word: value for word, value in whole.items() if word not in words}, changes]}


def or_upload(plan: BodyPlan, upload: BodyPlan, taken: frozenset[str]) -> BodyPlan:
    """Return `plan`, or where a file is given multipart in its place: JSON has no bytes, and urlencoded forms have no parts."""
    files = upload.binding.get("files", {})
    fields = upload.binding.get("fields", {})
    if not files or taken & fields.keys():
        return plan
    own = plan.binding.get("fields", {})
    properties, kinds = {**upload.properties, **plan.properties}, dict(files)
    for name in files:
        schema, beside = upload.properties[name], plan.properties.get(name)
        if beside is None or _is_bytes(beside):
            properties[name] = schema
        elif schema != beside:
            if _takes_text(beside):
                kinds[name] = "named"
            branches = [
                branch for branch in schema.get("anyOf", [schema]) if not (kinds[name] == "named" and branch.get("type") == "string")
            ]
            properties[name] = {
                "description": schema.get("description", ""),
                "anyOf": [*branches, *([beside] if beside not in branches else [])],
            }
            kinds[name] = "named" if kinds[name] == "named" else "mixed"
    means = [*files, *(name for name in fields if name not in own and name not in files)]
    way = {"meant_by": {"any": means}, "binding": {**upload.binding, "files": kinds}}
    return _or(plan, way, properties, upload)


def _or(plan: BodyPlan, way: dict[str, Json], properties: dict[str, Json], other: BodyPlan) -> BodyPlan:
    """Return `plan` with another way: what both ask for is required, and what only one of them does where that way is taken."""
    both = [name for name in plan.required if name in other.required]
    choices = [choice for choice in plan.choices if choice in other.choices]
    rests = [[name for name in names if name not in both] for names in (plan.required, other.required)]
    if all(rests):
        choices.append({"anyOf": [{"required": rest} for rest in rests]})
    return replace(plan, binding={**plan.binding, "ways": [way]}, properties=properties, required=both, choices=choices)


def _is_bytes(schema: Json) -> bool:
    """Say whether a schema takes nothing but bytes, which JSON has no way to carry."""
    if not isinstance(schema, Mapping):
        return False
    branches = next((schema[word] for word in ("anyOf", "oneOf") if isinstance(schema.get(word), list)), None)
    if branches is not None:
        return all(_is_bytes(branch) for branch in branches)
    return _is_bytes(schema.get("items")) if schema.get("type") == "array" else _says_bytes(schema)


def _says_bytes(schema: Mapping[str, Json]) -> bool:
    return schema.get("format") == "binary" or schema.get("contentEncoding") == "binary"


def _takes_text(schema: Json) -> bool:
    if not isinstance(schema, Mapping):
        return True
    branches = next((schema[word] for word in ("anyOf", "oneOf") if isinstance(schema.get(word), list)), None)
    if branches is not None:
        return any(_takes_text(branch) for branch in branches)
    named = schema.get("type")
    return "string" in named if isinstance(named, list) else named in ("string", None) and "$ref" not in schema
