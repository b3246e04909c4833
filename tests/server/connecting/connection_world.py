"""A gateway reduced to its connections, and the demo CRM as their provider: both on real ports of 127.0.0.1, one real store."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from oauth.connections.errors import ConnectionNeeded
from oauth.connections.upstream.registrations import SHARED, UpstreamRegistration
from oauth.principal import Principal
from oauth.sign_in.subjects import Subject
from oauth.tenants import Tenant, Tenants
from server.assembly.connections import Connections, assemble_connections
from server.config.load import load
from server.demo.app import build
from server.demo.grants import Faults, Grants, OAuthClient, OAuthSettings
from server.demo.provider import definition
from server.pages.browser_session import BrowserSessions
from server.pages.home import HomeEndpoints
from server.pages.page import Pages
from server.pages.reading import Reading
from server.storage.store import Store, open_store
from tests.empty_store import put_data_directory
from tests.server.demo.listening import listening
from tools.egress.client import Egress
from tools.sources.key_parts import KeyPart
from tools.workflows.registry import WorkflowRegistry
from tools.workflows.schedules.setting import Schedules

CLIENT_SECRET = "crm-app-secret"
ADA = Principal("default", "sub_ada", "claude", frozenset({"mcp"}), "g1")
BOB = Principal("default", "sub_bob", "claude", frozenset({"mcp"}), "g2")
EVE = Principal("globex", "sub_ada", "claude", frozenset({"mcp"}), "g3")


@dataclass
class ConnectionWorld:
    """`crm` is what the demo CRM's authorization server remembers; `faults` makes it fail."""

    url: str
    crm_url: str
    store: Store
    connections: Connections
    crm: Grants
    faults: Faults
    data_dir: Path

    def browser(self) -> httpx2.AsyncClient:
        """Return a browser: it keeps cookies for both hosts, follows nothing by itself and sends Origin with its posts."""
        return httpx2.AsyncClient(timeout=10, headers={"origin": self.url})

    @asynccontextmanager
    async def signed_in(self, principal: Principal) -> AsyncIterator[httpx2.AsyncClient]:
        """Give a browser where `principal`'s subject is signed in to the tenant."""
        async with self.browser() as browser:
            await browser.get(f"{self.url}/test/sign-in/{principal.tenant_id}/{principal.subject}")
            yield browser

    async def needed(self, principal: Principal = ADA, scopes: frozenset[str] = frozenset({"crm.read"}), provider: str = "crm") -> str:
        """Call without an account and return the link."""
        try:
            await self.connections.known.for_call(principal, provider, scopes, None)
        except ConnectionNeeded as needed:
            return needed.url
        raise AssertionError("the call needed no connection")

    async def begin(self, browser: httpx2.AsyncClient, link: str, **fields: str) -> httpx2.Response:
        """Open the connect page and send its form; return the answer, a redirect to the provider where all is well."""
        page = await browser.get(link)
        assert page.status_code == 200, page.text
        return await browser.post(link, data={"csrf": field(page.text, "csrf"), **fields})

    async def consent(self, browser: httpx2.AsyncClient, authorize_url: str, owner_id: str = "own_2", decision: str = "allow") -> str:
        """Consent at the CRM and return the callback address with its answer."""
        page = await browser.get(authorize_url)
        assert page.status_code == 200, page.text
        form = {"consent_id": field(page.text, "consent_id"), "owner_id": owner_id, "decision": decision}
        answer = await browser.post(f"{self.crm_url}/oauth/authorize", data=form)
        return answer.headers["location"]

    async def connect(self, principal: Principal = ADA, owner_id: str = "own_2", link: str | None = None, **fields: str) -> httpx2.Response:
        """Walk the whole way and return the last page."""
        async with self.signed_in(principal) as browser:
            begun = await self.begin(browser, link or await self.needed(principal), **fields)
            return await browser.get(await self.consent(browser, begun.headers["location"], owner_id))


def field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"no field {name} in: {page}"
    return found[1]


def query_of(url: str) -> Mapping[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


@asynccontextmanager
async def connection_world(
    tmp_path: Path,
    access_ttl_s: int = 1800,
    rotate: bool = True,
    reuse_grace_s: float = 0,
    allow: tuple[str, ...] = (),
    needed: tuple[str, ...] = (),
    keys: tuple[KeyPart, ...] = (),
) -> AsyncIterator[ConnectionWorld]:
    """Open the world; it ends with the block. `needed`: providers at which operations need an account; `keys`: those of every account."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    faults = Faults()
    oauth = OAuthSettings(OAuthClient("ascend", CLIENT_SECRET), access_ttl_s, rotate, reuse_grace_s)
    crm_app = build(oauth=oauth, faults=faults)
    settings = load(put_data_directory(tmp_path / "data"), {}, base_url=url)
    with listening(crm_app) as crm_url:
        async with open_store(settings) as store, Egress((urlsplit(crm_url).netloc, *allow)) as egress:
            connections = await assemble_connections(settings, store, egress)
            registration = UpstreamRegistration(SHARED, "crm", "ascend", definition(crm_url))
            await connections.registrations.add(registration, CLIENT_SECRET, "operator")
            sessions = BrowserSessions(store.browser_sessions, settings=settings)
            tenants = Tenants([Tenant("default", "Default"), Tenant("globex", "Globex")])
            await store.tenants.add(Tenant("globex", "Globex"))
            for tenant_id, subject in (("default", "sub_ada"), ("default", "sub_bob"), ("globex", "sub_ada")):
                await store.subjects.add(Subject(tenant_id, subject, f"{subject}@example.com"), None)
            pages = Pages(settings)

            async def schedules() -> Schedules:
                return Schedules(store.durable.schedules, WorkflowRegistry())  # type: ignore[arg-type]  # none is set here

            home = HomeEndpoints(pages=pages, settings=settings)
            routes = [
                *connections.routes(tenants, sessions, pages, lambda _tenant_id: needed, lambda *_whose: keys, Reading(schedules)),
                *home.routes(),
                *_sign_in(sessions),
            ]
            async with _serving(Starlette(routes=routes), listener):
                yield ConnectionWorld(url, crm_url, store, connections, crm_app.state.grants, faults, tmp_path / "data")


@asynccontextmanager
async def _serving(app: Starlette, listener: socket.socket) -> AsyncIterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1))
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await task
        listener.close()


def _sign_in(sessions: BrowserSessions) -> list[Route]:
    async def sign_in(request: Request) -> Response:
        tenant_id, subject = request.path_params["tenant"], request.path_params["subject"]
        response = PlainTextResponse("signed in")
        await sessions.begin(request, response, Subject(tenant_id, subject, f"{subject}@example.com"), ("password",))
        return response

    return [Route("/test/sign-in/{tenant}/{subject}", sign_in)]
