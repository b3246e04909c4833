"""The sign-in page: password, passkey, or an identity provider; asked for an authorization request or for a page of ours."""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from oauth.audit import SecurityEvent
from oauth.authorization.request import BrowserSession
from oauth.errors import OAuthError
from oauth.parameters import Parameters, parse_form
from oauth.sign_in.errors import FederationRefused, HashingBusy, PasskeyRefused
from oauth.sign_in.federation import Federation
from oauth.sign_in.passkeys import Passkeys
from oauth.sign_in.passwords import HASHES_AT_ONCE, Passwords
from oauth.sign_in.subjects import Subject
from oauth.stores import AuditLog
from oauth.tenants import DEFAULT_TENANT, Tenants
from server.pages.browser_session import BrowserSessions
from server.pages.page import Pages, see_other
from server.pages.posted_answer import posted_answer
from server.pages.refusals import PageRefused, for_people, no_such_tenant, not_open_here
from server.pages.visit import PendingRequests, Visit, own_page
from server.posted_form import read_form
from server.rate_limits import Place, RateLimited, RateLimits, address_key, is_shared
from tools.errors import Busy
from tools.fair_semaphore import FairSemaphore

logger = logging.getLogger(__name__)

#: for a turn to have a password checked; a person looks at the page for longer
MAX_WAIT_S = 10.0
WRONG_PASSWORD = "That email and password do not match. Check both and try again."  # noqa: S105  a sentence
WRONG_PASSKEY = "That passkey does not sign you in here. Try again, or choose another way."


