"""Where the console stands, before anybody opens it."""

from collections.abc import Callable, Sequence
from importlib import import_module

import anyio
from starlette.routing import BaseRoute, Route, Router
from starlette.types import Receive, Scope, Send

from oauth.tenants import Tenants
from server.admin.door import AdminDoor
from server.admin.resource import Resource
from server.config.settings import Settings
from server.rate_limits import RateLimits
from server.storage.store import Store


class UnopenedConsole:
    """Opens the console with the first request: most nodes never get one (decision 0059)."""

    def __init__(self, open_pages: Callable[[], Router]) -> None:
        self._open_pages = open_pages
        self._opened: Router | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (await self.opened())(scope, receive, send)

    async def opened(self) -> Router:
        """Return the application of the pages."""
        if self._opened is None:
            self._opened = await anyio.to_thread.run_sync(self._open_pages)
        return self._opened


def assemble_console(
    settings: Settings, store: Store, tenants: Tenants, limits: RateLimits, nouns: Sequence[Resource]
) -> tuple[BaseRoute, ...]:
    """Return the routes of `/admin` but for its API; what they answer is one application behind the outer door."""
    parts = (settings, store, tenants, limits, nouns)
    console = UnopenedConsole(lambda: import_module("server.assembly.console_pages").open_pages(*parts))
    door = AdminDoor(console, settings.observability.admin_allow)
    return Route("/admin", door), Route("/admin/{rest:path}", door)
