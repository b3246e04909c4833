"""What a person is asked before a client gets a token, and the grant that a yes creates."""

from dataclasses import dataclass
from typing import Protocol

from oauth.authorization_request import AuthorizationRequest, BrowserSession


@dataclass(frozen=True, slots=True)
class ScopeWords:
    """A scope as a person reads it."""

    scope: str
    title: str
    description: str


@dataclass(frozen=True, slots=True)
class ConsentView:
    """Everything the consent page shows; all of it is text from outside, so the page escapes it.

    `client_host` is the host of a client metadata document ("" for other clients), `redirect_host` where the answer goes
    (the scheme for an app's own scheme), always shown large. `verified` is only true for pre-registered clients.
    """

    client_name: str
    client_host: str
    redirect_host: str
    verified: bool
    warnings: tuple[str, ...]
    tenant_title: str
    email: str
    scopes: tuple[ScopeWords, ...]
    remembered: bool


class ConsentRefused(Exception):
    """The request cannot be answered with this browser session: other tenant, or the person must sign in again first."""


def session_suffices(request: AuthorizationRequest, session: BrowserSession | None, now: float) -> bool:
    """Say whether `session` may answer `request` without a new sign-in: same tenant, `prompt` and `max_age` honoured.

    A sign-in after the request began satisfies every `prompt` and `max_age`, so that nobody signs in for ever.
    """
    if session is None or session.tenant_id != request.tenant_id:
        return False
    if session.authenticated_at >= request.created_at:
        return True
    if request.prompt & {"login", "select_account"}:
        return False
    return request.max_age_s is None or now - session.authenticated_at <= request.max_age_s


class Consent(Protocol):
    async def pending(self, request_id: str, browser: str) -> AuthorizationRequest | None:
        """Return the request that waits for an answer; None where it is unknown, expired, answered or another browser's."""
        ...

    async def finished(self, request_id: str, browser: str) -> str | None:
        """Return the redirect of a request that this browser answered in the last seconds, for a second submit of the same form."""
        ...

    async def view(self, request: AuthorizationRequest, session: BrowserSession) -> ConsentView:
        """Say what the person is asked: scopes are already narrowed to what this person may use."""
        ...

    async def approve(self, request: AuthorizationRequest, session: BrowserSession) -> str:
        """Record the yes, create the grant and return the redirect with code, state and iss.

        A second approve of the same request gives the same redirect and no second code. Raises ConsentRefused.
        """
        ...

    async def deny(self, request: AuthorizationRequest) -> str:
        """Return the redirect with error=access_denied; the request is over."""
        ...