class SignInEndpoints:
    """`/login`: one form, one post; a right answer signs in and sends on with 303."""

    def __init__(
        self,
        *,
        consent: PendingRequests,
        tenants: Tenants,
        sessions: BrowserSessions,
        passwords: Passwords,
        passkeys: Passkeys,
        audit: AuditLog,
        pages: Pages,
        limits: RateLimits,
        federation: Federation | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._consent = consent
        self._tenants = tenants
        self._sessions = sessions
        self._passwords = passwords
        self._passkeys = passkeys
        self._federation = federation
        self._audit = audit
        self._pages = pages
        self._limits = limits
        self._clock = clock
        self._turns = FairSemaphore(HASHES_AT_ONCE, "checking passwords")

    def routes(self) -> list[Route]:
        return [
            Route("/login", for_people(self._pages, self.show), methods=["GET"]),
            Route("/login", for_people(self._pages, self.take), methods=["POST"]),
            Route("/login/callback/{tenant}/{slug}", for_people(self._pages, self.come_back), methods=["GET"]),
            Route("/login/callback/{tenant}/{slug}", for_people(self._pages, posted_answer), methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        # Each page leaves a challenge in the store, so pages are counted too; behind an address of many they go on without one.
        try:
            await self._limits.check_address("page", _address(request), self._sessions.browser_of(request) or "")
            is_counted = True
        except RateLimited:
            if not is_shared(_address(request)):
                raise
            is_counted = False
        query = request.query_params
        visit = await self._visit(request, query.get("request"), query.get("tenant"), query.get("next"))
        session = await self._sessions.current(request, visit.tenant.tenant_id)
        return await self._page(request, visit, email=visit.login_hint, signed_in=session, with_challenge=is_counted)

    async def take(self, request: Request) -> Response:
        self._sessions.check_origin(request)
        form = await read_form(request)
        visit = await self._visit(request, form.get("request"), form.get("tenant"), form.get("next"))
        await self._sessions.check_form(request, form.get("csrf") or "", visit.purpose)
        methods = {"federation": self._by_provider, "passkey": self._by_passkey, "password": self._by_password}
        method = "federation" if form.get("provider") else "passkey" if form.get("passkey") else "password"
        if method not in visit.tenant.sign_in:
            raise PageRefused(403, "Not this way", f"This place does not sign people in by {method}.", ("Back to sign-in", visit.url))
        return await methods[method](request, visit, form)

    async def come_back(self, request: Request) -> Response:
        """Take the answer of an identity provider, on the redirect path of that provider alone."""
        taken = await self._way_in(request)
        tenant_id, slug = request.path_params["tenant"], request.path_params["slug"]
        browser = self._sessions.browser_of(request)
        if self._federation is None:
            raise not_open_here(browser)
        try:
            answer = parse_form(request.scope["query_string"])
            subject, onward = await self._federation.finish(tenant_id, slug, browser, answer)
        except (OAuthError, FederationRefused) as error:
            reason = error.reason if isinstance(error, FederationRefused) else error.description
            logger.warning("federation_refused", extra={"facts": {"tenant": tenant_id[:64], "provider": slug[:64], "reason": reason}})
            await self._failed(tenant_id, "federation", request, reason=reason, provider=slug)
            was_denied = isinstance(error, FederationRefused) and error.is_denial
            raise (not_open_here(None) if browser is None and not was_denied else _not_signed_in(error)) from error
        visit = await self._visit(request, onward.get("request"), onward.get("tenant"), onward.get("next"))
        if "federation" not in visit.tenant.sign_in or visit.tenant.tenant_id != subject.tenant_id:
            raise not_open_here(browser)
        self._limits.give_back(*taken)
        return await self._signed_in(request, visit, subject, "federation")

    async def _by_provider(self, request: Request, visit: Visit, form: Parameters) -> Response:
        await self._way_in(request)
        browser = self._sessions.browser_of(request) or ""
        if self._federation is None:
            raise not_open_here(browser)
        try:
            away = await self._federation.begin(
                visit.tenant.tenant_id,
                form.get("provider") or "",
                browser,
                visit.carried,
                login_hint=visit.login_hint,
                must_ask=visit.must_ask,
            )
        except FederationRefused as error:
            await self._failed(visit.tenant.tenant_id, "federation", request, reason=error.reason)
            return await self._page(request, visit, problem="That way is not available at the moment. Choose another one.", status=400)
        return see_other(away)

    async def _by_passkey(self, request: Request, visit: Visit, form: Parameters) -> Response:
        taken = await self._way_in(request)
        browser = self._sessions.browser_of(request) or ""
        try:
            subject = await self._passkeys.sign_in(visit.tenant.tenant_id, browser, form.get("passkey") or "")
        except PasskeyRefused as refusal:
            return await self._page(request, visit, problem=WRONG_PASSKEY, status=refusal.status)
        self._limits.give_back(*taken)
        return await self._signed_in(request, visit, subject, "passkey")

    async def _way_in(self, request: Request) -> Place:
        return await self._limits.check_address("way_in", _address(request), self._sessions.browser_of(request) or "")

    async def _by_password(self, request: Request, visit: Visit, form: Parameters) -> Response:
        email = form.get("email") or ""
        address = _address(request)
        name = hashlib.sha256(f"{visit.tenant.tenant_id}\n{email.strip().casefold()}".encode()).hexdigest()
        taken = await self._take(request, visit, email, name)
        try:
            # Fair by address, then by account: whoever lets many be checked waits for themselves.
            async with self._turns.hold((address, name), asyncio.get_running_loop().time() + MAX_WAIT_S):
                subject = await self._passwords.verify(visit.tenant.tenant_id, email, form.get("password") or "")
        except Busy as error:
            raise HashingBusy from error
        if subject is None:
            await self._failed(visit.tenant.tenant_id, "password", request)
            return await self._page(request, visit, email=email, problem=WRONG_PASSWORD, status=400)
        for bucket, key in taken:
            self._limits.give_back(bucket, key)
        return await self._signed_in(request, visit, subject, "password")

    async def _take(self, request: Request, visit: Visit, email: str, name: str) -> list[Place]:
        """Count a guess at the account `name`, and return where. Raises RateLimited."""
        if await self._sessions.is_known_browser(request, visit.tenant.tenant_id, email):
            # A browser that the person has used is not held up by guesses of others, be they from the same address.
            known = ("login_known_browser", f"{name} {self._sessions.browser_of(request)}")
            await self._limits.check(*known)
            return [known]
        address = _address(request)
        at_address = ("login_address", address)
        taken = []
        if is_shared(address):
            # Behind a proxy that nobody declared one who guesses would close sign-in for all.
            taken.append(await self._limits.check_shared(at_address, ("login_subject_crowd", name)))
        else:
            await self._limits.check(*at_address)
            taken.append(at_address)
        for place in (("login_subject_address", f"{name} {address}"), ("login_subject", name)):
            await self._limits.check(*place)
            taken.append(place)
        return taken

    async def _signed_in(self, request: Request, visit: Visit, subject: Subject, method: str) -> Response:
        response = see_other(visit.next_url)
        await self._sessions.begin(request, response, subject, (method,))
        facts = {"method": method, "address": _address(request)}
        await self._audit.record(SecurityEvent("sign_in", self._clock(), subject.tenant_id, subject.subject_id, facts=facts))
        return response

    async def _failed(self, tenant_id: str, method: str, request: Request, **facts: str) -> None:
        known = {"method": method, "address": _address(request)}
        # The path of a callback is anybody's text: only tenants that exist get records.
        tenant_id = tenant_id if self._tenants.get(tenant_id) else ""
        await self._audit.record(SecurityEvent("sign_in_failed", self._clock(), tenant_id, facts=known | facts))

    async def _visit(self, request: Request, request_id: str | None, tenant_id: str | None, onward: str | None) -> Visit:
        if request_id is None:
            tenant = self._tenants.get(tenant_id or DEFAULT_TENANT)
            if tenant is None:
                raise no_such_tenant()
            return Visit(tenant, None, own_page(onward, tenant.tenant_id))
        browser = self._sessions.browser_of(request)
        pending = None if browser is None else await self._consent.pending(request_id, browser)
        tenant = None if pending is None else self._tenants.get(pending.tenant_id)
        if pending is None or tenant is None:
            raise not_open_here(browser)
        must_ask = bool(pending.prompt & {"login", "select_account"}) or pending.max_age_s is not None
        return Visit(tenant, request_id, "", pending.login_hint or "", must_ask, pending)

    async def _page(
        self,
        request: Request,
        visit: Visit,
        *,
        email: str = "",
        problem: str = "",
        status: int = 200,
        signed_in: BrowserSession | None = None,
        with_challenge: bool = True,
    ) -> Response:
        with_passkey = with_challenge and "passkey" in visit.tenant.sign_in
        browser = self._sessions.browser_hash(request)
        options = await self._passkeys.offer_sign_in(visit.tenant.tenant_id, browser) if with_passkey and self._passkeys.available else None
        with_providers = "federation" in visit.tenant.sign_in
        response = self._pages.render(
            "login",
            status=status,
            script=options is not None,
            tenant_title=visit.tenant.title,
            connecting=visit.request_id is not None,
            csrf=await self._sessions.csrf_token(request, visit.purpose),
            carried=sorted(visit.carried.items()),
            email=email[:254],
            problem=problem,
            signed_in=signed_in,
            goes_on=signed_in is not None and visit.suffices(signed_in, self._clock()),
            next_url=visit.next_url,
            with_password="password" in visit.tenant.sign_in,
            with_passkey=with_passkey,
            passkey_options=options,
            providers=await self._federation.offered(visit.tenant.tenant_id) if self._federation and with_providers else (),
        )
        self._sessions.bind_browser(request, response)
        return response


def _not_signed_in(error: OAuthError | FederationRefused) -> PageRefused:
    """Return the page for somebody who came back without a sign-in; the provider's own words are not repeated."""
    again = ("Sign in another way", "/login")
    if isinstance(error, FederationRefused) and error.is_denial:
        status = 400 if error.is_unbound else 403
        return PageRefused(status, "You are not signed in", "The other side did not sign you in. Start again in your application.", again)
    if isinstance(error, FederationRefused) and error.is_unvouched:
        message = "You are known there, but that place does not vouch for your e-mail address, so no account was made for you."
        return PageRefused(403, "No account here", f"{message} Tell the person who runs this gateway: its log says what is missing.")
    if isinstance(error, FederationRefused) and error.is_stranger:
        return PageRefused(
            403, "No account here", "You are known there, but nobody has given you an account here. Ask the person who runs it."
        )
    message = "The answer could not be accepted: it may be old, or of another browser. Start again in your application."
    return PageRefused(400, "You are not signed in", message, again)


def _address(request: Request) -> str:
    return address_key(request.client.host if request.client else None)
