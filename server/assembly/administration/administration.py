"""The administration of this process: what it is about, and where it stands; loaded when somebody asks (decision 0059)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING

import anyio
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from oauth.tenants import Tenants
from oauth.tokens.access_tokens import AccessTokens
from oauth.tokens.revocation import Revocation
from server.admin.door import AdminDoor
from server.assembly.ai_gateway import AiGateway
from server.assembly.connections import Connections
from server.assembly.operations import Operations
from server.assembly.shared_state import SharedState
from server.assembly.workflows.late_work import LateWork
from server.config.settings import Settings
from server.config_versions.live import LiveConfig
from server.observability.siblings import ALONE, Siblings
from server.rate_limits import RateLimits
from server.reports.sources import Sources
from server.storage.store import Store
from tools.egress.client import Egress

if TYPE_CHECKING:
    from server.admin.resource import Resource


@dataclass(slots=True, kw_only=True)
class Administration:
    """The parts that nouns and faces are made from."""

    settings: Settings
    store: Store
    egress: Egress
    tenants: Tenants
    limits: RateLimits
    access_tokens: AccessTokens
    revocation: Revocation
    ai_gateway: AiGateway
    operations: Operations
    connections: Connections
    work: LateWork
    config: LiveConfig
    reports: Sources
    shared: SharedState = field(default_factory=SharedState)
    siblings: Siblings = ALONE
    _nouns: "Sequence[Resource]" = field(default=(), init=False)

    @property
    def nouns(self) -> "Sequence[Resource]":
        """What is administered, the same for every face."""
        if not self._nouns:
            self._nouns = import_module("server.assembly.administration.nouns").assemble_nouns(self)
        return self._nouns

    def routes(self) -> list[BaseRoute]:
        """Return `/admin` and everything below it, behind the outer door."""
        api = AdminDoor(
            Unopened(lambda: import_module("server.assembly.administration.api").open_api(self)), self.settings.observability.admin_allow
        )
        pages = Unopened(lambda: import_module("server.assembly.administration.console").open_pages(self))
        console = AdminDoor(pages, self.settings.observability.admin_allow)
        return [Mount("/admin/api", api), Route("/admin", console), Route("/admin/{rest:path}", console)]


class Unopened:
    """Opens an application with its first request: most nodes never get one."""

    def __init__(self, open_app: Callable[[], ASGIApp]) -> None:
        self._open_app = open_app
        self._opened: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (await self.opened())(scope, receive, send)

    async def opened(self) -> ASGIApp:
        """Return the application."""
        if self._opened is None:
            self._opened = await anyio.to_thread.run_sync(self._open_app)
        return self._opened
