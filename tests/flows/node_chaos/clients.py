"""Clients of the gateway as they are in the wild: they send again what got no answer, and never sign in twice without need."""

import asyncio
import base64
import hashlib
import itertools
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpx2

from tests.flows.node_chaos.ledger import Ledger
from tests.flows.person import Person
from tests.server.mcp.requests import modern_body, modern_headers

Answered = TypeVar("Answered")
#: how long a client asks for what another node has under way
IN_FLIGHT_S = 5.0
#: between two attempts; how long a client tries
PAUSE_S, PATIENCE_S = 0.25, 40.0
#: what the work needs
SCOPE = "mcp mcp:read mcp:write mcp:destructive"
REDIRECT_URI = "http://127.0.0.1:39999/callback"
#: codes of errors after which the very same call is safe: a key or a taken yes leads it to what came of the first
NOT_YET = frozenset({"store_unavailable", "in_flight"})
#: of a plan that something came between
MOST_RESUMES = 60
#: what a gateway says that could not ask its store or the system behind it
LATER = frozenset({429, 502, 503, 504})


class GaveUp(Exception):
    """It was refused, or not answered for as long as a client tries."""


class Unknown(Exception):
    """The gateway cannot know whether it took effect: whoever asked was told neither that it did nor that it did not."""


class Again(Exception):
    """No answer, or one that says to come again."""


@dataclass
class Client:
    """Sends each request on a connection of its own, so to whichever node is next."""

    base_url: str
    ledger: Ledger
    http: httpx2.AsyncClient
    token: str = ""
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def read(self) -> None:
        number = secrets.randbelow(1_000_000)
        told = await self.until_told("read", "call_api", {"api": "notes.notes.get", "args": {"number": number}})
        self._expect("read", told.get("data") == {"number": number}, told)

    async def write(self) -> None:
        text = f"w{secrets.token_hex(8)}"
        told = await self.until_told("write", "call_api", {"api": "notes.notes.create", "args": {"text": text}})
        if self._expect("write", told.get("data") == {"text": text}, told):
            self.ledger.acknowledged.add(text)

    async def plan(self) -> None:
        """A plan of a write and something that needs a yes: asked at one node, agreed to at another."""
        text, number = f"p{secrets.token_hex(8)}", secrets.randbelow(1_000_000)
        steps = [
            {"id": "a", "api": "notes.notes.create", "args": {"text": text}},
            {"id": "b", "api": "notes.notes.delete", "args": {"number": number}, "depends_on": ["a"]},
        ]
        told = await self.until_told("plan", "batch_execute", {"steps": steps})
        if not self._expect("plan", told["status"] == "needs_confirmation", told):
            return
        told = await self.until_told("yes", "batch_execute", {"steps": steps, "confirm": told["confirmation"]["confirm"]})
        for _ in range(MOST_RESUMES):
            if told["status"] == "completed" or "resume" not in told:
                break
            await asyncio.sleep(PAUSE_S)
            told = await self.until_told("resume", "batch_execute", {"resume": told["resume"]})
        if "unknown_outcome" in str(told):
            raise Unknown("plan")
        if self._expect("plan", told["status"] == "completed", told):
            self.ledger.acknowledged.add(text)

    async def until_told(self, what: str, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Send a call until it is answered with more than that it should come again."""

        began = asyncio.get_running_loop().time()

        async def call() -> dict[str, Any]:
            headers = {**modern_headers("tools/call", tool), "authorization": f"Bearer {self.token}"}
            body = modern_body("tools/call", {"name": tool, "arguments": arguments}, request_id=next(self._numbers))
            answer = await self.sent("POST", "/mcp", headers=headers, json=body)
            said: dict[str, Any] = answer.json()
            if answer.status_code in (400, 401, 403):
                raise GaveUp(f"{tool}: {answer.status_code} {str(said)[:200]}")
            if "result" not in said:
                raise Again(f"{tool}: {answer.status_code} {str(said)[:200]}")
            content: dict[str, Any] = said["result"]["structuredContent"]
            error = content.get("error") or {}
            if error.get("code") == "unknown_outcome":
                raise Unknown(what)
            if error.get("code") == "in_flight" and asyncio.get_running_loop().time() > began + IN_FLIGHT_S:
                raise Unknown(what)  # Whoever took it up was killed; its claim runs out after 45 s.
            if error.get("retryable") or error.get("code") in NOT_YET:
                raise Again(f"{tool}: {error['code']}")
            return content

        return await self.until(what, call)

    async def until(self, what: str, attempt: Callable[[], Awaitable[Answered]]) -> Answered:
        give_up = asyncio.get_running_loop().time() + PATIENCE_S
        while True:
            try:
                found = await attempt()
            except (Again, httpx2.HTTPError) as error:
                self.ledger.fail(f"{what}: {type(error).__name__} {error}"[:200])
                if asyncio.get_running_loop().time() > give_up:
                    raise GaveUp(f"{what}: {error}") from error
                await asyncio.sleep(PAUSE_S)
            else:
                self.ledger.done[what] += 1
                return found

    async def sent(self, method: str, path: str, **options: Any) -> httpx2.Response:
        answer = await self.http.request(method, f"{self.base_url}{path}", **options)
        if answer.status_code == 500:
            raise GaveUp(f"{path}: 500 {answer.text[:200]}")
        if answer.status_code in LATER:
            raise Again(f"{path}: {answer.status_code}")
        return answer

    def _expect(self, what: str, holds: bool, told: object) -> bool:
        if not holds:
            self.ledger.wrong.append(f"{what}: {str(told)[:400]}")
        return holds


@dataclass
class Session:
    """One sign-in of a person at one client, and the pair that it has now."""

    client: Client
    client_id: str = ""
    refresh_token: str = ""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def begin(self, person: Person) -> None:
        """Register, sign in, allow, exchange the code. What breaks on the way is begun anew, as a person would."""

        async def onboard() -> httpx2.Response:
            metadata = {"client_name": "chaos", "redirect_uris": [REDIRECT_URI], "token_endpoint_auth_method": "none"}
            registered = await self.client.sent("POST", "/register", json=metadata)
            self.client_id = registered.json()["client_id"]
            verifier = secrets.token_urlsafe(48)
            challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
            asked = {"response_type": "code", "client_id": self.client_id, "redirect_uri": REDIRECT_URI, "state": "s"}
            asked |= {"scope": SCOPE}
            asked |= {"code_challenge": challenge, "code_challenge_method": "S256", "resource": f"{self.client.base_url}/mcp"}
            try:
                arrived = await person.authorize(f"{self.client.base_url}/authorize?{urlencode(asked)}", REDIRECT_URI)
            except AssertionError as error:
                raise Again(f"sign-in: {error}") from error
            form = {"grant_type": "authorization_code", "code": arrived["code"], "redirect_uri": REDIRECT_URI}
            return await self.client.sent("POST", "/token", data={**form, "client_id": self.client_id, "code_verifier": verifier})

        self._take(await self.client.until("onboarding", onboard))

    async def refresh(self) -> None:
        async with self._turn:
            form = {"grant_type": "refresh_token", "refresh_token": self.refresh_token, "client_id": self.client_id}
            self._take(await self.client.until("refresh", lambda: self.client.sent("POST", "/token", data=form)))
        await self.client.read()

    def _take(self, answer: httpx2.Response) -> None:
        if answer.status_code != 200:
            self.client.ledger.wrong.append(f"sign-in lost: {answer.status_code} {answer.text[:300]}")
            return
        self.client.token, self.refresh_token = answer.json()["access_token"], answer.json()["refresh_token"]
