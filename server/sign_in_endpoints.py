"""The sign-in page: who are you, asked for an authorization request that waits or for one of our own pages."""

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from oauth.consent import Consent
from oauth.parameters import Parameters
from oauth.passwords import Passwords
from oauth.subjects import Subject
from oauth.tenants import DEFAULT_TENANT, Tenant, Tenants
from server.browser_session import BrowserSessions
from server.pages.page import Pages, see_other
from server.pages.page_refusals import PageRefused, for_people, no_such_tenant, not_open_here
from server.pages.posted_form import read_form
from server.rate_limits import RateLimits, address_key

#: our own pages that a sign-in may lead to; anything else in `next` is ignored
_ONWARD = re.compile(r"/(?:account|connect|device|admin)(?:/[A-Za-z0-9_-]+)*(?:\?[A-Za-z0-9_=&-]*)?")
WRONG = "That email and password do not match. Check both and try again."


@dataclass(frozen=True, slots=True)
class Visit:
    """Why somebody is on the sign-in page: a waiting authorization request, or a page of ours in `onward`."""

    tenant: Tenant
    request_id: str | None
    onward: str
    login_hint: str = ""

    @property
    def purpose(self) -> str:
        return f"login\n{self.tenant.tenant_id}\n{self.request_id or self.onward}"

    @property
    def carried(self) -> dict[str, str]:
        """The fields that the page carries, so that the post is about the same thing."""
        if self.request_id is not None:
            return {"request": self.request_id}
        return {"tenant": self.tenant.tenant_id, "next": self.onward}

    @property
    def url(self) -> str:
        return f"/login?{urlencode(self.carried)}"


def account_url(tenant_id: str) -> str:
    """Return the address of a tenant's account page."""
    return "/account" if tenant_id == DEFAULT_TENANT else f"/account/{tenant_id}"


def sign_in_url(tenant_id: str, onward: str) -> str:
    """Return where a page of ours sends a person who is not signed in; `onward` is that page's own path."""
    return f"/login?{urlencode({'tenant': tenant_id, 'next': onward})}"


class SignInEndpoints:
    """`/login`: one form, one post; a right answer signs in and sends on with 303."""

    def __init__(
        self, *, consent: Consent, tenants: Tenants, sessions: BrowserSessions, passwords: Passwords, pages: Pages, limits: RateLimits
    ) -> None:
        self._consent = consent
        self._tenants = tenants
        self._sessions = sessions
        self._passwords = passwords
        self._pages = pages
        self._limits = limits

    def routes(self) -> list[Route]:
        return [
            Route("/login", for_people(self._pages, self.show), methods=["GET"]),
            Route("/login", for_people(self._pages, self.take), methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        query = request.query_params
        visit = await self._visit(request, query.get("request"), query.get("tenant"), query.get("next"))
        return await self._page(request, visit, email=visit.login_hint)

    async def take(self, request: Request) -> Response:
        self._sessions.check_origin(request)
        form = await read_form(request)
        visit = await self._visit(request, form.get("request"), form.get("tenant"), form.get("next"))
        await self._sessions.check_form(request, form.get("csrf") or "", visit.purpose)
        email = form.get("email") or ""
        subject = await self._by_password(request, visit, email, form)
        if subject is None:
            return await self._page(request, visit, email=email, problem=WRONG, status=400)
        response = see_other(f"/consent?{urlencode(visit.carried)}" if visit.request_id else visit.onward)
        await self._sessions.begin(request, response, subject, ("password",))
        return response

    async def _by_password(self, request: Request, visit: Visit, email: str, form: Parameters) -> Subject | None:
        if "password" not in visit.tenant.sign_in:
            raise PageRefused(403, "No passwords here", "This place does not sign people in by password.", ("Back to sign-in", visit.url))
        address = address_key(request.client.host if request.client else None)
        name = hashlib.sha256(f"{visit.tenant.tenant_id}\n{email.strip().casefold()}".encode()).hexdigest()
        takes = (("login_address", address), ("login_subject_address", f"{name} {address}"))
        for bucket, key in takes:
            await self._limits.check(bucket, key)
        subject = await self._passwords.verify(visit.tenant.tenant_id, email, form.get("password") or "")
        if subject is not None:
            for bucket, key in takes:
                self._limits.give_back(bucket, key)
        return subject

    async def _visit(self, request: Request, request_id: str | None, tenant_id: str | None, onward: str | None) -> Visit:
        if request_id is None:
            tenant = self._tenants.get(tenant_id or DEFAULT_TENANT)
            if tenant is None:
                raise no_such_tenant()
            allowed = onward is not None and _ONWARD.fullmatch(onward)
            return Visit(tenant, None, onward if allowed and onward else account_url(tenant.tenant_id))
        browser = self._sessions.browser_of(request)
        pending = None if browser is None else await self._consent.pending(request_id, browser)
        tenant = None if pending is None else self._tenants.get(pending.tenant_id)
        if pending is None or tenant is None:
            raise not_open_here()
        return Visit(tenant, request_id, "", pending.login_hint or "")

    async def _page(self, request: Request, visit: Visit, *, email: str = "", problem: str = "", status: int = 200) -> Response:
        response = self._pages.render(
            "login",
            status=status,
            tenant_title=visit.tenant.title,
            connecting=visit.request_id is not None,
            csrf=await self._sessions.csrf_token(request, visit.purpose),
            carried=sorted(visit.carried.items()),
            email=email[:254],
            problem=problem,
            with_password="password" in visit.tenant.sign_in,
            with_passkey="passkey" in visit.tenant.sign_in,
            passkey_options=None,
            providers=(),
        )
        self._sessions.bind_browser(request, response)
        return response
