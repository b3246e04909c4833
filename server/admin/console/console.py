"""The console put together: its addresses, and what answers each."""

from collections.abc import Sequence

from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, Router, request_response

from server.admin.console.changes import CHANGE, ChangePages
from server.admin.console.door import Door, PageEndpoint
from server.admin.console.lists import ListPages
from server.admin.console.page import ConsolePages
from server.admin.console.things import ThingPages
from server.admin.console.visitor import Visitor
from server.admin.refusals import not_found


class Console:
    """Every page below `/admin`; `own` are pages that are no list and no thing, by their path."""

    def __init__(
        self, pages: ConsolePages, lists: ListPages, own: Sequence[tuple[str, PageEndpoint]] = (), open_to_all: Sequence[BaseRoute] = ()
    ) -> None:
        """`open_to_all`: routes that ask nobody who they are."""
        self._pages, self._lists, self._door, self._own, self._open_to_all = pages, lists, Door(pages), own, open_to_all
        self._things, self._changes = ThingPages(pages, lists), ChangePages(pages, lists)

    def routes(self) -> Sequence[BaseRoute]:
        """Return the routes; what is named stands before what is any name."""
        own = [Route(path, self._door(endpoint), methods=["GET"]) for path, endpoint in self._own]
        return [
            Route("/admin/static/{name}", GZipMiddleware(request_response(self._pages.static.serve)), methods=["GET"]),
            *self._open_to_all,
            *own,
            Route("/admin/{name}", self._door(self._shown(self._lists.show)), methods=["GET"]),
            Route("/admin/{name}", self._door(self._changes.make), methods=["POST"]),
            Route("/admin/{name}/{key:path}", self._door(self._shown(self._things.show)), methods=["GET"]),
            Route("/admin/{name}/{key:path}", self._door(self._changes.make), methods=["POST"]),
        ]

    def router(self) -> Router:
        """Return the application."""
        return Router(self.routes(), redirect_slashes=False, default=request_response(self._door(_nowhere)))

    def _shown(self, show: PageEndpoint) -> PageEndpoint:
        async def answer(visitor: Visitor) -> Response:
            return await (self._changes.show(visitor) if visitor.address.get(CHANGE) else show(visitor))

        return answer


async def _nowhere(_visitor: Visitor) -> Response:
    raise not_found("there is no such page", "the menu lists what there is")
