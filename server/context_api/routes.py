"""Which operation a URL means, and what the URL says of its arguments (context contract §3)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from tools.operation import Json

PREFIXES = ("/v1/context/", "/v1/rag/")
Body = Literal["none", "json", "document"]
_LARGEST_PAGE = 20


@dataclass(frozen=True, slots=True)
class Route:
    """One URL and method. `names`: the argument that the last segment of the path is; `takes`: arguments that the query may carry.

    `given`: arguments that the URL implies. `confirms`: it cannot be undone, so `confirm` may come along.
    """

    operation: str
    body: Body = "json"
    names: str | None = None
    takes: frozenset[str] = frozenset()
    given: Mapping[str, Json] | None = None
    status: int = 200
    confirms: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A route, and the arguments that stand in its path."""

    route: Route
    arguments: Mapping[str, Json]


_DOCUMENTS = Route("rag_documents", "none", takes=frozenset({"cursor", "limit"}))
#: path -> method -> route; `{}` is one segment
_ROUTES: Mapping[str, Mapping[str, Route]] = {
    "/v1/context/query": {"POST": Route("context_query")},
    "/v1/context/explain": {"POST": Route("context_explain")},
    "/v1/context/facts": {"POST": Route("context_assert")},
    "/v1/context/retract": {"POST": Route("context_retract")},
    "/v1/context/forget": {"POST": Route("context_forget", confirms=True)},
    "/v1/context/entities/{}": {
        # An entity is shown by what is known of it: no query, so its facts come, newest first.
        "GET": Route(
            "context_query", "none", names="entities", takes=frozenset({"as_of", "known_at", "history"}), given={"limit": _LARGEST_PAGE}
        )
    },
    "/v1/context/entities/{}/proposals": {"GET": Route("context_proposals", "none", names="entity", takes=frozenset({"decided", "limit"}))},
    "/v1/context/proposals": {"GET": Route("context_proposals", "none", takes=frozenset({"decided", "limit"}))},
    "/v1/context/link": {"POST": Route("context_link")},
    "/v1/rag/documents": {"GET": _DOCUMENTS, "POST": Route("rag_upload", "document", status=202)},
    "/v1/rag/documents/{}": {
        "GET": Route("rag_documents", "none", names="document_id"),
        "DELETE": Route("rag_delete", "none", names="document_id", confirms=True),
    },
    "/v1/rag/search": {"POST": Route("rag_search")},
    "/v1/rag/query": {"POST": Route("rag_query")},
}
_PATTERNS = tuple((re.compile(re.escape(path).replace(r"\{\}", "([^/]+)") + "/?"), methods) for path, methods in _ROUTES.items())
#: arguments that are lists, though a path names one
_LISTS = frozenset({"entities"})


def is_context_path(path: str) -> bool:
    """Say whether a path is the context plane's, or was meant to be."""
    return path.startswith(PREFIXES) or path in ("/v1/context", "/v1/rag")


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
            arguments[route.names] = [named] if route.names in _LISTS else named
        return Asked(route, arguments)
    return ()


def paths() -> tuple[str, ...]:
    """Return every path, for whoever asks for one that is not there."""
    return tuple(_ROUTES)
