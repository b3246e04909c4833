"""What a person is asked before a client gets a token, and the grant that a yes creates."""

import hmac
import time
from collections.abc import Callable
from dataclasses import replace

from oauth.audit import SecurityAction, SecurityEvent
from oauth.authorization.consent_choice import Choice, after, choose, left_out_before
from oauth.authorization.consent_view import ConsentView, ScopeWords, consent_view
from oauth.authorization.request import AuthorizationRequest, BrowserSession
from oauth.authorization.scope_narrowing import AllowedScopes, narrow
from oauth.clients.client import REFRESH_TOKEN, Client
from oauth.clients.lookup import Clients
from oauth.clients.redirect_uris import destination, with_answer
from oauth.errors import AlreadyDecided, ConsentRefused
from oauth.scopes import OFFLINE, render
from oauth.sealing import seal_under, unseal_under
from oauth.stores import GrantStore, OAuthRows
from oauth.tenants import Tenants
from oauth.tokens.formats import hash_token, new_id, new_token
from oauth.tokens.grant_records import AuthorizationCode, Grant, RememberedConsent, StoredRequest
from oauth.tokens.lifetimes import Lifetimes

#: A remembered yes counts only for a person who signed in within this time.
SILENT_SESSION_S = 12 * 3600.0
#: how a decision is called in the sealed answer
_ALLOWED, _DENIED = "allowed", "denied"
# Fetch Metadata: `cross-site` and a missing header both mean that another page may have sent the browser here.
_TRUSTED_FETCH_SITES = frozenset({"none", "same-origin"})


def session_suffices(request: AuthorizationRequest, session: BrowserSession | None, now: float) -> bool:
    """Say whether `session` may answer `request` without a new sign-in: same tenant, `prompt` and `max_age` honoured.

    A sign-in after the request began satisfies every `prompt` and `max_age`, so that nobody signs in for ever.
    """
    # RFC 9700 §4.7: a session of another tenant must not answer for a person who is not here.
    if session is None or session.tenant_id != request.tenant_id:
        return False
    if session.authenticated_at >= request.created_at:
        return True
    # OpenID Connect Core §3.1.2.1: re-authentication, even for a person who is signed in.
    if request.prompt & {"login", "select_account"}:
        return False
    # OpenID Connect Core §3.1.2.1 (max_age).
    return request.max_age_s is None or now - session.authenticated_at <= request.max_age_s


