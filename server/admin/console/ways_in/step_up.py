"""The passkey once more, before what opens doors: who left a browser open has not proven it within ten minutes (RFC 9470)."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from oauth.administration.console_passkeys import ConsolePasskeys
from oauth.administration.stores import LiveAdminSession, proof_of
from oauth.sign_in.errors import PasskeyRefused
from server.admin.console.session import PATH, PasskeySessions, own_page
from server.admin.console.ways_in.passkey_pages import address_of
from server.audited import acting, doing
from server.pages.page import Pages, see_other
from server.pages.refusals import for_people
from server.posted_form import read_form
from server.rate_limits import RateLimits

WRONG_PASSKEY = "That passkey is not one of yours that open the console. Try another one."


class StepUp:
    """`/admin/step-up?to=…`, for whoever is signed in; `to` is a page of the console."""

    def __init__(self, sessions: PasskeySessions, passkeys: ConsolePasskeys, pages: Pages, limits: RateLimits) -> None:
        self._sessions, self._passkeys, self._pages, self._limits = sessions, passkeys, pages, limits

    def routes(self) -> list[Route]:
        return [
            Route(f"{PATH}/step-up", for_people(self._pages, endpoint), methods=[method])
            for method, endpoint in (("GET", self.show), ("POST", self.take))
        ]

    async def show(self, request: Request) -> Response:
        to = own_page(request.query_params.get("to"))
        live = await self._sessions.live(request)
        if live is None:
            return see_other(self._sessions.sign_in_url(to))
        await self._limits.check_address("page", address_of(request), self._sessions.browser_of(request) or "")
        return await self._page(request, live, to)

    async def take(self, request: Request) -> Response:
        self._sessions.check_origin(request)
        form = await read_form(request)
        to = own_page(form.get("to"))
        live = await self._sessions.live(request)
        if live is None:
            return see_other(self._sessions.sign_in_url(to))
        await self._sessions.check_form(request, form.get("csrf") or "", f"step up\n{to}")
        taken = await self._limits.check_address("way_in", address_of(request), self._sessions.browser_of(request) or "")
        acting(live.email, live.session.tenant_id)
        doing("console step_up")
        try:
            passkey = await self._passkeys.step_up(live.session, live.session.browser_hash, form.get("passkey") or "")
        except PasskeyRefused as refusal:
            return await self._page(request, live, to, problem=WRONG_PASSKEY, status=refusal.status)
        self._limits.give_back(*taken)
        response = see_other(to)
        await self._sessions.prove(response, live, proof_of(passkey))
        return response

    async def _page(self, request: Request, live: LiveAdminSession, to: str, *, problem: str = "", status: int = 200) -> Response:
        by_provider = live.session.identity_provider
        return self._pages.render(
            "console/step_up",
            status=status,
            script=not by_provider,
            provider=by_provider,
            email=live.email,
            csrf=await self._sessions.form_token(request, f"step up\n{to}"),
            to=to,
            passkey_options=None if by_provider else await self._passkeys.offer_step_up(live.session, live.session.browser_hash),
            problem=problem,
        )
