"""A gateway reduced to its sign-in pages, on a real port, with a small stand-in for the authorization requests."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from oauth.authorization.consent_view import scope_words
from oauth.authorization.request import AuthorizationRequest
from oauth.errors import FetchRefused
from oauth.fetch import Fetched
from oauth.sign_in.federation import Federation
from oauth.sign_in.identity_providers import IdentityProvider
from oauth.sign_in.one_time_links import SignInLinks
from oauth.sign_in.passkeys import Passkeys
from oauth.sign_in.passwords import Passwords
from oauth.sign_in.subjects import Subject
from oauth.tenants import Tenant, Tenants
from server.config.load import load
from server.config.settings import Settings
from server.pages.account import AccountEndpoints
from server.pages.browser_session import BrowserSessions
from server.pages.consent import ConsentEndpoints
from server.pages.home import HomeEndpoints
from server.pages.page import Pages, see_other
from server.pages.sign_in import SignInEndpoints
from server.pages.sign_in_link import LinkEndpoints
from server.rate_limits import RateLimits
from server.storage.memory.identities import MemoryIdentityLinkStore
from server.storage.memory.passkeys import MemoryPasskeyStore
from server.storage.memory.subjects import MemoryBrowserSessionStore, MemorySubjectStore
from tests.server.http.standing_server import StandingServer, standing_server
from tests.server.pages.stand_in_requests import EMAIL, Clock, MemoryAudit, StandInConsent, StandInGrants

PASSWORD = "correct-horse-battery"


async def send_unguarded(
    method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, max_bytes: int, timeout_s: float
) -> Fetched:
    """Send one request to a server of the test's own, without the guard that keeps the gateway from calling this machine."""
    async with httpx2.AsyncClient(timeout=timeout_s) as client:
        try:
            answer = await client.request(method, url, headers=dict(headers), content=body)
        except httpx2.HTTPError as error:
            raise FetchRefused(type(error).__name__) from error
    return Fetched(answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, answer.content)


