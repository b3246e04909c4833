"""What validating against a schema can cost: documents can refer so that one value is looked at without end."""

from collections.abc import Iterator, Mapping

from tools.operation import Json
from tools.providers.openapi_choices import VALUES

#: schemas that one value is held against; real documents stay below some hundred
MAX_COST = 10_000
_LISTS = ("allOf", "anyOf", "oneOf")
_SINGLES = ("not", "if", "then", "else")
_MAPS = ("dependentSchemas",)
_APPLYING = frozenset({"$ref", *_LISTS, *_SINGLES, *_MAPS})


def is_bearable(schema: Json, definitions: Mapping[str, Json]) -> bool:
    """Say whether a validator ends, and soon, whatever value it is given.

    Only what is applied to the same value multiplies (allOf, anyOf, a reference); members and items are bounded by the value.
    """
    cost_by_name: dict[str, int | None] = {}

    def cost(node: Json) -> int:
        if not isinstance(node, dict):
            return 1
        total = 1
        if isinstance(node.get("$ref"), str):
            name = node["$ref"].removeprefix("#/$defs/")
            if name not in cost_by_name:
                cost_by_name[name] = None
                cost_by_name[name] = cost(definitions.get(name, {}))
            known = cost_by_name[name]
            # None: a schema that is applied to a value through itself never ends.
            total += MAX_COST if known is None else known
        for part in _applied(node):
            total += cost(part)
            if total >= MAX_COST:
                break
        return min(total, MAX_COST)

    return all(cost(node) < MAX_COST for node in _all_of([schema, *definitions.values()]))


def _applied(node: Mapping[str, Json]) -> Iterator[Json]:
    for keyword in _LISTS:
        members = node.get(keyword)
        yield from members if isinstance(members, list) else ()
    yield from (node[keyword] for keyword in _SINGLES if keyword in node)
    for keyword in _MAPS:
        members = node.get(keyword)
        yield from members.values() if isinstance(members, Mapping) else ()


def _all_of(nodes: list[Json]) -> Iterator[Json]:
    """Yield every schema within `nodes` that applies another one to the same value."""
    pending = list(nodes)
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            if not _APPLYING.isdisjoint(node):
                yield node
            pending += [value for key, value in node.items() if key not in VALUES]
        elif isinstance(node, list):
            pending += node
