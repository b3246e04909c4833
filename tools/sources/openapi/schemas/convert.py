"""Schemas of OpenAPI 3.0, 3.1 and Swagger 2.0 -> one self-contained JSON Schema 2020-12, within a size limit."""

import re
from collections import deque
from collections.abc import Mapping
from typing import Literal

from tools.operation import Json
from tools.sources.openapi.document import BrokenReference, OpenApiDocument
from tools.sources.openapi.schemas.discriminator import meanings
from tools.sources.openapi.schemas.keywords import (
    MAX_DESCRIPTION_CHARS,
    as_nullable,
    copy_facts,
    is_nullable,
    is_small,
    types_of,
    usable_pattern,
)
from tools.sources.openapi.schemas.one_of import narrowed, settled
from tools.sources.openapi.schemas.schema_cache import Converted
from tools.sources.openapi.schemas.subtypes import is_closed, is_polymorphic, opened, subtypes_of

Direction = Literal["in", "out"]

LISTS_OF_SCHEMAS = ("allOf", "anyOf", "prefixItems")
SINGLE_SCHEMAS = ("not", "additionalProperties", "items", "contains", "propertyNames", "unevaluatedProperties", "if", "then", "else")
MAPS_OF_SCHEMAS = ("patternProperties", "dependentSchemas")
MAX_DEPTH = 40
#: nodes of one schema, its $defs included; past that a schema says only what it is called
MAX_NODES_IN = 2_500
MAX_NODES_OUT = 300
MAX_DESCRIPTION_CHARS_OUT = 120