@dataclass
class SignInApp:
    """`url` answers while `running()` is entered."""

    server: StandingServer
    url: str
    settings: Settings
    tenants: Tenants
    consent: StandInConsent = field(default_factory=StandInConsent)
    subjects: MemorySubjectStore = field(default_factory=MemorySubjectStore)
    redirect_uri: str = ""
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.redirect_uri = self.redirect_uri or f"{self.url}/arrived"
        self.pages = Pages(self.settings)
        self.sessions = BrowserSessions(MemoryBrowserSessionStore(self.subjects), settings=self.settings, clock=self.clock)
        self.passwords = Passwords(self.subjects)
        self.limits = RateLimits(scale=self.settings.authorization.rate_limit_scale)
        self.audit = MemoryAudit()
        self.passkey_store = MemoryPasskeyStore()
        self.passkeys = Passkeys(self.passkey_store, self.subjects, origin=self.url, audit=self.audit, clock=self.clock)
        self.sign_in_links = SignInLinks(self.passkey_store, self.subjects, clock=self.clock)
        self.grants = StandInGrants()
        self.links = MemoryIdentityLinkStore(self.subjects)
        self.secrets: dict[str, str] = {}
        self.federation = Federation(
            self.links, self.subjects, send_unguarded, secret_of=self.secret_of, base_url=self.url, clock=self.clock
        )

    async def secret_of(self, provider: IdentityProvider) -> str:
        return self.secrets.get(provider.slug, "")

    def add_person(self, email: str, display_name: str = "", tenant_id: str = "default") -> None:
        """Make a subject whose password is PASSWORD."""

        async def add() -> None:
            # Its own Passwords: a limiter belongs to the event loop that used it first.
            passwords = Passwords(self.subjects)
            await passwords.add_subject(tenant_id, email, PASSWORD, display_name=display_name)

        # In a thread, because a test that drives a browser has a loop in its own.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(anyio.run, add).result()

    def link_for(self, email: str, tenant_id: str = "default") -> str:
        """Return a sign-in link as an operator makes it."""

        async def make() -> str:
            found = await self.subjects.find_local(tenant_id, email)
            assert found is not None
            return await self.sign_in_links.make(found[0])

        return anyio.run(make)

    def change_person(self, email: str, change: Callable[[Subject], Subject], tenant_id: str = "default") -> None:
        """Do to a local subject what an operator does."""

        async def save() -> None:
            found = await self.subjects.find_local(tenant_id, email)
            assert found is not None
            await self.subjects.save(change(found[0]))

        anyio.run(save)

    def routes(self) -> list[Route]:
        sign_in = SignInEndpoints(
            consent=self.consent,
            tenants=self.tenants,
            sessions=self.sessions,
            passwords=self.passwords,
            passkeys=self.passkeys,
            federation=self.federation,
            audit=self.audit,
            pages=self.pages,
            limits=self.limits,
            clock=self.clock,
        )
        account = AccountEndpoints(
            tenants=self.tenants,
            sessions=self.sessions,
            passwords=self.passwords,
            passkeys=self.passkeys,
            grants=self.grants,
            scope_words=scope_words(lambda tenant_id, provider: provider.title()),
            audit=self.audit,
            pages=self.pages,
            limits=self.limits,
            clock=self.clock,
        )
        links = LinkEndpoints(
            links=self.sign_in_links,
            tenants=self.tenants,
            sessions=self.sessions,
            audit=self.audit,
            pages=self.pages,
            limits=self.limits,
            clock=self.clock,
        )
        return [
            *links.routes(),
            *HomeEndpoints(pages=self.pages, settings=self.settings).routes(),
            *sign_in.routes(),
            *account.routes(),
            *ConsentEndpoints(consent=self.consent, sessions=self.sessions, pages=self.pages, clock=self.clock).routes(),
            Route("/authorize", self.authorize, methods=["GET"]),
            Route("/arrived", self.arrived, methods=["GET"]),
        ]

    async def authorize(self, request: Request) -> Response:
        """Begin an authorization request as the real endpoint does, without its checks."""
        request_id = secrets.token_urlsafe(32)
        tenant_id = request.query_params.get("tenant", "default")
        response = see_other(f"/login?request={request_id}")
        browser = self.sessions.bind_browser(request, response)
        now = 0.0 if request.query_params.get("prompt") is None else 4e9
        self.consent.requests[request_id] = AuthorizationRequest(
            request_id=request_id,
            browser=browser,
            tenant_id=tenant_id,
            client_id="client",
            redirect_uri=self.redirect_uri,
            scopes=("mcp", "mcp:read"),
            resource=self.settings.mcp_url(tenant_id),
            state="xyz",
            code_challenge="challenge",
            prompt=frozenset(request.query_params.get("prompt", "").split()),
            login_hint=request.query_params.get("login_hint"),
            max_age_s=None,
            created_at=now,
            expires_at=4e9,
        )
        return response

    async def arrived(self, request: Request) -> Response:
        return JSONResponse(dict(request.query_params))


def sign_in_app(tmp_path: Path, host: str = "127.0.0.1", rate_limit_scale: float = 1.0, scheme: str = "http") -> SignInApp:
    """Return an app on a free port with the subject Ada in the tenants `default` and `acme`."""
    server = standing_server()
    url = f"{scheme}://{host}:{server.port}"
    settings = load(tmp_path, {}, base_url=url, rate_limit_scale=rate_limit_scale)
    tenants = Tenants([Tenant("default", "Acme Robotics"), Tenant("other", "Other Company")])
    return SignInApp(server, url, settings, tenants)


@contextmanager
def running(app: SignInApp) -> Iterator[SignInApp]:
    """Serve the app, with Ada as a subject of `default`."""
    app.add_person(EMAIL, "Ada Lovelace")
    app.server.app = Starlette(routes=app.routes())
    try:
        yield app
    finally:
        app.server.release()
