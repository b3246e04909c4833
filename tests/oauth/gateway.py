"""The authorization server in process, over its real routes and a real SQLite file, with clients that behave like real ones."""

import base64
import hashlib
import re
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from oauth.authorization.scope_narrowing import STANDING
from oauth.errors import FetchRefused
from oauth.fetch import Fetched
from oauth.sign_in.subjects import Subject
from oauth.tenants import Tenant, Tenants
from server.assembly.authorization import AuthorizationServer, OAuthStores
from server.config.load import load
from server.config.settings import Settings
from server.error_responses import exception_handlers
from server.pages.browser_session import BrowserSessions
from server.pages.consent import ConsentEndpoints
from server.pages.page import Pages, see_other
from server.rate_limits import RateLimits
from server.storage.database import Database
from server.storage.memory.subjects import MemoryBrowserSessionStore, MemorySubjectStore
from server.storage.oauth.clients import SqlClientStore
from server.storage.oauth.grants import SqlGrantStore
from server.storage.oauth.security_events import SqlAuditLog
from server.storage.oauth.static_tokens import SqlStaticTokenStore
from tests.empty_store import put_empty_store

BASE = "http://127.0.0.1:8080"
MCP = f"{BASE}/mcp"
MCP2 = f"{BASE}/mcp/acme"
CALLBACK = "http://127.0.0.1:3333/callback"
PROVIDER_SCOPES = frozenset({"crm:read", "crm:write", "crm:destructive"})


@dataclass
class Clock:
    """Time that a test can move."""

    now: float = field(default_factory=time.time)

    def __call__(self) -> float:
        return self.now


@dataclass
class Web:
    """What the guarded fetch finds: answers by URL; everything else is refused. Counts what is asked for."""

    answers: dict[str, Fetched] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def __call__(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, max_bytes: int, timeout_s: float
    ) -> Fetched:
        self.asked.append(url)
        answer = self.answers.get(url)
        if answer is None:
            raise FetchRefused("nothing answers there")
        if len(answer.body) > max_bytes:
            raise FetchRefused("the answer is too large")
        return answer


