"""Authorization requests and grants as the sign-in pages see them, without an authorization server."""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from oauth.audit import SecurityEvent
from oauth.authorization.consent_view import ConsentView, ScopeWords
from oauth.authorization.request import AuthorizationRequest, BrowserSession
from oauth.tokens.own_grants import AllowedClient, OwnGrants

EMAIL = "ada@example.com"
VIEW = ConsentView(
    client_name="Claude Code",
    client_host="claude.ai",
    redirect_host="localhost:33418",
    verified=False,
    warnings=(
        "Nobody has verified this application; the name is its own claim.",
        "Any program on this computer can receive the answer. Continue only if you started this sign-in yourself, just now.",
    ),
    tenant_title="Acme Robotics",
    email=EMAIL,
    scopes=(
        ScopeWords("mcp", "Connect and find operations", "See which operations you may use and how to call them."),
        ScopeWords("mcp:read", "Read with your connected accounts", "Run operations that only read, such as listing contacts."),
        ScopeWords("mcp:write", "Change things with your connected accounts", "Create and update records, such as a deal or a note."),
        ScopeWords("offline_access", "Stay connected", "Keep working while you are away, until you withdraw it."),
    ),
    remembered=False,
)


class StandInConsent:
    """Authorization requests in memory: what `oauth/authorization/consent.py` promises, without the rest of the authorization server."""

    def __init__(self) -> None:
        self.requests: dict[str, AuthorizationRequest] = {}
        self.redirects: dict[str, str] = {}
        self.codes: list[str] = []
        self.view_shown = VIEW
        #: what the form said of the scopes, answer by answer
        self.ticked: list[frozenset[str] | None] = []
        self.remembers_answers = True

    async def pending(self, request_id: str, browser: str) -> AuthorizationRequest | None:
        found = self.requests.get(request_id)
        return found if found is not None and found.browser == browser and request_id not in self.redirects else None

    async def finished(self, request_id: str, browser: str, *, allowed: bool) -> str | None:
        found = self.requests.get(request_id)
        mine = found is not None and found.browser == browser and self.remembers_answers
        return self.redirects.get(request_id) if mine else None

    async def view(self, request: AuthorizationRequest, session: BrowserSession) -> ConsentView:
        return replace(self.view_shown, email=session.email)

    async def approve(self, request: AuthorizationRequest, session: BrowserSession, ticked: frozenset[str] | None = None) -> str:
        if request.request_id not in self.redirects:
            self.ticked.append(ticked)
            self.codes.append(secrets.token_urlsafe(8))
            self.redirects[request.request_id] = f"{request.redirect_uri}?{urlencode({'code': self.codes[-1], 'state': request.state})}"
        return self.redirects[request.request_id]

    async def deny(self, request: AuthorizationRequest) -> str:
        self.redirects[request.request_id] = f"{request.redirect_uri}?error=access_denied"
        return self.redirects[request.request_id]


class StandInGrants(OwnGrants):
    """The grants of one person, given by the test."""

    def __init__(self) -> None:
        self.allowed: dict[str, tuple[str, AllowedClient]] = {}

    async def standing(self, tenant_id: str, subject_id: str) -> Sequence[AllowedClient]:
        return [client for owner, client in self.allowed.values() if owner == f"{tenant_id}/{subject_id}"]

    async def revoke(self, tenant_id: str, subject_id: str, grant_id: str, *, by: str = "subject") -> bool:
        mine = self.allowed.get(grant_id, ("", None))[0] == f"{tenant_id}/{subject_id}"
        return mine and self.allowed.pop(grant_id, None) is not None


class MemoryAudit:
    """Security events in a list."""

    def __init__(self) -> None:
        self.events: list[SecurityEvent] = []

    async def record(self, event: SecurityEvent) -> None:
        self.events.append(event)

    async def recent(self, tenant_id: str, limit: int = 100) -> Sequence[SecurityEvent]:
        return [event for event in reversed(self.events) if event.tenant_id == tenant_id][:limit]


@dataclass
class Clock:
    """Time that a test can move."""

    now: float = field(default_factory=time.time)

    def __call__(self) -> float:
        return self.now
