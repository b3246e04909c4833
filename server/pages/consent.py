"""The consent page: what a client asks for, in words, and the person's yes or no."""

import time
from collections.abc import Callable
from typing import Protocol
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from oauth.authorization.consent import session_suffices
from oauth.authorization.consent_view import ConsentView
from oauth.authorization.request import AuthorizationRequest, BrowserSession
from oauth.errors import AlreadyDecided, ConsentRefused
from oauth.parameters import Parameters
from server.pages.browser_session import BrowserSessions
from server.pages.page import Pages, see_other
from server.pages.refusals import PageRefused, for_people, not_open_here
from server.pages.scope_list import scope_lines
from server.pages.visit import account_url
from server.posted_form import read_form

#: a ticked box of the page is sent as `scope:<scope>`; the page says itself that it showed them, or none ticked would look like none shown
SCOPE_FIELD = "scope:"
SHOWN_FIELD = "scopes_shown"
#: as many scopes as the address of a request may hold, and the page's own fields
MAX_FIELDS = 10_000


class Answers(Protocol):
    """What the page asks of `oauth.authorization.consent.Consent`."""

    async def pending(self, request_id: str, browser: str) -> AuthorizationRequest | None: ...

    async def finished(self, request_id: str, browser: str, *, allowed: bool) -> str | None: ...

    async def view(self, request: AuthorizationRequest, session: BrowserSession) -> ConsentView: ...

    async def approve(self, request: AuthorizationRequest, session: BrowserSession, ticked: frozenset[str] | None = None) -> str: ...

    async def deny(self, request: AuthorizationRequest) -> str: ...


class ConsentEndpoints:
    """`/consent`: shown and answered only in the browser that began the request, by the person who signed in there."""

    def __init__(self, *, consent: Answers, sessions: BrowserSessions, pages: Pages, clock: Callable[[], float] = time.time) -> None:
        self._consent = consent
        self._sessions = sessions
        self._pages = pages
        self._clock = clock

    def routes(self) -> list[Route]:
        return [
            Route("/consent", for_people(self._pages, self.show), methods=["GET"]),
            Route("/consent", for_people(self._pages, self.take), methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        request_id = request.query_params.get("request") or ""
        pending = await self._pending(request, request_id)
        if pending is None:
            raise not_open_here(self._sessions.browser_of(request))
        session = await self._sessions.current(request, pending.tenant_id)
        if session is None or not session_suffices(pending, session, self._clock()):
            return see_other(_login_url(request_id))
        try:
            view = await self._consent.view(pending, session)
        except ConsentRefused as refusal:
            raise _cannot_be_answered(refusal) from refusal
        return self._pages.render(
            "consent",
            view=view,
            lines=scope_lines(view.scopes, view.left_out),
            # A client that is connected and comes back needs what it lacks; one that starts anew is offered what was chosen last.
            as_before=not view.is_connected,
            scope_field=SCOPE_FIELD,
            shown_field=SHOWN_FIELD,
            request_id=request_id,
            csrf=await self._sessions.csrf_token(request, _purpose(request_id), pending.tenant_id),
            tenant_id=pending.tenant_id,
            switch_url=_login_url(request_id),
            account_url=account_url(pending.tenant_id),
        )

    async def take(self, request: Request) -> Response:
        self._sessions.check_origin(request)
        form = await read_form(request, max_fields=MAX_FIELDS)
        request_id, tenant_id = form.get("request") or "", form.get("tenant") or ""
        pending = await self._pending(request, request_id)
        if pending is None:
            return await self._again(request, request_id, tenant_id, form)
        session = await self._sessions.current(request, pending.tenant_id)
        if session is None or not session_suffices(pending, session, self._clock()):
            message = "Your session ended before you answered. Sign in again and you can go on where you were."
            raise PageRefused(400, "You are signed out", message, ("Sign in again", _login_url(request_id)))
        await self._sessions.check_form(request, form.get("csrf") or "", _purpose(request_id), pending.tenant_id)
        decision = form.get("decision")
        if decision not in ("allow", "deny"):
            raise PageRefused(
                400, "No answer was given", "Choose Allow or Deny.", ("Back", f"/consent?{urlencode({'request': request_id})}")
            )
        try:
            if decision == "deny":
                return see_other(await self._consent.deny(pending))
            return see_other(await self._consent.approve(pending, session, _ticked(form)))
        except AlreadyDecided as decided:
            raise _already_decided(decided) from decided
        except ConsentRefused as refusal:
            raise _cannot_be_answered(refusal) from refusal

    async def _again(self, request: Request, request_id: str, tenant_id: str, form: Parameters) -> Response:
        """A second submit of a form that was answered moments ago leads where the first one led: no second code, no error.

        With the other button it does not: a no that ended in the application, signed in, would be taken for one.
        """
        browser = self._sessions.browser_of(request)
        if browser is None:
            raise not_open_here(None)
        try:
            redirect = await self._consent.finished(request_id, browser, allowed=form.get("decision") == "allow")
        except AlreadyDecided as decided:
            await self._sessions.check_form(request, form.get("csrf") or "", _purpose(request_id), tenant_id)
            raise _already_decided(decided) from decided
        if redirect is None:
            raise not_open_here(browser)
        await self._sessions.check_form(request, form.get("csrf") or "", _purpose(request_id), tenant_id)
        return see_other(redirect)

    async def _pending(self, request: Request, request_id: str) -> AuthorizationRequest | None:
        browser = self._sessions.browser_of(request)
        return None if browser is None or not request_id else await self._consent.pending(request_id, browser)


def _ticked(form: Parameters) -> frozenset[str] | None:
    """Return the scopes that are ticked; None: the form showed no boxes, so the answer is about everything that was asked for."""
    ticked = frozenset(name.removeprefix(SCOPE_FIELD) for name, _ in form.pairs() if name.startswith(SCOPE_FIELD))
    return ticked if ticked or form.get(SHOWN_FIELD) else None


def _cannot_be_answered(refusal: ConsentRefused) -> PageRefused:
    return PageRefused(400, "This request cannot be answered", _sentence(refusal))


def _already_decided(refusal: AlreadyDecided) -> PageRefused:
    return PageRefused(409, "You have answered already", _sentence(refusal))


def _sentence(refusal: ConsentRefused) -> str:
    text = str(refusal)
    return f"{text[:1].upper()}{text[1:]}."


def _purpose(request_id: str) -> str:
    return f"consent\n{request_id}"


def _login_url(request_id: str) -> str:
    return f"/login?{urlencode({'request': request_id})}"
