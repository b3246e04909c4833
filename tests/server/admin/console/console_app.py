"""The console in the process of a test: real pages over nouns that are made up, and sessions that a test opens by a cookie."""

import hashlib
import hmac
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from starlette.requests import Request
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from oauth.administration.roles import Role
from oauth.tenants import Tenant, Tenants
from server.admin.administrators import Administrator
from server.admin.console.console import Console
from server.admin.console.lists import ListPages
from server.admin.console.opening import ConsoleParts, open_console
from server.admin.console.page import ConsolePages
from server.admin.resource import Resource
from server.app import Gateway
from server.config_versions.sections.alerts import Alerts
from server.config_versions.sections.sinks import Sinks
from server.pages.browsers import FormRefused
from tests.gateway import opened
from tests.server.admin.console.filled_history import fill
from tests.server.admin.console.stand_in_nouns import NOW_US, Things, secrets_resource, things_resource

COOKIE, HOST = "who", "ascend.example"
TENANTS = (("acme", "Acme Robotics"), ("globex", "Globex"))
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
            "globex": replace(OWNER, tenant_id="globex", reaches_gateway=False, by="gus@globex.test"),
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


async def no_backup() -> None:
    """Tell that there is none."""


@dataclass
class ConsoleApp:
    """An ASGI application of the console alone: lists of what is made up, and over a gateway all other pages and nouns too."""

    things: Things = field(default_factory=Things)
    sessions: StandInSessions = field(default_factory=StandInSessions)
    gateway: Gateway | None = None
    more: Sequence[Resource] = ()

    def __post_init__(self) -> None:
        tenants = Tenants([Tenant("default", "Ascend"), *(Tenant(*each) for each in TENANTS)])
        nouns = [things_resource(self.things), things_resource(Things(0), "nothings", "Nothings"), secrets_resource(self.things)]
        nouns += self.more
        if self.gateway is None:
            pages = ConsolePages(self.sessions, nouns, host=HOST, icon="/icon.svg", clock=lambda: NOW_S)
            self.router = Console(pages, ListPages(pages, nouns, tenants)).router()
        else:
            self.router = open_console(
                ConsoleParts(
                    sessions=self.sessions,
                    nouns=(nouns := [*self.gateway.administration.nouns, *nouns]),
                    tenants=self.gateway.tenants,
                    store=self.gateway.store,
                    host=HOST,
                    icon="/icon.svg",
                    data_dir=self.gateway.settings.data_dir,
                    newest_backup=no_backup,
                    sinks=Sinks,
                    alerts=Alerts,
                    clock=lambda: NOW_S,
                )
            )

        self.resources = {each.name: each for each in nouns}

    def routes(self) -> list[BaseRoute]:
        """Return the route of everything below `/admin`."""
        return [Route("/admin", self), Route("/admin/{rest:path}", self)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.router(scope, receive, send)


@asynccontextmanager
async def filled_console(folder: Path, *, count: int = 4_000, days: float = 30) -> AsyncIterator[ConsoleApp]:
    """Open the console over a gateway in which things have happened."""
    async with opened(folder) as gateway:
        for tenant_id, title in TENANTS:
            await gateway.store.tenants.add(Tenant(tenant_id, title))
        await gateway.tenants.load(gateway.store.tenants.all)
        await fill(gateway.store, count, days)
        yield ConsoleApp(gateway=gateway)
