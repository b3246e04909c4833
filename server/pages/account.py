"""The account page: what a person signs in with, which applications they allowed, and how to take either back."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from oauth import base64url
from oauth.audit import SecurityAction, SecurityEvent
from oauth.authorization.consent_view import ScopeWords
from oauth.parameters import Parameters
from oauth.sign_in.errors import InvalidInput, PasskeyRefused
from oauth.sign_in.passkeys import Passkeys
from oauth.sign_in.passwords import Passwords
from oauth.sign_in.stores import StoredSession
from oauth.sign_in.subjects import Subject
from oauth.stores import AuditLog
from oauth.tenants import DEFAULT_TENANT, Tenant, Tenants
from oauth.tokens.own_grants import OwnGrants
from server.audited import doing
from server.pages.browser_session import BrowserSessions
from server.pages.page import Pages, see_other
from server.pages.refusals import PageRefused, for_people, no_such_tenant
from server.pages.scope_list import scope_lines
from server.pages.visit import account_url, connections_url, sign_in_url
from server.posted_form import read_form
from server.rate_limits import RateLimits

#: a passkey is added within this time of a sign-in, so that a browser left open cannot gain one
RECENT_S = 600
DONE: Mapping[str, str] = {
    "passkey_added": "The passkey is added. Use it the next time you sign in.",
    "passkey_removed": "The passkey is removed here. Your device may still show it; it no longer signs you in.",
    "revoked": "The application is cut off. It must ask you again before it can do anything.",
    "password_changed": "Your password is changed.",
    "signed_out_elsewhere": "Every other browser is signed out.",
}
#: field of the page -> what is wrong with it
NO_FAULTS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class _AccountVisit:
    """One request of a signed-in person."""

    request: Request
    tenant: Tenant
    session: StoredSession
    form: Parameters
    browser: str


class AccountEndpoints:
    """`/account` for the default tenant, `/account/{tenant}` for any other: one page, and posts that name an `action`."""

    def __init__(
        self,
        *,
        tenants: Tenants,
        sessions: BrowserSessions,
        passwords: Passwords,
        passkeys: Passkeys,
        grants: OwnGrants,
        scope_words: Callable[[str, str], ScopeWords],
        audit: AuditLog,
        pages: Pages,
        limits: RateLimits,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._tenants = tenants
        self._sessions = sessions
        self._passwords = passwords
        self._passkeys = passkeys
        self._grants = grants
        self._scope_words = scope_words
        self._audit = audit
        self._pages = pages
        self._limits = limits
        self._clock = clock
        self._actions: Mapping[str, Callable[[_AccountVisit], Awaitable[Response]]] = {
            "sign_out": self._sign_out,
            "sign_out_elsewhere": self._sign_out_elsewhere,
            "revoke": self._revoke,
            "add_passkey": self._add_passkey,
            "remove_passkey": self._remove_passkey,
            "change_password": self._change_password,
        }

    def routes(self) -> list[Route]:
        show, take = for_people(self._pages, self.show), for_people(self._pages, self.take)
        return [
            Route(path, endpoint, methods=[method])
            for path in ("/account", "/account/{tenant}")
            for method, endpoint in (("GET", show), ("POST", take))
        ]

    async def show(self, request: Request) -> Response:
        tenant = self._tenant(request)
        session = await self._sessions.stored(request, tenant.tenant_id)
        if session is None:
            return see_other(sign_in_url(tenant.tenant_id, account_url(tenant.tenant_id)))
        return await self._page(request, tenant, session)

    async def take(self, request: Request) -> Response:
        self._sessions.check_origin(request)
        tenant = self._tenant(request)
        form = await read_form(request)
        session = await self._sessions.stored(request, tenant.tenant_id)
        if session is None:
            return see_other(sign_in_url(tenant.tenant_id, account_url(tenant.tenant_id)))
        await self._sessions.check_form(request, form.get("csrf") or "", "account", tenant.tenant_id)
        act = self._actions.get(form.get("action") or "")
        browser = self._sessions.browser_of(request)
        if act is None or browser is None:
            raise PageRefused(400, "Nothing was done", "The form did not say what to do.", ("Back", account_url(tenant.tenant_id)))
        doing(f"account {form.get('action')}", form.get("grant") or "")
        return await act(_AccountVisit(request, tenant, session, form, browser))

    async def _sign_out(self, visit: _AccountVisit) -> Response:
        response = see_other(f"/login?tenant={visit.tenant.tenant_id}")
        await self._sessions.end(visit.request, response, visit.tenant.tenant_id)
        await self._note("sign_out", visit)
        return response

    async def _sign_out_elsewhere(self, visit: _AccountVisit) -> Response:
        # All sessions end, this one too; it begins anew with the age of its sign-in, so that nothing becomes "recent" by it.
        response = self._done(visit, "signed_out_elsewhere")
        await self._sessions.end_others(visit.request, response, visit.session)
        await self._note("sign_out", visit, where="elsewhere")
        return response

    async def _revoke(self, visit: _AccountVisit) -> Response:
        if not await self._grants.revoke(visit.tenant.tenant_id, visit.session.subject.subject_id, visit.form.get("grant") or ""):
            raise PageRefused(404, "Nothing to revoke", "That application has no access any more.", self._back(visit))
        return self._done(visit, "revoked")

    async def _add_passkey(self, visit: _AccountVisit) -> Response:
        if not self._may_have_passkeys(visit.tenant, visit.session.subject):
            raise PageRefused(403, "No passkeys here", "You sign in another way.", self._back(visit))
        if not self._is_recent(visit.session):
            raise PageRefused(
                403, "Sign in again first", "A passkey is added right after signing in.", ("Sign in", self._sign_in_again(visit.tenant))
            )
        try:
            await self._passkeys.enrol(visit.session.subject, visit.browser, visit.form.get("passkey") or "", visit.form.get("name") or "")
        except PasskeyRefused as error:
            message = "This passkey is registered already." if error.status == 409 else "The answer of the device could not be accepted."
            raise PageRefused(error.status, "The passkey was not added", message, self._back(visit)) from error
        return self._done(visit, "passkey_added")

    async def _remove_passkey(self, visit: _AccountVisit) -> Response:
        try:
            credential_id = base64url.decode(visit.form.get("credential") or "")
        except ValueError as error:
            raise PageRefused(400, "Nothing to remove", "There is no such passkey.", self._back(visit)) from error
        subject = visit.session.subject
        theirs = await self._passkeys.of_subject(subject)
        if any(each.credential_id == credential_id and each.counts for each in theirs):
            # This session may be a password's, and a password takes no way into the console away.
            message = "It opens the console, so it is removed there, on your page under People."
            raise PageRefused(409, "The passkey stays", message, self._back(visit))
        only_way = "password" not in visit.tenant.sign_in and not subject.identity_provider
        if only_way and len(theirs) == 1:
            message = "It is the only way you can sign in. Add another passkey first."
            raise PageRefused(409, "The passkey stays", message, self._back(visit))
        if not await self._passkeys.remove(subject, credential_id):
            raise PageRefused(404, "Nothing to remove", "That passkey is not yours, or it is gone already.", self._back(visit))
        return self._done(visit, "passkey_removed")

    async def _change_password(self, visit: _AccountVisit) -> Response:
        subject = visit.session.subject
        await self._limits.check("password_change", f"{subject.tenant_id} {subject.subject_id}")
        try:
            changed = await self._passwords.change(subject, visit.form.get("current") or "", visit.form.get("new") or "")
        except InvalidInput as error:
            return await self._unchanged(visit, "new", str(error).capitalize())
        if not changed:
            return await self._unchanged(visit, "current", "The current password is not right")
        response = self._done(visit, "password_changed")
        await self._sessions.end_others(visit.request, response, visit.session)
        await self._note("subject_changed", visit, what="password")
        return response

    async def _unchanged(self, visit: _AccountVisit, name: str, problem: str) -> Response:
        """The page again, with what is wrong at the field `name`."""
        faults = {name: f"{problem}. Your password is unchanged."}
        return await self._page(visit.request, visit.tenant, visit.session, faults=faults, status=400)

    async def _page(
        self, request: Request, tenant: Tenant, session: StoredSession, *, faults: Mapping[str, str] = NO_FAULTS, status: int = 200
    ) -> Response:
        subject = session.subject
        possible = self._may_have_passkeys(tenant, subject) and self._passkeys.available
        browser = self._sessions.browser_of(request)
        options = await self._passkeys.offer_enrolment(subject, browser) if possible and browser and self._is_recent(session) else None
        passkeys = await self._passkeys.of_subject(subject)
        return self._pages.render(
            "account",
            status=status,
            faults=faults,
            script=options is not None,
            subject=subject,
            tenant=tenant,
            here=account_url(tenant.tenant_id),
            connections_url=connections_url(tenant.tenant_id),
            csrf=await self._sessions.csrf_token(request, "account", tenant.tenant_id),
            done=DONE.get(request.query_params.get("done", "")),
            allowed=[
                (each, scope_lines([self._scope_words(tenant.tenant_id, scope) for scope in each.scopes]))
                for each in await self._grants.standing(tenant.tenant_id, subject.subject_id)
            ],
            passkeys=[(base64url.encode(passkey.credential_id), passkey) for passkey in passkeys],
            passkeys_possible=possible,
            passkey_options=options,
            with_password="password" in tenant.sign_in and not subject.identity_provider,
            sign_in_again=self._sign_in_again(tenant),
        )

    def _tenant(self, request: Request) -> Tenant:
        tenant = self._tenants.get(request.path_params.get("tenant", DEFAULT_TENANT))
        if tenant is None:
            raise no_such_tenant()
        return tenant

    def _may_have_passkeys(self, tenant: Tenant, subject: Subject) -> bool:
        # Whom an identity provider vouches for must come by it each time: a passkey would outlive their leaving there.
        return "passkey" in tenant.sign_in and not subject.identity_provider

    def _is_recent(self, session: StoredSession) -> bool:
        return self._clock() - session.authenticated_at <= RECENT_S

    def _sign_in_again(self, tenant: Tenant) -> str:
        return sign_in_url(tenant.tenant_id, account_url(tenant.tenant_id))

    def _back(self, visit: _AccountVisit) -> tuple[str, str]:
        return ("Back to your account", account_url(visit.tenant.tenant_id))

    def _done(self, visit: _AccountVisit, what: str) -> Response:
        return see_other(f"{account_url(visit.tenant.tenant_id)}?done={what}")

    async def _note(self, action: SecurityAction, visit: _AccountVisit, **facts: str) -> None:
        await self._audit.record(
            SecurityEvent(action, self._clock(), visit.tenant.tenant_id, visit.session.subject.subject_id, facts=facts)
        )
