"""From a path to its route."""

from collections.abc import Iterable
from typing import Final

from server.edge.canonical_path import without_parameters
from server.edge.refusals import EdgeRefused
from server.edge.route import Route

PREFIX: Final = b"/edge/"


class RouteTable:
    """Names below `/edge/`, whole paths, and what is below a path: the longest that fits."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._by_name = {route.config.name.encode(): route for route in self.routes if route.config.name}
        paths = {route.config.path.encode(): route for route in self.routes if route.config.path}
        self._by_path = {path: route for path, route in paths.items() if not path.endswith(b"*")}
        below = [(path[:-1], route) for path, route in paths.items() if path.endswith(b"*")]
        self._below = sorted(below, key=lambda each: -len(each[0]))

    def find(self, path: bytes) -> tuple[Route, bytes] | None:
        """Return the route of a canonical path, and the path that its backends are asked for."""
        found = self._find(path)
        # Some servers take `/admin;x/` for `/admin/`: where that is another route, it may have other checks.
        if b";" in path and (other := self._find(without_parameters(path))) is not None and (found is None or other[0] is not found[0]):
            raise EdgeRefused(400, "invalid_path", "this path is not passed on: with its parameters (;) it has two meanings here")
        return found

    def _find(self, path: bytes) -> tuple[Route, bytes] | None:
        if path.startswith(PREFIX):
            name, slash, rest = path[len(PREFIX) :].partition(b"/")
            named = self._by_name.get(name)
            return (named, slash + rest or b"/") if named is not None else None
        exact = self._by_path.get(path)
        if exact is not None:
            return exact, path
        return next(((route, path) for prefix, route in self._below if path.startswith(prefix)), None)
