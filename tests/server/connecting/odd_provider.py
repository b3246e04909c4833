"""A provider that answers as a test tells it to: scopes, token answers and refusals in every shape that was reported."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from oauth.connections.provider import known_definitions
from oauth.connections.upstream.registrations import SHARED, UpstreamRegistration
from tests.server.connecting.connection_world import ADA, ConnectionWorld, connection_world
from tests.server.demo.listening import listening

GOOD: Mapping[str, Any] = {"access_token": "at-1", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "rt-1"}


@dataclass
class OddProvider:
    """`token` answers the next requests for tokens; `answer` is what the browser comes back with beside `state`."""

    token: Response = field(default_factory=lambda: JSONResponse(dict(GOOD)))
    answer: Mapping[str, str] = field(default_factory=lambda: {"code": "c-1"})
    keeps_state: bool = True
    asked: dict[str, str] = field(default_factory=dict)

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/authorize", self.authorize),
                Route("/token", self.give, methods=["POST"]),
                Route("/me", lambda _request: JSONResponse({"sub": "me-1", "name": "Mara"})),
            ]
        )

    def says(self, content: Any, status: int = 200) -> None:
        """Answer requests for tokens with this: JSON, or a page where it is text."""
        self.token = Response(content, status, media_type="text/html") if isinstance(content, str) else JSONResponse(content, status)

    async def authorize(self, request: Request) -> Response:
        self.asked = dict(request.query_params)
        state = {"state": self.asked["state"]} if self.keeps_state else {}
        return RedirectResponse(f"{self.asked['redirect_uri']}?{urlencode({**self.answer, **state})}", 303)

    async def give(self, request: Request) -> Response:
        return self.token


@dataclass
class OddWorld:
    odd: OddProvider
    world: ConnectionWorld

    async def go(self, browser: httpx2.AsyncClient, scopes: frozenset[str] = frozenset(), link: str | None = None) -> str:
        """Begin to connect, by `link` or that of a call that needs `scopes`; return where the provider sends the browser back to."""
        begun = await self.world.begin(browser, link or await self.world.needed(ADA, scopes, "odd"))
        assert begun.status_code == 303, begun.text
        return (await browser.get(begun.headers["location"])).headers["location"]

    async def connect(self, scopes: frozenset[str] = frozenset(), link: str | None = None) -> httpx2.Response:
        """Connect an account and return the last page."""
        async with self.world.signed_in(ADA) as browser:
            return await browser.get(await self.go(browser, scopes, link))

    def status(self, scopes: frozenset[str] = frozenset()) -> str:
        return self.world.connections.known.readiness(ADA, "odd", scopes).status


@asynccontextmanager
async def odd_world(folder: Path, **changes: Any) -> AsyncIterator[OddWorld]:
    """Give a gateway where "odd" is set up from the template for any provider; `changes` are of its file."""
    odd = OddProvider()
    with listening(odd.app()) as url:
        addresses = {"authorize_url": f"{url}/authorize", "token_url": f"{url}/token"}
        account = {"request": {"url": f"{url}/me"}, "id": "me.sub", "title": "me.name"}
        facts = {"id": "odd", "title": "Odd", "account": account, "revoke": {"url": f"{url}/revoke", "style": "rfc7009"}}
        definition = {**known_definitions()["oauth2"], **addresses, **facts, **changes}
        async with connection_world(folder, allow=(urlsplit(url).netloc,)) as world:
            await world.connections.registrations.add(UpstreamRegistration(SHARED, "odd", "ascend", definition), "secret", "operator")
            yield OddWorld(odd, world)
