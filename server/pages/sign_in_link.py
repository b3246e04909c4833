"""The page behind a sign-in link: looking at it spends nothing, so that previews and scanners do no harm; its button signs in."""

import time
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from oauth.audit import SecurityEvent
from oauth.sign_in.one_time_links import SignInLinks
from oauth.stores import AuditLog
from oauth.tenants import Tenant, Tenants
from server.pages.browser_session import BrowserSessions
from server.pages.page import Pages, see_other
from server.pages.refusals import PageRefused, for_people, no_such_tenant
from server.pages.visit import account_url
from server.posted_form import read_form
from server.rate_limits import RateLimits, address_key


class LinkEndpoints:
    """`/login/link/{token}`."""

    def __init__(
        self,
        *,
        links: SignInLinks,
        tenants: Tenants,
        sessions: BrowserSessions,
        audit: AuditLog,
        pages: Pages,
        limits: RateLimits,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._links = links
        self._tenants = tenants
        self._sessions = sessions
        self._audit = audit
        self._pages = pages
        self._limits = limits
        self._clock = clock

    def routes(self) -> list[Route]:
        path = "/login/link/{token}"
        return [
            Route(path, for_people(self._pages, self.show), methods=["GET"]),
            Route(path, for_people(self._pages, self.take), methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        tenant, token = self._named(request)
        response = self._pages.render(
            "link",
            tenant_title=tenant.title,
            action=f"/login/link/{token}",
            csrf=await self._sessions.csrf_token(request, _purpose(token)),
        )
        self._sessions.bind_browser(request, response)
        return response

    async def take(self, request: Request) -> Response:
        self._sessions.check_origin(request)
        tenant, token = self._named(request)
        form = await read_form(request)
        await self._sessions.check_form(request, form.get("csrf") or "", _purpose(token))
        address = address_key(request.client.host if request.client else None)
        taken = await self._limits.check_address("way_in", address, self._sessions.browser_of(request) or "")
        subject = await self._links.use(token)
        if subject is None:
            message = "It has been used already, or it is older than an hour. Ask for a new one."
            raise PageRefused(400, "This link does not work any more", message)
        self._limits.give_back(*taken)
        response = see_other(account_url(tenant.tenant_id))
        await self._sessions.begin(request, response, subject, ("link",))
        facts = {"method": "link", "address": address}
        await self._audit.record(SecurityEvent("sign_in", self._clock(), tenant.tenant_id, subject.subject_id, facts=facts))
        return response

    def _named(self, request: Request) -> tuple[Tenant, str]:
        token = request.path_params["token"]
        tenant = self._tenants.get(self._links.tenant_of(token))
        if tenant is None:
            raise no_such_tenant()
        return tenant, token


def _purpose(token: str) -> str:
    return f"link\n{token}"