class Consent:
    """Asks, remembers and answers. A request is answered once; the same decision sent twice gets the same answer."""

    def __init__(
        self,
        store: GrantStore,
        clients: Clients,
        tenants: Tenants,
        issuer: str,
        allowed_scopes: AllowedScopes,
        scope_words: Callable[[str, str], ScopeWords],
        lifetimes: Lifetimes,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._clients = clients
        self._tenants = tenants
        self._issuer = issuer
        self._allowed_scopes = allowed_scopes
        self._scope_words = scope_words
        self._lifetimes = lifetimes
        self._clock = clock

    async def pending(self, request_id: str, browser: str) -> AuthorizationRequest | None:
        """Return the request that waits for an answer; None where it is unknown, expired, answered or another browser's."""
        stored = await self._find(request_id, browser)
        return None if stored is None or stored.answered_at is not None else stored.request

    async def finished(self, request_id: str, browser: str, *, allowed: bool) -> str | None:
        """Return the redirect of a request that this browser answered in the last seconds, for a second submit of the same form.

        Raises AlreadyDecided where the first answer was the other one.
        """
        stored = await self._find(request_id, browser)
        return None if stored is None or stored.answered_at is None else self._same_answer(stored, request_id, allowed=allowed)

    async def view(self, request: AuthorizationRequest, session: BrowserSession) -> ConsentView:
        """Say what the person is asked: scopes are already narrowed to what this person may use. Raises ConsentRefused."""
        client = await self._client(request)
        scopes = await self._narrowed(request, session, client)
        known = await self._known(client, request, session.subject)
        tenant = self._tenants.get(request.tenant_id)
        words = tuple(self._scope_words(request.tenant_id, scope) for scope in sorted(scopes))
        title = tenant.title if tenant else request.tenant_id
        for_device = request.redirect_uri == f"{self._issuer}/device"
        return consent_view(
            client,
            request.redirect_uri,
            title,
            session.email,
            words,
            known is not None and scopes <= known.scopes,
            for_device=for_device,
            left_out=left_out_before(scopes, known),
            is_connected=await self.has_allowed(request, session),
        )

    async def may_skip(self, request: AuthorizationRequest, session: BrowserSession, fetch_site: str | None) -> bool:
        """Say whether a remembered yes answers the request without a page.

        Only all of it together is safe: nothing has grown or changed, the answer goes to a web server (any program can claim a
        loopback port or a scheme), the person came here by themselves and not from another site, and signed in not long ago.
        """
        # RFC 8252 §8.6, RFC 6749 §10.2: who cannot prove its identity is not let through without the person.
        if "consent" in request.prompt or fetch_site not in _TRUSTED_FETCH_SITES or destination(request.redirect_uri) != "web":
            return False
        if self._clock() - session.authenticated_at > SILENT_SESSION_S or not session_suffices(request, session, self._clock()):
            return False
        client = await self._client(request)
        known = await self._known(client, request, session.subject)
        # RFC 6749 §10.2: a wider scope is a new question.
        return known is not None and await self._narrowed(request, session, client) <= known.scopes

    async def has_allowed(self, request: AuthorizationRequest, session: BrowserSession) -> bool:
        """Say whether this person ever allowed this client anything that still stands."""
        return await self._store.has_grant(session.tenant_id, session.subject, request.client_id)

    async def approve(self, request: AuthorizationRequest, session: BrowserSession, ticked: frozenset[str] | None = None) -> str:
        """Record the yes, create the grant and return the redirect with code, state and iss.

        `ticked`: the scopes that the person gives; None: all that are asked for. It never gives more than was asked for.
        A second approve of the same request gives the same redirect and no second code. Raises ConsentRefused, also after a no.
        """
        # Checked again at the answer: the page may have stood open past max_age.
        if not session_suffices(request, session, self._clock()):
            raise ConsentRefused("sign in again to answer this request")
        client = await self._client(request)
        # RFC 6749 §3.3: what the form says is narrowed to what was asked for, so a forged field adds nothing.
        choice = choose(await self._narrowed(request, session, client), ticked)
        async with self._store.transaction() as rows:
            stored = await self._locked(rows, request)
            if stored.answered_at is not None:
                return self._second(stored, request, allowed=True)
            if not choice.given - {OFFLINE}:
                why = "the person left every scope out" if choice.left_out else "none of the scopes may be used"
                if stored.device_code_hash is not None:
                    await self._refuse_device(rows, stored.device_code_hash)
                return await self._answer(rows, stored, _ALLOWED, {"error": "access_denied", "error_description": why})
            grant = self._grant(request, session, client, choice, for_device=stored.device_code_hash is not None)
            await rows.add_grant(grant)
            await rows.note(self._event("consent_given", request, session.subject, grant))
            if stored.device_code_hash is not None:
                await self._release_device(rows, stored.device_code_hash, grant)
                return await self._answer(rows, stored, _ALLOWED, {"done": "approved"})
            await rows.remember_consent(await self._remember(rows, request, grant, client, choice))
            return await self._answer(rows, stored, _ALLOWED, {"code": await self._code(rows, request, grant)})

    async def deny(self, request: AuthorizationRequest) -> str:
        """Return the redirect with error=access_denied; the request is over. Raises ConsentRefused, also after a yes."""
        async with self._store.transaction() as rows:
            stored = await self._locked(rows, request)
            if stored.answered_at is not None:
                return self._second(stored, request, allowed=False)
            await rows.note(self._event("consent_denied", request, "", None))
            if stored.device_code_hash is not None:
                await self._refuse_device(rows, stored.device_code_hash)
                return await self._answer(rows, stored, _DENIED, {"done": "denied"})
            return await self._answer(rows, stored, _DENIED, {"error": "access_denied", "error_description": "the person said no"})

    async def _find(self, request_id: str, browser: str) -> StoredRequest | None:
        stored = await self._store.find_request(hash_token(request_id))
        if stored is None or stored.request.expires_at <= self._clock():
            return None
        # RFC 9700 §4.7: only the browser that began may finish, or a victim answers what an attacker began.
        if not hmac.compare_digest(stored.request.browser.encode(), browser.encode()):
            return None
        return replace(stored, request=replace(stored.request, request_id=request_id))

    async def _locked(self, rows: OAuthRows, request: AuthorizationRequest) -> StoredRequest:
        stored = await rows.request(hash_token(request.request_id))
        if stored is None or stored.request.expires_at <= self._clock():
            raise ConsentRefused("the request has expired; start again in the application")
        return replace(stored, request=request)

    def _second(self, stored: StoredRequest, request: AuthorizationRequest, *, allowed: bool) -> str:
        answer = self._same_answer(stored, request.request_id, allowed=allowed)
        if answer is None:
            raise ConsentRefused("the request was answered before; start again in the application")
        return answer

    def _same_answer(self, stored: StoredRequest, request_id: str, *, allowed: bool) -> str | None:
        if stored.answered_at is None or stored.reply_box is None or self._clock() - stored.answered_at > self._lifetimes.second_submit_s:
            return None
        decision, _, url = unseal_under(request_id, "request", stored.reply_box).decode().partition(" ")
        if decision != (_ALLOWED if allowed else _DENIED):
            way_out = "withdraw it on your account page" if decision == _ALLOWED else "start again in the application"
            said = f"this request was {decision} a moment ago, and a second answer changes nothing"
            raise AlreadyDecided(f"{said}; to change your mind, {way_out}")
        return url

    async def _answer(self, rows: OAuthRows, stored: StoredRequest, decision: str, answer: dict[str, str]) -> str:
        # A device's answer is shown on our own page: no client reads it, so it needs no issuer.
        # RFC 9207 §2: in errors as well, or a mix-up (RFC 9700 §4.4) would go unseen there.
        facts = {} if stored.device_code_hash is not None else {"state": stored.request.state, "iss": self._issuer}
        url = with_answer(stored.request.redirect_uri, {**answer, **facts})
        box = seal_under(stored.request.request_id, "request", f"{decision} {url}".encode())
        await rows.finish_request(stored.request_hash, self._clock(), box)
        return url

    async def _client(self, request: AuthorizationRequest) -> Client:
        client = await self._clients.find(request.client_id)
        if client is None:
            raise ConsentRefused("the application is no longer registered; let it register again")
        return client

    async def _narrowed(self, request: AuthorizationRequest, session: BrowserSession, client: Client) -> frozenset[str]:
        if session.tenant_id != request.tenant_id:
            raise ConsentRefused("the person is signed in to another tenant")
        scopes = narrow(request.scopes, await self._allowed_scopes(session.tenant_id, session.subject))
        # Nobody is promised to stay connected by a client that did not register for refresh tokens.
        return scopes if REFRESH_TOKEN in client.grant_types else scopes - {OFFLINE}

    async def _known(self, client: Client, request: AuthorizationRequest, subject: str) -> RememberedConsent | None:
        known = await self._store.remembered(request.tenant_id, subject, client.client_id, request.redirect_uri, request.resource)
        # draft-ietf-oauth-client-id-metadata-document: a changed document is another client to the person.
        return known if known is not None and known.document_hash == client.document_hash else None

    async def _remember(
        self, rows: OAuthRows, request: AuthorizationRequest, grant: Grant, client: Client, choice: Choice
    ) -> RememberedConsent:
        known = await rows.consent(grant.tenant_id, grant.subject, grant.client_id, request.redirect_uri, request.resource)
        latest = after(known if known is not None and known.document_hash == client.document_hash else None, choice)
        return RememberedConsent(
            grant.tenant_id,
            grant.subject,
            grant.client_id,
            request.redirect_uri,
            request.resource,
            latest.given,
            client.document_hash,
            self._clock(),
            latest.left_out,
        )

    def _grant(self, request: AuthorizationRequest, session: BrowserSession, client: Client, choice: Choice, *, for_device: bool) -> Grant:
        now = self._clock()
        return Grant(
            grant_id=new_id("grant"),
            tenant_id=request.tenant_id,
            subject=session.subject,
            client_id=client.client_id,
            resource=request.resource,
            scopes=choice.given,
            grant_type="device_code" if for_device else "authorization_code",
            native=for_device or destination(request.redirect_uri) != "web",
            created_at=now,
            expires_at=now + self._lifetimes.grant_s,
            left_out=choice.left_out,
        )

    async def _code(self, rows: OAuthRows, request: AuthorizationRequest, grant: Grant) -> str:
        code = new_token("ac")
        expires_at = self._clock() + self._lifetimes.code_s
        # RFC 6749 §4.1.3, RFC 7636 §4.4: redirect_uri and challenge stay with the code, as the server saw them.
        await rows.add_code(
            AuthorizationCode(
                hash_token(code), grant.grant_id, grant.tenant_id, grant.client_id, request.redirect_uri, request.code_challenge, expires_at
            )
        )
        return code

    async def _release_device(self, rows: OAuthRows, device_hash: bytes, grant: Grant) -> None:
        code = await rows.device_code(device_hash)
        if code is not None:
            await rows.update_device_code(replace(code, grant_id=grant.grant_id))

    async def _refuse_device(self, rows: OAuthRows, device_hash: bytes) -> None:
        code = await rows.device_code(device_hash)
        if code is not None:
            await rows.update_device_code(replace(code, denied=True))

    def _event(self, action: SecurityAction, request: AuthorizationRequest, subject: str, grant: Grant | None) -> SecurityEvent:
        facts = {"scope": render(grant.scopes if grant else request.scopes), "redirect_uri": request.redirect_uri}
        if grant is not None and grant.left_out:
            facts["left_out"] = render(grant.left_out)
        return SecurityEvent(action, self._clock(), request.tenant_id, subject, request.client_id, grant.grant_id if grant else "", facts)
