"""The front page, and what a person sees who opens the address of the MCP endpoint: what this is and how to connect."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from oauth.tenants import DEFAULT_TENANT, is_valid_name
from server.config.settings import Settings
from server.pages.page import Pages
from server.pages.refusals import for_people


class HomeEndpoints:
    """`/`, the files that all pages use, and `/mcp…` for those who come with a browser (server/mcp/front.py sends them here)."""

    def __init__(self, *, pages: Pages, settings: Settings) -> None:
        self._pages = pages
        self._settings = settings

    def routes(self) -> list[Route]:
        mcp = for_people(self._pages, self.show_mcp)
        return [
            Route("/", for_people(self._pages, self.show), methods=["GET"]),
            *(Route(path, mcp, methods=["GET"]) for path in ("/mcp", "/mcp/", "/mcp/{tenant}", "/mcp/{tenant}/")),
            *self._pages.static.routes(),
        ]

    async def show(self, request: Request) -> Response:
        return self._pages.render("home", mcp_url=self._settings.mcp_url(DEFAULT_TENANT))

    async def show_mcp(self, request: Request) -> Response:
        """Show the page of any tenant that there could be: it says nothing of who is on this gateway."""
        tenant_id = request.path_params.get("tenant", DEFAULT_TENANT)
        if not is_valid_name(tenant_id):
            return self._pages.nowhere()
        return self._pages.render("mcp", mcp_url=self._settings.mcp_url(tenant_id))