class SchemaBundle:
    """Converts schemas and collects what they refer to under `$defs`, nearest first, each name once.

    Input schemas lose what only the server sets (readOnly), output schemas what only the client sends (writeOnly).
    """

    def __init__(self, document: OpenApiDocument, direction: Direction) -> None:
        self._document = document
        self._direction = direction
        self._nodes_left = MAX_NODES_IN if direction == "in" else MAX_NODES_OUT
        self._kept = document.converted
        #: (reference, is it the plain form that a subtype extends), each once
        self._known: set[tuple[str, bool]] = set()
        self._pending: deque[tuple[str, bool]] = deque()
        #: what came up so far
        self._found = Converted()
        #: references that led nowhere; what they stood for accepts anything
        self.broken: list[str] = self._found.broken

    def convert(self, schema: Json, depth: int = 0) -> Json:
        """Return `schema` in JSON Schema 2020-12, with `#/$defs/…` for what it refers to."""
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, Mapping):
            return {}
        self._nodes_left -= 1
        if self._nodes_left < 0 or depth > MAX_DEPTH:
            return {}
        ref = schema.get("$ref")
        if isinstance(ref, str):
            return self._reference(ref, schema, depth)
        converted = self._keywords(schema, depth)
        return as_nullable(converted) if is_nullable(schema) else converted

    def definitions(self) -> dict[str, Json]:
        """Return everything that was referred to so far, and what that refers to in turn."""
        definitions: dict[str, Json] = {}
        while self._pending:
            ref, is_plain = self._pending.popleft()
            definitions[self._name_of(ref, is_plain)] = self._definition(ref, is_plain)
        return dict(sorted(definitions.items()))

    def _definition(self, ref: str, is_plain: bool) -> Json:
        """Return what `ref` refers to, converted; from an earlier operation where it fits into this one whole."""
        key = (self._direction, ref, is_plain)
        known = self._kept.by_key.get(key)
        if known is None or known.nodes > self._nodes_left:
            outer, left = self._found, self._nodes_left
            self._found = known = Converted()
            target = self._document.target(ref)
            subtypes = [] if is_plain else subtypes_of(self._document, ref, target)
            known.schema = self._any_subtype(target, subtypes) if subtypes else self.convert(target, 1)
            if is_plain:
                known.schema = opened(known.schema)
            known.nodes, self._found = left - self._nodes_left, outer
            if self._nodes_left >= 0:
                self._kept.by_key[key] = known
        else:
            self._nodes_left -= known.nodes
        for reference in known.references:
            self._refer(*reference)
        self._found.meanings += known.meanings
        self._found.broken += known.broken
        self._found.has_choices |= known.has_choices
        return known.schema

    def complete(self, schema: dict[str, Json]) -> dict[str, Json]:
        """Return `schema` (already converted) with its `$defs`."""
        definitions = self.definitions()
        values_by_member: dict[tuple[str, str], list[Json]] = {}
        for name, member, values in self._found.meanings:
            values_by_member.setdefault((name, member), []).extend(values)
        for (name, member), values in values_by_member.items():
            if isinstance(definitions.get(name), dict):
                definitions[name] = narrowed(definitions[name], member, values)
        whole = {**schema, "$defs": definitions} if definitions else schema
        return settled(whole) if self._found.has_choices else whole

    def hides(self, schema: Json) -> bool:
        """Say whether a property belongs to the other direction: readOnly in a request, writeOnly in an answer."""
        try:
            resolved = self._document.resolve(schema)
        except BrokenReference:
            return False
        return isinstance(resolved, Mapping) and resolved.get("readOnly" if self._direction == "in" else "writeOnly") is True

    def _reference(self, ref: str, schema: Mapping[str, Json], depth: int, *, is_part: bool = False, is_joined: bool = False) -> Json:
        try:
            target = self._document.target(ref)
        except BrokenReference as error:
            self._found.broken.append(str(error))
            return {}
        own_words = {key: schema[key] for key in ("description", "default") if key in schema}
        if is_small(target):
            inline = self.convert(target, depth + 1)
            return {**inline, **own_words} if isinstance(inline, dict) else inline
        is_plain = (is_part and is_polymorphic(target)) or (is_joined and is_closed(target))
        self._refer(ref, is_plain)
        reference: dict[str, Json] = {"$ref": f"#/$defs/{self._name_of(ref, is_plain)}"}
        if schema.get("nullable") is True:
            reference = {"anyOf": [reference, {"type": "null"}]}
        return {**reference, **own_words}

    def _refer(self, ref: str, is_plain: bool) -> None:
        self._found.references.append((ref, is_plain))
        if (ref, is_plain) not in self._known:
            self._known.add((ref, is_plain))
            self._pending.append((ref, is_plain))

    def _name_of(self, ref: str, is_plain: bool) -> str:
        """Return the name under `$defs`, the same in all operations of the document."""
        names = self._kept.name_by_ref
        if (ref, is_plain) not in names:
            last = re.sub(r"[^A-Za-z0-9_.-]+", "_", ref.rsplit("/", 1)[-1]).strip("_") or "schema"
            name, number = last, 2
            while name in self._kept.taken:
                name, number = f"{last}_{number}", number + 1
            names[ref, is_plain] = name
            self._kept.taken.add(name)
        return names[ref, is_plain]

    def _keywords(self, schema: Mapping[str, Json], depth: int) -> dict[str, Json]:
        converted: dict[str, Json] = {}
        types = types_of(schema)
        if types:
            converted["type"] = types[0] if len(types) == 1 else types
        copy_facts(schema, converted, MAX_DESCRIPTION_CHARS if self._direction == "in" else MAX_DESCRIPTION_CHARS_OUT)
        for keyword in LISTS_OF_SCHEMAS:
            members = schema.get(keyword)
            if isinstance(members, list) and members and not (keyword == "allOf" and self._contradicts(members)):
                is_joined = keyword == "allOf" and (len(members) > 1 or bool(schema.get("properties")))
                converted[keyword] = [
                    self._part(member, depth + 1, is_joined=is_joined) if keyword == "allOf" else self.convert(member, depth + 1)
                    for member in members
                ]
        if isinstance(schema.get("oneOf"), list) and schema["oneOf"]:
            self._one_of(schema["oneOf"], converted, depth)
        if schema.get("discriminator"):
            for keyword in ("oneOf", "anyOf"):
                self._discriminate(schema, schema.get(keyword), converted.get(keyword))
        for keyword in SINGLE_SCHEMAS:
            if isinstance(schema.get(keyword), Mapping | bool):
                inner = self.convert(schema[keyword], depth + 1)
                # What could not be converted accepts anything; turned round, it would refuse everything.
                if inner != {} or keyword not in ("not", "if"):
                    converted[keyword] = inner
        for keyword in MAPS_OF_SCHEMAS:
            if isinstance(schema.get(keyword), Mapping):
                converted[keyword] = {
                    name: self.convert(member, depth + 1) for name, member in schema[keyword].items() if usable_pattern(name)
                }
        self._properties(schema, converted, depth)
        if "allOf" in converted and converted.get("additionalProperties") is False:
            # Meant of the whole, but said of what stands beside it: by the letter it would refuse the members of the parts.
            converted["unevaluatedProperties"] = converted.pop("additionalProperties")
        return converted

    def _part(self, member: Json, depth: int, *, is_joined: bool) -> Json:
        """Return a member of an allOf; `is_joined`: it adds up to one object with others."""
        if isinstance(member, Mapping) and isinstance(member.get("$ref"), str):
            # A subtype extends its type; were that type "any of its subtypes" here too, they would define each other.
            return self._reference(member["$ref"], member, depth, is_part=True, is_joined=is_joined)
        converted = self.convert(member, depth)
        return opened(converted) if is_joined else converted

    def _contradicts(self, members: list[Json]) -> bool:
        """Say whether no value could satisfy all of `allOf`, because its members name types that exclude each other."""
        common: set[str] | None = None
        for member in members:
            try:
                resolved = self._document.resolve(member)
            except BrokenReference:
                continue
            types = set(types_of(resolved)) if isinstance(resolved, Mapping) else set()
            types |= {"integer"} if "number" in types else set()
            if types:
                common = types if common is None else common & types
        if common is not None and not common:
            self._found.broken.append("an allOf contradicts itself: its members name types that exclude each other")
            return True
        return False

    def _one_of(self, members: list[Json], converted: dict[str, Json], depth: int) -> None:
        branches = [self.convert(member, depth + 1) for member in members]
        if self._direction == "in":
            converted["oneOf"] = branches
            self._found.has_choices = True
        elif "anyOf" in converted:
            # Of an answer it only matters what may be there.
            converted["allOf"] = [*converted.get("allOf", []), {"anyOf": branches}]
        else:
            converted["anyOf"] = branches

    def _any_subtype(self, schema: Mapping[str, Json], refs: list[str]) -> Json:
        # A type with subtypes is any of them: they hold what the type itself does not name.
        members = [{"$ref": ref} for ref in refs]
        converted: dict[str, Json] = {"anyOf": [self.convert(member, 1) for member in members]}
        self._discriminate(schema, members, converted["anyOf"], is_inherited=True)
        return converted

    def _discriminate(self, schema: Mapping[str, Json], members: Json, branches: Json, *, is_inherited: bool = False) -> None:
        """Note which value of the discriminator means which branch: `members` as the document has them, `branches` as converted."""
        if self._direction == "out" or not isinstance(members, list) or not isinstance(branches, list):
            return
        branch_by_ref = {
            member["$ref"]: branch
            for member, branch in zip(members, branches, strict=True)
            if isinstance(member, Mapping) and isinstance(member.get("$ref"), str) and isinstance(branch, dict)
        }
        for meant in meanings(self._document, schema, list(branch_by_ref), "readOnly", is_inherited=is_inherited):
            branch = branch_by_ref[meant.ref]
            if "$ref" in branch:
                self._found.meanings.append((branch["$ref"].removeprefix("#/$defs/"), meant.name, list(meant.values)))
            else:
                place = next(place for place, each in enumerate(branches) if each is branch)
                branches[place] = narrowed(branch, meant.name, list(meant.values))

    def _properties(self, schema: Mapping[str, Json], converted: dict[str, Json], depth: int) -> None:
        properties = schema.get("properties")
        hidden: set[str] = set()
        required_here: list[str] = []
        if isinstance(properties, Mapping):
            hidden = {name for name, member in properties.items() if self.hides(member)}
            converted["properties"] = {name: self.convert(member, depth + 1) for name, member in properties.items() if name not in hidden}
            # OpenAPI 2 habit, invalid but common: `required: true` on the property itself.
            required_here = [n for n, member in properties.items() if isinstance(member, Mapping) and member.get("required") is True]
        required = schema.get("required")
        names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
        names = [name for name in dict.fromkeys([*names, *required_here]) if name not in hidden]
        if names:
            converted["required"] = names
