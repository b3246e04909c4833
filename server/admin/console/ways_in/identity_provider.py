"""Into the console by an identity provider: away from the sign-in or step-up page, and back (operations contract, "Sign-in")."""

import logging
import time
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from oauth.administration.console_federation import ConsoleFederation
from oauth.administration.errors import NotStrongEnough
from oauth.administration.stores import Proof
from oauth.errors import OAuthError
from oauth.parameters import parse_form
from oauth.sign_in.errors import FederationRefused
from oauth.sign_in.subjects import Subject
from oauth.stores import AuditLog
from oauth.tenants import Tenants
from server.admin.console.session import PATH, PasskeySessions, own_page
from server.admin.console.ways_in.passkey_pages import WayIn, address_of
from server.audited import Audited, acting, audited
from server.pages.page import Pages, see_other
from server.pages.refusals import PageRefused, for_people
from server.posted_form import read_form
from server.rate_limits import RateLimits

logger = logging.getLogger(__name__)

BACK_TO = f"{PATH}/sign-in/callback"
_TO_SIGN_IN = ("To sign-in", f"{PATH}/sign-in")
_STEP_UP = "step up"


class ConsoleProviders(WayIn):
    """`/admin/sign-in/provider`, `/admin/step-up/provider`, and the redirect path of each provider."""

    def __init__(
        self,
        *,
        federation: ConsoleFederation,
        sessions: PasskeySessions,
        tenants: Tenants,
        audit: AuditLog,
        pages: Pages,
        limits: RateLimits,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(sessions=sessions, tenants=tenants, audit=audit, pages=pages, limits=limits, clock=clock)
        self._federation = federation

    def routes(self) -> list[Route]:
        return [
            Route(f"{PATH}/sign-in/provider", for_people(self._pages, self.leave), methods=["POST"]),
            Route(f"{PATH}/step-up/provider", for_people(self._pages, self.leave_to_prove), methods=["POST"]),
            Route(f"{BACK_TO}/{{tenant}}/{{slug}}", for_people(self._pages, self.come_back), methods=["GET"]),
        ]

    async def leave(self, request: Request) -> Response:
        self._sessions.check_origin(request)
        form = await read_form(request)
        to = own_page(form.get("to"))
        await self._sessions.check_form(request, form.get("csrf") or "", f"sign in\n{to}")
        return await self._away(request, form.get("tenant") or "", form.get("provider") or "", {"to": to})

    async def leave_to_prove(self, request: Request) -> Response:
        self._sessions.check_origin(request)
        form = await read_form(request)
        to = own_page(form.get("to"))
        live = await self._sessions.live(request)
        if live is None:
            return see_other(self._sessions.sign_in_url(to))
        await self._sessions.check_form(request, form.get("csrf") or "", f"{_STEP_UP}\n{to}")
        acting(live.email, live.session.tenant_id)
        onward = {"to": to, "for": _STEP_UP}
        return await self._away(request, live.session.tenant_id, live.session.identity_provider, onward, live.email)

    async def come_back(self, request: Request) -> Response:
        """Take the answer of a provider, on the redirect path of that provider alone."""
        tenant_id, slug = request.path_params["tenant"], request.path_params["slug"]
        browser = self._sessions.browser_of(request)
        taken = await self._limits.check_address("way_in", address_of(request), browser or "")
        try:
            self._check_open(tenant_id)
            subject, provider, onward = await self._federation.finish(tenant_id, slug, browser, parse_form(request.scope["query_string"]))
        except NotStrongEnough as error:
            await self._refused(request, tenant_id, slug, error.reason)
            raise _not_strong_enough(error) from error
        except (FederationRefused, OAuthError) as error:
            await self._refused(request, tenant_id, slug, error.reason if isinstance(error, FederationRefused) else error.description)
            raise _not_signed_in(error) from error
        self._limits.give_back(*taken)
        response = see_other(own_page(onward.get("to")))
        proof = Proof(tenant_id, subject.subject_id, identity_provider=provider.slug)
        if onward.get("for") == _STEP_UP:
            await self._prove(request, response, subject, proof)
            return response
        with audited(Audited("page", "console sign_in", details={"--provider": provider.slug})):
            await self._begin(request, response, subject, proof, "federation")
        return response

    async def _prove(self, request: Request, response: Response, subject: Subject, proof: Proof) -> None:
        live = await self._sessions.live(request)
        if live is None or (live.session.tenant_id, live.session.subject_id) != (subject.tenant_id, subject.subject_id):
            raise PageRefused(403, "That was somebody else", "Whoever signed in there is not who sits here.", _TO_SIGN_IN)
        with audited(Audited("page", "console step_up", details={"--provider": proof.identity_provider})):
            acting(live.email, live.session.tenant_id)
            await self._sessions.prove(response, live, proof)

    async def _away(self, request: Request, tenant_id: str, slug: str, onward: dict[str, str], login_hint: str = "") -> Response:
        browser = self._sessions.browser_of(request) or ""
        await self._limits.check_address("way_in", address_of(request), browser)
        try:
            self._check_open(tenant_id)
            return see_other(await self._federation.begin(tenant_id, slug, browser, onward, login_hint=login_hint))
        except FederationRefused as error:
            await self._refused(request, tenant_id, slug, error.reason)
            raise _not_signed_in(error) from error

    def _check_open(self, tenant_id: str) -> None:
        tenant = self._tenants.get(tenant_id)
        if tenant is None or "federation" not in tenant.sign_in:
            raise FederationRefused("no such identity provider opens the console")

    async def _refused(self, request: Request, tenant_id: str, slug: str, reason: str) -> None:
        logger.warning(
            "federation_refused", extra={"facts": {"at": "console", "tenant": tenant_id[:64], "provider": slug[:64], "reason": reason}}
        )
        # The path of a callback is anybody's text: only tenants that exist get records.
        known = tenant_id if self._tenants.get(tenant_id) is not None else ""
        facts = {"method": "federation", "address": address_of(request), "reason": reason[:300], "provider": slug[:64]}
        await self._note("sign_in_failed", known, "", **facts)


def _not_strong_enough(error: NotStrongEnough) -> PageRefused:
    wanted, said = " or ".join(error.wanted), ", ".join(error.said[:10]) or "nothing"
    words = (
        f"{error.provider.title} signed you in, and did not say that it was in a way that opens the console: it should say {wanted}, and "
        f"says {said}. Sign in there with a second factor or a passkey; whoever looks after {error.provider.title} knows how."
    )
    return PageRefused(403, "That sign-in does not open the console", words, _TO_SIGN_IN)


def _not_signed_in(error: FederationRefused | OAuthError) -> PageRefused:
    """People are told few things, whatever the reason is; the security event has it."""
    if isinstance(error, FederationRefused) and error.is_denial:
        words = "The identity provider did not sign you in. Try again, or use a passkey."
        return PageRefused(403, "You were not signed in", words, _TO_SIGN_IN)
    if isinstance(error, FederationRefused) and error.is_stranger:
        words = "The identity provider knows you, and you administer nothing here. Whoever runs the gateway can give you a role."
        return PageRefused(403, "The console is not open to you", words, _TO_SIGN_IN)
    words = "The answer of the identity provider does not belong to a sign-in of this browser, or it is not right. Begin once more."
    return PageRefused(403, "You were not signed in", words, _TO_SIGN_IN)
