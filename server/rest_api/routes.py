"""Which operation a URL means, and what the URL says of its arguments (context contract §3)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from server.rest_api.context_routes import CONTEXT_ROUTES
from server.rest_api.route import Route, Routes
from server.rest_api.workflow_routes import WORKFLOW_ROUTES
from tools.operation import Json


@dataclass(frozen=True, slots=True)
class Asked:
    """A route, and the arguments that stand in its path."""

    route: Route
    arguments: Mapping[str, Json]


_ROUTES: Routes = {**CONTEXT_ROUTES, **WORKFLOW_ROUTES}
_PREFIXES = ("/v1/context", "/v1/rag", "/v1/workflows")
_PATTERNS = tuple((re.compile(re.escape(path).replace(r"\{\}", "([^/]+)") + "/?"), methods) for path, methods in _ROUTES.items())
_BELOW = tuple(f"{prefix}/" for prefix in _PREFIXES)
#: arguments that are lists, though a path names one, or a query several with commas between them
LISTS = frozenset({"entities", "states"})


def is_rest_path(path: str) -> bool:
    """Say whether a path is one of these, or was meant to be."""
    return path.startswith(_BELOW) or path in _PREFIXES


def read_route(path: str, method: str) -> Asked | tuple[str, ...]:
    """Return what is asked; or the methods that are answered at `path`, none where there is nothing. `path` is percent-encoded."""
    for pattern, methods in _PATTERNS:
        if (match := pattern.fullmatch(path)) is None:
            continue
        # RFC 9110 §9.3.2: HEAD is GET without the content.
        route = methods.get("GET" if method == "HEAD" else method)
        if route is None:
            return tuple(sorted(methods.keys() | ({"HEAD"} if "GET" in methods else set()) | {"OPTIONS"}))
        arguments: dict[str, Json] = dict(route.given or {})
        if route.names is not None:
            named = unquote(match[1])
            arguments[route.names] = [named] if route.names in LISTS else named
        return Asked(route, arguments)
    return ()


def paths() -> tuple[str, ...]:
    """Return every path, for whoever asks for one that is not there."""
    return tuple(_ROUTES)
