"""`/device_authorization` for devices, `/device` for their persons (RFC 8628)."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from oauth.authorization.authorize import Authorization
from oauth.authorization.device_codes import DeviceCodes
from oauth.clients.authentication import ClientAuthentication
from server.authorization.requests import address_of, authorization_of, claimed_client, for_machines, json_answer
from server.authorization.requests import read_form as read_machine_form
from server.pages.browser_session import BrowserSessions
from server.pages.page import Pages, see_other
from server.pages.refusals import for_people
from server.posted_form import read_form
from server.rate_limits import RateLimits

_PURPOSE = "device"


class DeviceEndpoints:
    """The page only finds out which device waits; signing in and answering happen on the pages of every other request."""

    def __init__(
        self,
        *,
        devices: DeviceCodes,
        authorization: Authorization,
        authentication: ClientAuthentication,
        sessions: BrowserSessions,
        pages: Pages,
        limits: RateLimits,
    ) -> None:
        self._devices = devices
        self._authorization = authorization
        self._authentication = authentication
        self._sessions = sessions
        self._pages = pages
        self._limits = limits

    def routes(self) -> list[Route]:
        return [
            Route("/device_authorization", for_machines(self.begin, "POST"), methods=["POST", "OPTIONS"]),
            Route("/device", for_people(self._pages, self.show), methods=["GET"]),
            Route("/device", for_people(self._pages, self.take), methods=["POST"]),
        ]

    async def begin(self, request: Request) -> Response:
        """Give a device its codes."""
        form = await read_machine_form(request)
        # RFC 8628 §5.1: counted before authentication, since a public client proves nothing and each code widens what can be guessed.
        await self._limits.check_address("device_begin", address_of(request), claimed_client(form, authorization_of(request)))
        client = await self._authentication.authenticate(form, authorization_of(request))
        return json_answer(await self._devices.begin(client, form))

    async def show(self, request: Request) -> Response:
        """Ask for the code, or say how it ended."""
        done = request.query_params.get("done", "")
        if done in ("approved", "denied") or request.query_params.get("error") == "access_denied":
            return self._pages.render("device", done=done or "denied", problem="", csrf="", user_code="")
        # RFC 8628 §3.3.1: filled in and shown, never submitted by itself (§5.4, remote phishing).
        return await self._form(request, request.query_params.get("user_code", ""))

    async def take(self, request: Request) -> Response:
        """Turn a code into an authorization request of this browser."""
        # RFC 6749 §10.12: another site must not type an attacker's code for the person.
        self._sessions.check_origin(request)
        form = await read_form(request)
        await self._sessions.check_form(request, form.get("csrf") or "", _PURPOSE)
        # Codes are short: whoever guesses is slowed down by address (RFC 8628 §5.1).
        await self._limits.check("device_address", address_of(request))
        typed = form.get("user_code") or ""
        found = await self._devices.attempt(typed)
        if found is None:
            return await self._form(request, typed, "No device waits for this code. Check it, or start again on the device.", 400)
        attempt, device_hash = found
        response = see_other("/")
        # From here it is a request like any other: signed in, asked, bound to this browser (RFC 8628 §3.3).
        waiting = await self._authorization.begin(attempt, self._sessions.bind_browser(request, response), device_hash)
        session = await self._sessions.current(request, waiting.tenant_id)
        page = "/login" if session is None else "/consent"
        response.headers["location"] = f"{page}?{urlencode({'request': waiting.request_id})}"
        return response

    async def _form(self, request: Request, user_code: str, problem: str = "", status: int = 200) -> Response:
        csrf = await self._sessions.csrf_token(request, _PURPOSE)
        response = self._pages.render("device", status=status, done="", problem=problem, csrf=csrf, user_code=user_code[:20])
        self._sessions.bind_browser(request, response)
        return response
