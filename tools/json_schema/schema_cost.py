"""What validating against a schema can cost: documents can refer so that one value is looked at without end."""

from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from tools.operation import Json

#: schemas that one value is held against; real documents stay below some hundred
MAX_COST = 10_000
#: values of an enumeration that cost as much as a schema
_OPTIONS_A_SCHEMA = 64
#: keywords that hold values, not schemas
VALUES = frozenset({"enum", "examples", "default", "const"})
_LISTS = ("allOf", "anyOf", "oneOf")
_SINGLES = ("not", "if", "then", "else")
_MAPS = ("dependentSchemas", "dependencies")
_NAMED = frozenset({"properties", "patternProperties", "$defs", "definitions", *_MAPS})
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_COUNTED = frozenset({*_REFERENCES, *_LISTS, *_SINGLES, *_MAPS, "enum"})


def is_bearable(schema: Json) -> bool:
    """Say whether a validator ends, and soon, whatever value it is given; a reference that leads out of the schema is not followed."""
    return cost_of(schema) < MAX_COST


def cost_of(schema: Json) -> int:
    """Return how many schemas one value within is held against at most, MAX_COST for too many or without end.

    Only what is applied to the same value multiplies (allOf, anyOf, a reference); members and items are bounded by the value.
    """
    try:
        return _Costs(schema).highest()
    except RecursionError:
        return MAX_COST


class _Costs:
    def __init__(self, root: Json) -> None:
        self._root = root
        #: id of a node -> its cost; None while it is being worked out: what is applied to a value through itself never ends
        self._known: dict[int, int | None] = {}
        self._anchors: dict[str, Json] | None = None

    def highest(self) -> int:
        most = 1
        for node in _nodes_of(self._root):
            if not _COUNTED.isdisjoint(node):
                most = max(most, self._cost(node))
                if most >= MAX_COST:
                    return MAX_COST
        return most

    def _cost(self, node: Json) -> int:
        if not isinstance(node, Mapping):
            return 1
        key = id(node)
        if key in self._known:
            known = self._known[key]
            return MAX_COST if known is None else known
        self._known[key] = None
        total = 1 + (len(node["enum"]) // _OPTIONS_A_SCHEMA if isinstance(node.get("enum"), list) else 0)
        for part in self._applied(node):
            total += self._cost(part)
            if total >= MAX_COST:
                break
        self._known[key] = total = min(total, MAX_COST)
        return total

    def _applied(self, node: Mapping[str, Json]) -> Iterator[Json]:
        for keyword in _REFERENCES:
            if isinstance(reference := node.get(keyword), str):
                # What leads out of the schema costs nobody knows what: as much as what never ends.
                yield self._target(reference, node)
        for keyword in _LISTS:
            members = node.get(keyword)
            yield from members if isinstance(members, list) else ()
        yield from (node[keyword] for keyword in _SINGLES if keyword in node)
        for keyword in _MAPS:
            members = node.get(keyword)
            yield from members.values() if isinstance(members, Mapping) else ()

    def _target(self, reference: str, endless: Json) -> Json:
        if reference in ("", "#"):
            return self._root
        if reference.startswith("#/"):
            here = self._root
            for part in reference[2:].split("/"):
                name = unquote(part).replace("~1", "/").replace("~0", "~")
                if isinstance(here, list):
                    here = here[int(name)] if name.isascii() and name.isdigit() and len(name) < 7 and int(name) < len(here) else None
                else:
                    here = here.get(name) if isinstance(here, Mapping) else None
            return here
        if self._anchors is None:
            named = [(node.get(keyword), node) for node in _nodes_of(self._root) for keyword in ("$anchor", "$dynamicAnchor", "$id", "id")]
            self._anchors = {f"#{name.removeprefix('#')}": node for name, node in named if isinstance(name, str)}
        return self._anchors.get(reference, endless)


def _nodes_of(root: Json) -> Iterator[Mapping[str, Json]]:
    """Yield every object within a schema that may be one itself."""
    pending: list[tuple[Json, bool]] = [(root, False)]
    while pending:
        node, is_named = pending.pop()
        if isinstance(node, Mapping):
            yield node
            # Below `properties` stands a name, also where it is spelled like a keyword.
            pending += [(value, key in _NAMED and not is_named) for key, value in node.items() if is_named or key not in VALUES]
        elif isinstance(node, list):
            pending += [(each, False) for each in node]
