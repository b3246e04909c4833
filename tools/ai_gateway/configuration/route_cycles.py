"""Routes that lead back to themselves."""

from collections.abc import Iterator, Mapping, Sequence


def cycles(edges: Mapping[str, Sequence[tuple[str, str]]]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each cycle once: its way, first name repeated at the end, and the place of the edge that closes it.

    edges: route -> (the route or model it leads to, the place where it says so).
    """
    done: set[str] = set()
    for start in edges:
        #: the names from `start` to here, in order
        way: dict[str, None] = {}
        # (name, the place that led there); None ends the name before it: no recursion, a chain may be as long as the file
        pending: list[tuple[str, str] | None] = [(start, "")]
        while pending:
            step = pending.pop()
            if step is None:
                done.add(way.popitem()[0])
                continue
            name, place = step
            if name in way:
                names = list(way)
                yield (*names[names.index(name) :], name), place
            elif name in edges and name not in done:
                way[name] = None
                pending += [None, *reversed(edges[name])]
