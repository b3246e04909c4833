"""JSON Merge Patch: null removes a member, whatever its schema says of null (RFC 7396 §1, §2)."""

from collections.abc import Mapping

from tools.operation import Json
from tools.sources.openapi.schemas.keywords import as_nullable

#: end of the names under `$defs` of what was made removable
_SUFFIX = ".patch"
_COMPOSED = ("allOf", "anyOf", "oneOf")


def removable(schema: dict[str, Json], binding: Mapping[str, Json]) -> dict[str, Json]:
    """Return the schema of arguments in which every member of the patch may be null, at any depth.

    `binding` says which arguments are the patch. Lists are replaced whole, so their items stay what they are.
    """
    patched = _Patched(schema.get("$defs", {}))
    properties = dict(schema["properties"])
    for name in binding.get("fields", {}):
        if name in properties:
            properties[name] = patched.member(properties[name])
    argument = binding.get("argument")
    if argument in properties:
        properties[argument] = patched.members_of(properties[argument])
    whole = {**schema, "properties": properties}
    if isinstance(schema.get("additionalProperties"), Mapping):
        whole["additionalProperties"] = patched.member(schema["additionalProperties"])
    if patched.definitions:
        whole["$defs"] = dict(sorted({**schema["$defs"], **patched.definitions}.items()))
    return whole


class _Patched:
    """Makes members removable; what is referred to gets a second definition, once."""

    def __init__(self, definitions: Mapping[str, Json]) -> None:
        self._known = definitions
        self.definitions: dict[str, Json] = {}

    def member(self, schema: Json) -> Json:
        """Return what a member may be: what it was, with removable members of its own, or null."""
        inner = self.members_of(schema)
        return as_nullable(inner) if isinstance(inner, dict) else inner

    def members_of(self, schema: Json) -> Json:
        """Return `schema` with each of its members removable; a null of its own is not added."""
        if not isinstance(schema, dict):
            return schema
        patched = dict(schema)
        if isinstance(schema.get("$ref"), str):
            patched["$ref"] = self._reference(schema["$ref"])
        for keyword in _COMPOSED:
            if isinstance(schema.get(keyword), list):
                patched[keyword] = [self.members_of(branch) for branch in schema[keyword]]
        if isinstance(schema.get("properties"), Mapping):
            patched["properties"] = {name: self.member(member) for name, member in schema["properties"].items()}
        for keyword in ("additionalProperties", "unevaluatedProperties"):
            if isinstance(schema.get(keyword), Mapping):
                patched[keyword] = self.member(schema[keyword])
        if isinstance(schema.get("patternProperties"), Mapping):
            patched["patternProperties"] = {name: self.member(member) for name, member in schema["patternProperties"].items()}
        return patched

    def _reference(self, ref: str) -> str:
        name = ref.removeprefix("#/$defs/")
        if name not in self._known:
            return ref
        if name + _SUFFIX not in self.definitions:
            self.definitions[name + _SUFFIX] = {}
            self.definitions[name + _SUFFIX] = self.members_of(self._known[name])
        return ref + _SUFFIX
