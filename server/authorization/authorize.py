"""`/authorize`: check the request, bind it to the browser, send the person to sign in or to answer (RFC 6749 §3.1)."""

import logging
import time
from collections.abc import Callable
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from oauth.authorization.authorize import Attempt, Authorization, may_hear_errors
from oauth.authorization.consent import Consent, session_suffices
from oauth.authorization.request import AuthorizationRequest, BrowserSession
from oauth.clients.redirect_uris import with_answer
from oauth.errors import AuthorizeError, ErrorTarget, OAuthError
from oauth.parameters import Parameters, parse
from server.authorization.requests import address_of
from server.pages.browser_session import BrowserSessions
from server.pages.page import Pages, see_other
from server.pages.refusals import for_people
from server.posted_form import read_fields
from server.rate_limits import RateLimits
from server.storage.database import StoreUnavailable

logger = logging.getLogger(__name__)

# RFC 9110 §4.1 asks for 8,000 bytes of a URI at least; some clients keep their state in it
MAX_QUERY_BYTES = 16 * 1024
_START = ("To the start page", "/")
_ADVICE = (
    "Nothing was allowed. Go back to the application and start again there. If this page comes back, remove this server from the "
    "application and add it again; what stands here tells its makers what to mend."
)


class AuthorizeEndpoint:
    """Answers are 303 to our own pages, 303 to the client's checked redirect URI, or a page: never anything else."""

    def __init__(
        self,
        *,
        authorization: Authorization,
        consent: Consent,
        sessions: BrowserSessions,
        pages: Pages,
        limits: RateLimits,
        issuer: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._authorization = authorization
        self._consent = consent
        self._sessions = sessions
        self._pages = pages
        self._limits = limits
        self._issuer = issuer
        self._clock = clock

    def routes(self) -> list[Route]:
        return [Route("/authorize", for_people(self._pages, self.authorize), methods=["GET", "POST"])]

    async def authorize(self, request: Request) -> Response:
        await self._limits.check_address("authorize", address_of(request), self._caller(request))
        try:
            parameters = await self._parameters(request)
            attempt = await self._authorization.check(parameters)
            return await self._forward(request, attempt)
        except OAuthError as error:
            return self._page(error.code, error.description, error.status)
        except AuthorizeError as error:
            return self._refuse(error)
        except StoreUnavailable as error:
            logger.error("store_failed", exc_info=error, extra={"facts": {"path": "/authorize"}})
            return self._pages.error(
                503, "A moment, please", "The gateway's store does not answer. Try again in a few seconds.", action=_START
            )

    def _caller(self, request: Request) -> str:
        """Return the browser, or at its first visit the client that it comes for."""
        return self._sessions.browser_of(request) or f"client {request.query_params.get('client_id', '')}"

    async def _parameters(self, request: Request) -> Parameters:
        if request.method != "POST":
            query: bytes = request.scope["query_string"]
            # RFC 9110 §15.5.15; before it is decoded.
            if len(query) > MAX_QUERY_BYTES:
                raise OAuthError("invalid_request", f"the query is longer than {MAX_QUERY_BYTES // 1024} KB", status=414)
            return parse(query)
        # RFC 6749 §3.1: POST is allowed, and repeated names are judged by the ordered checks, as in a query.
        return await read_fields(request)

    async def _forward(self, request: Request, attempt: Attempt) -> Response:
        """Keep the request for this browser and send the person on."""
        response = see_other("/")
        # RFC 9700 §4.7: before anything is known of the person, so that who answers is who began.
        browser = self._sessions.bind_browser(request, response)
        waiting = await self._authorization.begin(attempt, browser)
        session = await self._sessions.current(request, waiting.tenant_id)
        response.headers["location"] = await self._next(request, attempt, waiting, session)
        return response

    async def _next(self, request: Request, attempt: Attempt, waiting: AuthorizationRequest, session: BrowserSession | None) -> str:
        if session is not None and session_suffices(waiting, session, self._clock()):
            # RFC 6749 §10.2: silent only under all the conditions of oauth/authorization/consent.py.
            if await self._consent.may_skip(waiting, session, _fetch_site(request)):
                return await self._consent.approve(waiting, session)
            if "none" in waiting.prompt:
                # OpenID Connect Core §3.1.2.6: prompt=none shows no page, whatever is missing.
                raise await self._cannot_be_silent("consent_required", attempt, waiting, session)
            return f"/consent?{urlencode({'request': waiting.request_id})}"
        if "none" in waiting.prompt:
            raise await self._cannot_be_silent("login_required", attempt, waiting, session)
        return f"/login?{urlencode({'request': waiting.request_id})}"

    async def _cannot_be_silent(
        self, code: str, attempt: Attempt, waiting: AuthorizationRequest, session: BrowserSession | None
    ) -> AuthorizeError:
        """Return the error of `prompt=none`: for the client where it is safe or the person allowed it something before."""
        known = may_hear_errors(attempt) or (session is not None and await self._consent.has_allowed(waiting, session))
        # RFC 9700 §4.11.2: without a person who knows the client, prompt=none would make an open redirector of us.
        target = ErrorTarget(waiting.redirect_uri, waiting.state) if known else None
        name = attempt.client.name if attempt.client else ""
        return AuthorizeError(code, "the person has to sign in or to agree first", target, name)

    def _refuse(self, error: AuthorizeError) -> Response:
        logger.info("authorize_refused", extra={"facts": {"error": error.code, "reason": error.description}})
        if error.target is None:
            return self._page(error.code, error.description, 400, error.client_name)
        # RFC 9207 §2: errors carry `iss` too.
        answer = {"error": error.code, "error_description": error.description, "state": error.target.state, "iss": self._issuer}
        # RFC 9700 §4.12: 303, never 307, which would post the person's form to the client.
        return see_other(with_answer(error.target.redirect_uri, answer))

    def _page(self, code: str, description: str, status: int, client_name: str = "") -> Response:
        who = (
            f"The application that sent you here, which calls itself “{client_name}”,"
            if client_name
            else "The application that sent you here"
        )
        message = f"{who} made a request that cannot be answered: {description}. ({code})"
        return self._pages.error(status, "This sign-in cannot start", message, advice=_ADVICE, action=_START)


def _fetch_site(request: Request) -> str | None:
    """Return where the navigation came from; a prefetch is nobody's wish to go anywhere."""
    # A page may be fetched ahead without a person; a silent consent must not come of that.
    if "prefetch" in (request.headers.get("sec-purpose") or request.headers.get("purpose") or ""):
        return None
    return request.headers.get("sec-fetch-site")
