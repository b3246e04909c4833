"""The page behind an invite: looking at it spends nothing, so that previews and scanners do no harm; a new passkey does."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from oauth.administration.errors import InviteRefused
from oauth.administration.stores import proof_of
from oauth.sign_in.errors import PasskeyRefused
from server.admin.console.session import PATH
from server.admin.console.ways_in.passkey_pages import PasskeyPages, address_of
from server.audited import doing
from server.pages.page import see_other
from server.pages.refusals import PageRefused, for_people
from server.posted_form import read_form

_GONE = (
    "It has been used already, a newer one took its place, or it is older than an hour. Ask for a new one; on the machine that runs the "
    "gateway `ascend admin invite` makes one."
)


class InvitePages(PasskeyPages):
    """`/admin/invite/{token}`."""

    def routes(self) -> list[Route]:
        return [
            Route(f"{PATH}/invite/{{token}}", for_people(self._pages, endpoint), methods=[method])
            for method, endpoint in (("GET", self.show), ("POST", self.take))
        ]

    async def show(self, request: Request) -> Response:
        await self._limits.check_address("page", address_of(request), self._sessions.browser_of(request) or "")
        return await self._page(request)

    async def take(self, request: Request) -> Response:
        self._sessions.check_origin(request)
        token = request.path_params["token"]
        form = await read_form(request)
        self._sessions.check_token_of_form(request, form.get("csrf") or "", _purpose(token))
        taken = await self._limits.check_address("way_in", address_of(request), self._sessions.browser_of(request) or "")
        browser = self._sessions.browser_of(request) or ""
        doing("console enrol")
        try:
            subject, passkey = await self._passkeys.enrol(token, browser, form.get("passkey") or "", form.get("name") or "")
        except InviteRefused as error:
            raise _gone() from error
        except PasskeyRefused as refusal:
            problem = "This passkey is registered already." if refusal.status == 409 else "The answer of the device could not be accepted."
            return await self._page(request, problem=f"{problem} Nothing has happened; try again.", status=refusal.status)
        self._limits.give_back(*taken)
        response = see_other(PATH)
        await self._begin(request, response, subject, proof_of(passkey), "invite")
        return response

    async def _page(self, request: Request, *, problem: str = "", status: int = 200) -> Response:
        token = request.path_params["token"]
        try:
            subject, role, options = await self._passkeys.offer_enrolment(token, self._sessions.browser_hash(request))
        except InviteRefused as error:
            raise _gone() from error
        tenant = self._tenants.get(subject.tenant_id)
        if tenant is None:
            raise _gone()
        response = self._pages.render(
            "console/invite",
            status=status,
            script=self._passkeys.available,
            subject=subject,
            role=role.role.title,
            reach="" if role.reaches_gateway else tenant.title,
            action=f"{PATH}/invite/{token}",
            csrf=self._sessions.token_of_form(request, _purpose(token)),
            passkey_options=options if self._passkeys.available else None,
            problem=problem,
        )
        self._sessions.bind_browser(request, response)
        return response


def _gone() -> PageRefused:
    return PageRefused(404, "This invite does not work any more", _GONE, ("To sign-in", f"{PATH}/sign-in"))


def _purpose(token: str) -> str:
    return f"console invite\n{token}"