@dataclass
class Pkce:
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def challenge(self) -> str:
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass
class OAuthGateway:
    """One gateway with the tenants `default` and `acme`; every subject may use what `allowed` says."""

    settings: Settings
    database: Database
    clock: Clock = field(default_factory=Clock)
    web: Web = field(default_factory=Web)
    #: (tenant, subject) -> scopes; all scopes where nothing is said
    allowed: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tenants = Tenants([Tenant("default", "Default"), Tenant("acme", "Acme Robotics")])
        self.grants = SqlGrantStore(self.database)
        self.client_store = SqlClientStore(self.database)
        self.audit = SqlAuditLog(self.database)
        self.server = AuthorizationServer(
            settings=self.settings,
            stores=OAuthStores(self.grants, self.client_store, self.audit, SqlStaticTokenStore(self.database)),
            tenants=self.tenants,
            send=self.web,
            allowed_scopes=self._allowed_scopes,
            provider_scopes=lambda _tenant_id: PROVIDER_SCOPES,
            clock=self.clock,
        )
        self.subjects = MemorySubjectStore()
        self.sessions = BrowserSessions(MemoryBrowserSessionStore(self.subjects), settings=self.settings, clock=self.clock)
        self.pages = Pages(self.settings)
        self.limits = RateLimits(scale=self.settings.authorization.rate_limit_scale)
        self.app = self.build()

    async def _allowed_scopes(self, tenant_id: str, subject: str) -> frozenset[str]:
        return self.allowed.get((tenant_id, subject), STANDING)

    def build(self) -> Starlette:
        """Return the application with the routes of `server` as it is now."""
        consent = ConsentEndpoints(consent=self.server.consent, sessions=self.sessions, pages=self.pages, clock=self.clock)
        routes = [
            *self.server.routes(sessions=self.sessions, pages=self.pages, limits=self.limits),
            *consent.routes(),
            Route("/test-sign-in", self._sign_in, methods=["POST"]),
        ]
        app = Starlette(routes=routes, exception_handlers=exception_handlers())
        guard = self.server.guard(_whoami)
        for path in ("/mcp", "/mcp/", "/mcp/{tenant}", "/mcp/{tenant}/"):
            app.router.routes.append(Route(path, guard))
        return app

    async def _sign_in(self, request: Request) -> Response:
        """Sign a subject in without a page: pages have their own tests."""
        tenant_id, email = request.query_params["tenant"], request.query_params["email"]
        found = await self.subjects.find_local(tenant_id, email)
        if found is None:
            subject = Subject(subject_id=f"{email.partition('@')[0]}-{tenant_id}", tenant_id=tenant_id, email=email)
            await self.subjects.add(subject, None)
        else:
            subject = found[0]
        response = see_other("/")
        await self.sessions.begin(request, response, subject, ("password",))
        return response

    @asynccontextmanager
    async def browser(self) -> AsyncIterator[httpx2.AsyncClient]:
        """Give an HTTP client with its own cookies; it follows no redirect."""
        transport = httpx2.ASGITransport(app=self.app, raise_app_exceptions=True)
        async with httpx2.AsyncClient(transport=transport, base_url=self.settings.base_url) as client:
            yield client

    async def request(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Send one request from a client without cookies."""
        async with self.browser() as client:
            return await client.request(method, path, **options)

    async def register(self, **metadata: object) -> dict[str, Any]:
        """Register a public native client and return its registration."""
        default = {"redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none", "client_name": "Probe"}
        response = await self.request("POST", "/register", json=default | metadata)
        assert response.status_code == 201, response.text
        registration: dict[str, Any] = response.json()
        return registration

    async def sign_in(self, browser: httpx2.AsyncClient, email: str = "ada@example.com", tenant: str = "default") -> None:
        await browser.post("/test-sign-in", params={"tenant": tenant, "email": email})

    async def authorize(self, browser: httpx2.AsyncClient, client_id: str, pkce: Pkce, **changes: str | None) -> httpx2.Response:
        """Send the browser to /authorize; None removes a parameter."""
        return await browser.get(f"/authorize?{urlencode(parameters(client_id, pkce, **changes))}")

    async def answer(self, browser: httpx2.AsyncClient, location: str, decision: str = "allow") -> httpx2.Response:
        """Open the consent page and answer it."""
        page = await browser.get(location)
        assert page.status_code == 200, (page.status_code, page.text)
        return await browser.post("/consent", data=form_of(page.text) | {"decision": decision})

    async def code(self, client_id: str, pkce: Pkce, email: str = "ada@example.com", tenant: str = "default", **changes: str | None) -> str:
        """Walk a person through to a code."""
        async with self.browser() as browser:
            await self.sign_in(browser, email, tenant)
            started = await self.authorize(browser, client_id, pkce, **changes)
            assert started.status_code == 303, started.text
            answered = await self.answer(browser, started.headers["location"])
            return answer_of(answered)["code"]

    async def redeem(self, client_id: str, code: str, pkce: Pkce, **changes: str | None) -> httpx2.Response:
        form: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "client_id": client_id,
            "code": code,
            "code_verifier": pkce.verifier,
            "redirect_uri": CALLBACK,
            "resource": MCP,
        }
        return await self.token(**(form | changes))

    async def token(self, **form: str | None) -> httpx2.Response:
        return await self.request("POST", "/token", data={name: value for name, value in form.items() if value is not None})

    async def refresh(self, client_id: str, refresh_token: str, **changes: str | None) -> httpx2.Response:
        form: dict[str, str | None] = {"grant_type": "refresh_token", "client_id": client_id, "refresh_token": refresh_token}
        return await self.token(**(form | changes))

    async def tokens(
        self, client_id: str, email: str = "ada@example.com", tenant: str = "default", **changes: str | None
    ) -> dict[str, Any]:
        """Walk a person through to tokens."""
        pkce = Pkce()
        changes.setdefault("resource", self.settings.mcp_url(tenant))
        code = await self.code(client_id, pkce, email, tenant, **changes)
        token_changes = {name: changes[name] for name in ("redirect_uri", "resource") if name in changes}
        response = await self.redeem(client_id, code, pkce, **token_changes)
        assert response.status_code == 200, response.text
        tokens: dict[str, Any] = response.json()
        return tokens

    async def call(self, token: str, resource: str = MCP) -> int:
        """Return the status of a call with this access token."""
        return (await self.request("POST", urlsplit(resource).path, headers={"authorization": f"Bearer {token}"})).status_code


async def _whoami(scope: Scope, receive: Receive, send: Send) -> None:
    """Stand where the MCP endpoint stands: answer with the principal that the guard found."""
    principal = scope["ascend.principal"]
    facts = {"tenant": principal.tenant_id, "subject": principal.subject, "scopes": sorted(principal.scopes), "by": principal.auth_method}
    await JSONResponse(facts)(scope, receive, send)


@asynccontextmanager
async def gateway(folder: Path, **changes: Any) -> AsyncIterator[OAuthGateway]:
    """Give a gateway on a fresh SQLite file; `changes` are settings."""
    url = put_empty_store(folder / "ascend.sqlite3")
    database = Database(url)
    given: dict[str, Any] = {"base_url": BASE, "database_url": url, "rate_limit_scale": 1e6}
    settings = load(folder, {}, **(given | changes))
    try:
        yield OAuthGateway(settings, database)
    finally:
        await database.close()


def parameters(registered: str, pkce: Pkce, **changes: str | None) -> dict[str, str]:
    """Return the parameters of a good authorization request, changed."""
    good: dict[str, str | None] = {
        "response_type": "code",
        "client_id": registered,
        "redirect_uri": CALLBACK,
        "code_challenge": pkce.challenge,
        "code_challenge_method": "S256",
        "state": "xyz",
        "scope": "mcp mcp:read",
        "resource": MCP,
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def form_of(page: str) -> dict[str, str]:
    """Return the hidden fields of a page's form."""
    fields = re.findall(r"<input[^>]*>", page)
    named = [(re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)) for tag in fields]
    return {name[1]: value[1] for name, value in named if name and value}


def answer_of(response: httpx2.Response) -> dict[str, str]:
    """Return the parameters that a redirect carries to the client."""
    assert response.status_code in (302, 303), (response.status_code, response.text)
    return {name: values[0] for name, values in parse_qs(urlsplit(response.headers["location"]).query, keep_blank_values=True).items()}


def oauth_error(response: httpx2.Response) -> tuple[int, str]:
    """Return status and error of a JSON refusal, having checked what every one of them carries."""
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-type"] == "application/json"
    body: Mapping[str, str] = response.json()
    return response.status_code, body["error"]
