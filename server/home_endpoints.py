"""The front page: what this is and how to connect."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from oauth.tenants import DEFAULT_TENANT
from server.config import Settings
from server.pages.page import Pages
from server.pages.page_refusals import for_people


class HomeEndpoints:
    """`/` and the files that all pages use."""

    def __init__(self, *, pages: Pages, settings: Settings) -> None:
        self._pages = pages
        self._settings = settings

    def routes(self) -> list[Route]:
        return [Route("/", for_people(self._pages, self.show), methods=["GET"]), *self._pages.static.routes()]

    async def show(self, request: Request) -> Response:
        return self._pages.render("home", mcp_url=self._settings.mcp_url(DEFAULT_TENANT))
