"""What is known of a value before it exists: walk a JSON Schema along a path, and compare types."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from tools.near_names import near
from tools.operation import Json

#: in a path: an element of a list, and, after it, what `[]` makes of one that is a list itself
ELEMENT, FLATTENED = 0, None
Route = tuple[str | int | None, ...]
_MAX_HOPS = 32
#: Schemas may nest choices in circles; what goes deeper or wider than this is taken as unknown.
_MAX_DEPTH, _MAX_BRANCHES = 12, 64
_NUMBERS = frozenset({"integer", "number"})


@dataclass(frozen=True, slots=True)
class Known:
    """A part of a schema, and the document that its local references point into."""

    schema: Mapping[str, Json]
    root: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Absent:
    """The schema rules the path out: `why`, and names that were probably meant."""

    why: str
    did_you_mean: tuple[str, ...] = ()
    #: names that are there
    has: tuple[str, ...] = ()


def walk(known: Known, path: Route, start: str) -> Known | Absent | None:
    """Return the schema at `path`, why nothing can be there, or None where the schema does not say."""
    here, walked = known, start
    for part in path:
        found = _flattened(here) if part is FLATTENED else step(here, part, walked)
        if not isinstance(found, Known):
            return found
        here, walked = found, f"{walked}[{part}]" if isinstance(part, int) else f"{walked}.{part}" if part is not FLATTENED else walked
    return here


def _flattened(known: Known) -> Known | None:
    """Return the schema of what `[]` makes of an element: its own elements, where it is a list itself."""
    types = types_at(known)
    if types is None or types == {"array"}:
        found = step(known, ELEMENT, "") if types is not None else None
        return found if isinstance(found, Known) else None
    return None if "array" in types else known


def step(known: Known, part: str | int, walked: str) -> Known | Absent | None:
    """Return the schema of one part of a value, why there is none, or None where the schema does not say.

    `walked`: what the value is called.
    """
    branches = _branches_of(known)
    outcomes = [_in_branch(branch, known.root, part, walked) for branch in branches if _types_of_plain(branch) != {"null"}]
    found = [outcome for outcome in outcomes if isinstance(outcome, Known)]
    if len(found) == 1:
        return found[0]
    if found:
        return Known({"anyOf": [each.schema for each in found]}, known.root)
    if any(outcome is None for outcome in outcomes) or not outcomes:
        return None
    return outcomes[0]


def _in_branch(schema: Mapping[str, Json], root: Mapping[str, Json], part: str | int, walked: str) -> Known | Absent | None:
    types = _types_of_plain(schema)
    if isinstance(part, int):
        if types is not None and "array" not in types:
            return Absent(f"{walked} is {_said(types)}, not a list")
        items = schema.get("items")
        return Known(items, root) if isinstance(items, Mapping) and items else None
    if types is not None and "object" not in types:
        way_out = "; take one element with [0] or all with [*]" if "array" in types else ""
        return Absent(f"{walked} is {_said(types)}, so it has no '{part}'{way_out}")
    properties = schema.get("properties")
    if isinstance(properties, Mapping) and part in properties:
        member = properties[part]
        return Known(member, root) if isinstance(member, Mapping) else None
    more = schema.get("additionalProperties")
    if isinstance(more, Mapping) and more:
        return Known(more, root)
    # A document that lists members and says nothing of others is taken at its word; `step.data | name` passes by this check.
    if not properties or more or schema.get("patternProperties") or "x-partial" in schema:
        return None
    return Absent(f"{walked} has no '{part}'; it has {', '.join(list(properties)[:12])}", near(str(part), properties), tuple(properties))


def types_at(known: Known) -> frozenset[str] | None:
    """Return the JSON types that a value of this schema may have, or None where it does not say."""
    types: set[str] = set()
    for branch in _branches_of(known):
        named = _types_of_plain(branch)
        if named is None:
            return None
        types |= named
    return frozenset(types) or None


def are_disjoint(source: frozenset[str] | None, target: frozenset[str] | None) -> bool:
    """Say whether no value can be of both; unknown types fit everything, and an integer is a number."""
    if source is None or target is None:
        return False
    wide = source | _NUMBERS if source & _NUMBERS else source
    return not wide & target


def said(types: frozenset[str]) -> str:
    """Return types in words."""
    return _said(set(types))


def _branches_of(known: Known) -> list[Mapping[str, Json]]:
    found = list(islice(_branches(known.schema, known.root, 0), _MAX_BRANCHES + 1))
    return found if len(found) <= _MAX_BRANCHES else [{}]


def _branches(schema: Json, root: Mapping[str, Json], hops: int) -> Iterator[Mapping[str, Json]]:
    """Yield the plain schemas that a value may have, local references followed, allOf put together."""
    schema = _target(schema, root)
    if schema is None or hops > _MAX_DEPTH:
        yield {}
        return
    for key in ("oneOf", "anyOf"):
        options = schema.get(key)
        if isinstance(options, list) and options:
            rest = {name: value for name, value in schema.items() if name != key}
            for option in options:
                target = _target(option, root)
                yield from _branches({} if target is None else _merged([rest, target], root), root, hops + 1)
            return
    parts = schema.get("allOf")
    if isinstance(parts, list) and len(parts) > _MAX_BRANCHES:
        yield {}
        return
    if isinstance(parts, list) and parts:
        rest = {name: value for name, value in schema.items() if name != "allOf"}
        yield from _branches(_merged([rest, *parts], root), root, hops + 1)
        return
    yield schema


def _merged(parts: list[Json], root: Mapping[str, Json]) -> dict[str, Json]:
    merged: dict[str, Json] = {}
    for part in parts:
        target = _target(part, root)
        if target is None:
            merged["x-partial"] = True
            continue
        for name, value in target.items():
            held = merged.get(name)
            if name == "properties" and isinstance(held, Mapping) and isinstance(value, Mapping):
                merged[name] = {**held, **value}
            elif name == "allOf" and isinstance(held, list) and isinstance(value, list):
                merged[name] = [*held, *value]
            else:
                merged[name] = value
    return merged


def _target(schema: Json, root: Mapping[str, Json]) -> Mapping[str, Json] | None:
    """Follow local references; None for what is no schema, or points elsewhere or in a circle."""
    for _hop in range(_MAX_HOPS):
        if not isinstance(schema, Mapping):
            return {} if schema is True else None
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            return schema
        if not reference.startswith("#"):
            return None
        found: Json = root
        for name in reference.lstrip("#/").split("/") if len(reference) > 2 else ():
            found = found.get(name.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
        schema = found
    return None


def _types_of_plain(schema: Mapping[str, Json]) -> set[str] | None:
    named = schema.get("type")
    if isinstance(named, str):
        types = {named}
    elif isinstance(named, list):
        types = {str(each) for each in named}
    elif isinstance(schema.get("properties"), Mapping):
        types = {"object"}
    elif isinstance(schema.get("items"), Mapping):
        types = {"array"}
    else:
        return None
    return types | {"null"} if schema.get("nullable") is True else types


def _said(types: set[str]) -> str:
    words = {
        "string": "a text",
        "integer": "a number",
        "number": "a number",
        "boolean": "a boolean",
        "array": "a list",
        "object": "an object",
    }
    return " or ".join(dict.fromkeys(words.get(each, each) for each in sorted(types)))
