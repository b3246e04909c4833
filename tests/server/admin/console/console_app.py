"""The console in the process of a test: real pages over nouns that are made up, and sessions that a test opens by a cookie."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from starlette.requests import Request
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from oauth.administration.roles import Role
from oauth.tenants import Tenant, Tenants
from server.admin.administrators import Administrator
from server.admin.console.console import Console
from server.admin.console.page import ConsolePages
from server.admin.resource import Resource
from server.pages.browsers import FormRefused
from tests.server.admin.console.stand_in_nouns import NOW_US, Things, secrets_resource, things_resource

COOKIE = "who"
NOW_S = NOW_US / 1_000_000
#: who has proven who they are just now, whatever the clock
OWNER = Administrator(tenant_id="default", subject="s1", by="ops@example.com", role=Role.OWNER, reaches_gateway=True, proven_at=4e9)


@dataclass
class StandInSessions:
    """Whoever a cookie names; the key of form tokens is the cookie itself."""

    known: dict[str, Administrator] = field(
        default_factory=lambda: {
            "owner": OWNER,
            "stale": replace(OWNER, proven_at=0.0),
            "auditor": replace(OWNER, role=Role.AUDITOR, by="auditor@example.com"),
            "acme": replace(OWNER, tenant_id="acme", reaches_gateway=False, by="ada@acme.test"),
        }
    )

    async def administrator(self, request: Request) -> Administrator | None:
        return self.known.get(request.cookies.get(COOKIE, ""))

    def sign_in_url(self, onward: str) -> str:
        return f"/admin/sign-in?next={onward}"

    def step_up_url(self, onward: str) -> str:
        return f"/admin/prove?next={onward}"

    async def form_token(self, request: Request, purpose: str) -> str:
        return hmac.new(request.cookies.get(COOKIE, "").encode(), purpose.encode(), hashlib.sha256).hexdigest()

    async def check_form(self, request: Request, token: str, purpose: str) -> None:
        if not hmac.compare_digest(token, await self.form_token(request, purpose)):
            raise FormRefused("this form belongs to another session")


@dataclass
class ConsoleApp:
    """An ASGI application of the console alone."""

    things: Things = field(default_factory=Things)
    sessions: StandInSessions = field(default_factory=StandInSessions)
    more: Sequence[Resource] = ()

    def __post_init__(self) -> None:
        tenants = Tenants([Tenant("default", "Ascend"), Tenant("acme", "Acme Robotics"), Tenant("globex", "Globex")])
        resources = [things_resource(self.things), things_resource(Things(0), "nothings", "Nothings"), secrets_resource(self.things)]
        self.pages = ConsolePages(self.sessions, [*resources, *self.more], host="ascend.example", icon="/icon.svg", clock=lambda: NOW_S)
        self.console = Console(self.pages, [*resources, *self.more], tenants)
        self._app = self.console.router()

    def routes(self) -> list[BaseRoute]:
        """Return the route of everything below `/admin`."""
        return [Route("/admin", self), Route("/admin/{rest:path}", self)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)
