"""Which routes lead back to themselves, and how far the others lead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RouteGraph:
    """`cycles`: each once, its way with the first name repeated at the end, and the place that closes it."""

    cycles: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    #: route -> through how many routes it leads, itself included
    depths: dict[str, int] = field(default_factory=dict)


def graph_of(edges: Mapping[str, Sequence[tuple[str, str]]]) -> RouteGraph:
    """Return what can be said of routes. edges: route -> (the route or model it leads to, the place where it says so)."""
    graph = RouteGraph()
    for start in edges:
        #: the names from `start` to here, in order
        way: dict[str, None] = {}
        # (name, the place that led there); None ends the name before it: no recursion, a chain may be as long as the file
        pending: list[tuple[str, str] | None] = [(start, "")]
        while pending:
            step = pending.pop()
            if step is None:
                name = way.popitem()[0]
                graph.depths[name] = 1 + max((graph.depths.get(used, 0) for used, _place in edges[name]), default=0)
                continue
            name, place = step
            if name in way:
                names = list(way)
                graph.cycles.append(((*names[names.index(name) :], name), place))
            elif name in edges and name not in graph.depths:
                way[name] = None
                pending += [None, *reversed(edges[name])]
    return graph
