"""The addresses of `/admin/api`: one shape for every resource, read from its declaration (operations contract, "API")."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from server.admin.answers import thing
from server.admin.api.changes import ApiChanges
from server.admin.api.openapi import openapi_document
from server.admin.api.plain_routes import PlainRoute
from server.admin.asked import administrator_of
from server.admin.lists.exports import FORMATS, Exports
from server.admin.lists.list_query import list_query
from server.admin.lists.written import written
from server.admin.reading import count_of, must_see, thing_of
from server.admin.refusals import AdminRefused, invalid, not_found
from server.admin.resource import Resource

PREFIX = "/admin/api/"
DOCUMENT = "openapi.json"
_OWN_PARAMETERS = ("format", "count")

Answer = Callable[[Request], Awaitable[Response]]


class AdminApi:
    """The application behind AdminGuard: `{name}`, `{name}/{key}`, `{name}/{key}/{change}`; `others` by their first segment."""

    def __init__(
        self,
        resources: Sequence[Resource],
        changes: ApiChanges,
        others: Mapping[str, ASGIApp],
        *,
        origin: str = "",
        token_url: str = "",
        routes: Sequence[PlainRoute] = (),
    ) -> None:
        """origin, `token_url`: of the administration, and where machines get tokens; `routes` of the others: for the document about all
        this."""
        self._resources = {each.name: each for each in resources}
        self._origin, self._token_url, self._routes = origin, token_url, routes
        self._changes, self._others, self._exports = changes, others, Exports()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        segments = _segments(scope)
        other = self._others.get(segments[0])
        if other is not None:
            await other(scope, receive, send)
            return
        request = Request(scope, receive)
        response = await self._answer(request, segments)
        await response(scope, receive, send)

    async def _answer(self, request: Request, segments: Sequence[str]) -> Response:
        if list(segments) == [DOCUMENT] and request.method in ("GET", "HEAD"):
            return thing(openapi_document(tuple(self._resources.values()), self._origin, self._token_url, self._routes))
        resource = self._resources.get(segments[0])
        if resource is None or not all(segments) or len(segments) > 3:
            raise not_found(
                "there is nothing at this address", f"GET /admin/api/openapi.json says what there is: {', '.join(self._resources)}"
            )
        key, name = [*segments[1:], "", ""][:2]
        method = "GET" if request.method == "HEAD" else request.method
        match method, len(segments):
            case "GET", 1:
                return await self._list(request, resource)
            case "GET", 2:
                return await self._thing(request, resource, key)
            case ("POST", _) | ("PATCH", 2) | ("DELETE", 2):
                return await self._changes.make(request, resource, key, name)
        allowed = {1: "GET, HEAD, POST", 2: "GET, HEAD, POST, PATCH, DELETE"}.get(len(segments), "POST")
        raise AdminRefused(405, "method_not_allowed", "this address does not take this method", headers={"allow": allowed})

    async def _list(self, request: Request, resource: Resource) -> Response:
        administrator, asked = administrator_of(request), request.query_params
        must_see(administrator, resource)
        form, is_counted = asked.get("format") or "json", asked.get("count") or "0"
        if form not in FORMATS:
            raise invalid(f"format: give one of {', '.join(FORMATS)}")
        if is_counted not in ("0", "1"):
            raise invalid("count: give 1, or leave it out")
        query = list_query(administrator, resource, asked.multi_items(), time.time_ns() // 1_000, others=_OWN_PARAMETERS)
        if is_counted == "0" or form != "json":
            return await self._exports.of(administrator, resource, query, form)
        count, is_all = await count_of(administrator, resource, query)
        return await self._exports.of(administrator, resource, query, form, count=count, count_is_all=is_all)

    async def _thing(self, request: Request, resource: Resource, key: str) -> Response:
        found = written(resource, await thing_of(administrator_of(request), resource, key))
        return thing(found, headers={"etag": f'"{found["version"]}"'} if "version" in found else None)


def _segments(scope: Scope) -> list[str]:
    """Return what stands between the slashes; a key may have slashes of its own, percent-encoded (RFC 3986 §2.2)."""
    path = scope.get("raw_path", scope["path"].encode()).decode("latin-1").partition("?")[0]
    try:
        segments = [unquote(each, errors="strict") for each in path.removeprefix(PREFIX).split("/")]
    except UnicodeDecodeError as error:
        raise not_found("the address is no text in UTF-8") from error
    # Before a change is begun: PostgreSQL takes no zero in a text, and nothing has one in its name.
    if any("\0" in each for each in segments):
        raise not_found("the address has a zero character (%00)")
    return segments
