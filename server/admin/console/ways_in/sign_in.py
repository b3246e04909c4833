"""In and out of the console: by a passkey that counts, or on to an identity provider (operations contract, "Sign-in")."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from oauth.administration.console_federation import ConsoleFederation
from oauth.administration.stores import proof_of
from oauth.sign_in.errors import PasskeyRefused
from oauth.sign_in.identity_providers import IdentityProvider
from oauth.tenants import DEFAULT_TENANT
from server.admin.console.session import PATH, own_page
from server.admin.console.ways_in.passkey_pages import PasskeyPages, address_of
from server.audited import acting, doing
from server.pages.page import see_other
from server.pages.refusals import for_people
from server.posted_form import read_form

#: people are told one thing, whatever the reason is; the security event has it
WRONG_PASSKEY = (
    "This passkey does not open the console. Only passkeys from an invite do: an owner can send you one, and on the machine that runs "
    "the gateway `ascend admin invite` makes one."
)


class ConsoleSignIn(PasskeyPages):
    """`/admin/sign-in`, `/admin/sign-out`. `?tenant=` offers the identity providers of a tenant, else those of the gateway's own."""

    #: given once, by whoever puts the pages together
    federation: ConsoleFederation | None = None

    def routes(self) -> list[Route]:
        pairs = [(f"{PATH}/sign-in", self.show, self.take), (f"{PATH}/sign-out", self.ask, self.leave)]
        return [
            Route(path, for_people(self._pages, endpoint), methods=[method])
            for path, show, take in pairs
            for method, endpoint in (("GET", show), ("POST", take))
        ]

    async def show(self, request: Request) -> Response:
        # Each page leaves a challenge in the store.
        await self._limits.check_address("page", address_of(request), self._sessions.browser_of(request) or "")
        return await self._page(request, own_page(request.query_params.get("to")))

    async def take(self, request: Request) -> Response:
        self._sessions.check_origin(request)
        form = await read_form(request)
        to = own_page(form.get("to"))
        await self._sessions.check_form(request, form.get("csrf") or "", f"sign in\n{to}")
        taken = await self._limits.check_address("way_in", address_of(request), self._sessions.browser_of(request) or "")
        try:
            subject, passkey = await self._passkeys.sign_in(self._sessions.browser_of(request) or "", form.get("passkey") or "")
        except PasskeyRefused as refusal:
            return await self._page(request, to, problem=WRONG_PASSKEY, status=refusal.status)
        if self._tenants.get(subject.tenant_id) is None:
            return await self._page(request, to, problem=WRONG_PASSKEY, status=400)
        self._limits.give_back(*taken)
        response = see_other(to)
        doing("console sign_in")
        await self._begin(request, response, subject, proof_of(passkey), "passkey")
        return response

    async def ask(self, request: Request) -> Response:
        live = await self._sessions.live(request)
        if live is None:
            return see_other(f"{PATH}/sign-in")
        return self._pages.render("console/sign_out", email=live.email, csrf=await self._sessions.form_token(request, "sign out"))

    async def leave(self, request: Request) -> Response:
        self._sessions.check_origin(request)
        form = await read_form(request)
        live = await self._sessions.live(request)
        response = see_other(f"{PATH}/sign-in")
        if live is None:
            return response
        await self._sessions.check_form(request, form.get("csrf") or "", "sign out")
        acting(live.email, live.session.tenant_id)
        doing("console sign_out", "everywhere" if form.get("everywhere") else "")
        if form.get("everywhere"):
            await self._sessions.end_all(response, live)
        else:
            await self._sessions.end(request, response)
        where = "everywhere" if form.get("everywhere") else "here"
        await self._note("sign_out", live.session.tenant_id, live.session.subject_id, where=where)
        return response

    async def _page(self, request: Request, to: str, *, problem: str = "", status: int = 200) -> Response:
        live = await self._sessions.live(request)
        is_possible = self._passkeys.available
        tenant = self._tenants.get(request.query_params.get("tenant") or DEFAULT_TENANT)
        providers: tuple[IdentityProvider, ...] = ()
        if tenant is not None and "federation" in tenant.sign_in and self.federation is not None:
            providers = await self.federation.offered(tenant.tenant_id)
        options = await self._passkeys.offer_sign_in(self._sessions.browser_hash(request)) if is_possible else None
        response = self._pages.render(
            "console/sign_in",
            status=status,
            script=is_possible,
            csrf=await self._sessions.form_token(request, f"sign in\n{to}"),
            to=to,
            passkey_options=options,
            providers=providers,
            tenant=tenant.tenant_id if tenant is not None else "",
            problem=problem,
            signed_in=live.email if live is not None else "",
        )
        self._sessions.bind_browser(request, response)
        return response
