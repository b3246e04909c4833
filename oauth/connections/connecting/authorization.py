"""Connect an account by OAuth: we are the client. Send the subject to the provider, take the code back, keep the tokens."""

import json
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode, urlsplit

from oauth.authorization.request import BrowserSession
from oauth.connections.connecting.connect_flow import TRIP_TTL_S, AuthorizationAttempt, ConnectFlow, ConnectFlowStore, hash_of
from oauth.connections.connecting.connected import Connected, asked_scopes, compared
from oauth.connections.connecting.links import callback_url
from oauth.connections.connecting.new_connection import ConnectionKeeper
from oauth.connections.connecting.nonce import asks_nonce, check_nonce
from oauth.connections.connection import Connection, ConnectionSecret
from oauth.connections.credentials import CredentialKind
from oauth.connections.errors import FlowRefused, TokenRefused
from oauth.connections.provider import Provider
from oauth.connections.upstream.refused_answer import NO_ACCESS_TOKEN
from oauth.connections.upstream.registrations import Application, Registrations
from oauth.connections.upstream.token_endpoint import ProviderTokenEndpoint
from oauth.error_answer import error_reason, error_word, is_denial
from oauth.errors import SealBroken
from oauth.pkce import challenge_of
from oauth.vault.secrets import SealedSecret, SecretEvent, SecretStore
from oauth.vault.vault import Vault, VaultCaller

log = logging.getLogger("ascend.connections")

MACHINE_WORDS = "by an administrator with `ascend connection add`, as a machine account for everybody here"


@dataclass(frozen=True, slots=True)
class ConnectView:
    """What the connect page shows before the person goes to the provider."""

    provider: Provider
    #: (scope, in words)
    scopes: tuple[tuple[str, str], ...]
    #: the account that is connected again
    reconnects: Connection | None
    alias: str
    #: False: nobody registered an application at the provider, so only a key can be connected
    is_possible: bool
    host: str


class ConnectFlows:
    """Walks a subject through a connect flow. Every step checks that the signed-in person is the subject that asked."""

    def __init__(
        self,
        *,
        flows: ConnectFlowStore,
        keeper: ConnectionKeeper,
        registrations: Registrations,
        endpoint: ProviderTokenEndpoint,
        vault: Vault,
        audit: SecretStore,
        base_url: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._flows, self._keeper, self._registrations = flows, keeper, registrations
        self._endpoint, self._vault, self._audit = endpoint, vault, audit
        self._base_url, self._clock = base_url, clock

    async def find(self, handle: str) -> ConnectFlow:
        """Return a living flow. Raises FlowRefused."""
        flow = await self._flows.get(hash_of(handle))
        # Unknown, expired and used are one answer: the link is a secret, and whoever guesses learns nothing.
        if flow is None or flow.expires_at < self._clock() or flow.state not in ("new", "started"):
            raise FlowRefused(404, "This link has expired or was used already. Ask your assistant again for a new one.")
        return flow

    async def check_person(self, flow: ConnectFlow, session: BrowserSession) -> None:
        """Refuse anybody but the subject whose token asked, and record it (the link was leaked, or is a phishing attempt)."""
        # MCP, URL elicitation: who opens it must be who asked, or a link that is sent on connects the victim's account for the sender.
        if (session.tenant_id, session.subject) != (flow.tenant_id, flow.subject):
            await self._record(flow.tenant_id, session.subject, f"connect:{flow.provider}", "link opened by another subject")
            raise FlowRefused(403, "This link was made for another person. Nothing was connected.")

    async def view(self, flow: ConnectFlow) -> ConnectView:
        """Return what the page shows."""
        provider = self._registrations.provider(flow.tenant_id, flow.provider)
        scopes = asked_scopes(provider, flow.scopes)
        words = tuple((scope, provider.scope_words.get(scope, scope)) for scope in scopes)
        reconnects = await self._meant(flow)
        is_possible = provider.takes_key or self._registrations.find(flow.tenant_id, flow.provider) is not None
        alias = reconnects.alias if reconnects else flow.alias
        return ConnectView(provider, words, reconnects, alias, is_possible, urlsplit(provider.authorize_url).hostname or "")

    async def start(self, handle: str, session: BrowserSession, browser: str, alias: str) -> str:
        """Begin a trip and return the provider's address for it. Raises FlowRefused."""
        flow = await self.find(handle)
        # draft-ietf-oauth-security-topics-update (cross-user session fixation): at every step, PKCE and state tell no persons apart.
        await self.check_person(flow, session)
        application = await self._application(flow)
        provider = application.provider
        # RFC 9700 §4.7 (state), §2.1.1 (PKCE), §4.5.3.2 (nonce).
        state, verifier, nonce = (secrets.token_urlsafe(32) for _ in range(3))
        trip_hash = hash_of(state)
        caller = VaultCaller(flow.tenant_id, flow.subject, "connect")
        carried = {"verifier": verifier, "nonce": nonce, "alias": alias, "handle": handle}
        carried["registered_by"] = application.registered_by
        # RFC 7636 §1.1: the verifier is a secret between two requests, so it rests sealed and never goes to the browser.
        sealed = await self._vault.seal(caller, _trip_name(trip_hash), 1, json.dumps(carried).encode())
        trip = AuthorizationAttempt(trip_hash, browser, sealed.sealed, sealed.dek_id)
        if not await self._flows.start(flow.flow_hash, trip, self._clock() + TRIP_TTL_S):
            raise FlowRefused(404, "This link has expired or was used already. Ask your assistant again for a new one.")
        parameters = {
            **provider.authorize_params,  # first: a provider's file must not replace a parameter below
            "response_type": "code",
            "client_id": application.client_id,
            # RFC 9700 §4.4.2.2, draft-ietf-oauth-security-topics-update (COAT): an address for each tenant and provider
            "redirect_uri": callback_url(self._base_url, flow.tenant_id, flow.provider),
            "state": state,
        }
        scopes = asked_scopes(provider, flow.scopes)
        if scopes:
            parameters[provider.scope_parameter] = provider.scope_separator.join(scopes)
        # RFC 9700 §2.1.1: wherever the provider takes it, confidential client or not.
        if provider.pkce:
            parameters |= {"code_challenge": challenge_of(verifier), "code_challenge_method": "S256"}
        if asks_nonce(provider, scopes):
            parameters["nonce"] = nonce
        joiner = "&" if urlsplit(provider.authorize_url).query else "?"
        return f"{provider.authorize_url}{joiner}{urlencode(parameters)}"

    async def finish(
        self, tenant_id: str, provider_id: str, answer: Mapping[str, str], session: BrowserSession | None, browser: str | None
    ) -> Connected:
        """Take the provider's answer, redeem the code and keep the account. Raises FlowRefused; then no code was redeemed.

        Order matters: whose trip this is gets settled before anything of the answer is used.
        """
        # RFC 9700 §4.7: one use, in one step; found by its hash, so nothing is compared in a time that tells.
        taken = await self._flows.take(hash_of(answer.get("state") or ""))
        if taken is None:
            if session is not None and answer.get("error"):
                log.warning("connection_refused_there", extra={"facts": {"tenant": session.tenant_id, "reason": error_reason(answer)}})
            raise _nobodys(answer)
        flow, trip = taken
        # RFC 9700 §4.4, §4.7: before the code leaves for anywhere.
        await self._check_trip(flow, trip, tenant_id, provider_id, session, browser)
        assert session is not None
        carried = await self._opened(flow, trip)
        # The registration that the person was sent to: another one since then must not get their code (mix-up).
        application = await self._registrations.application(flow.tenant_id, flow.provider, carried["registered_by"])
        if application is None:
            raise FlowRefused(404, "The registration at the provider was removed meanwhile. Ask an administrator.")
        _check_issuer(application.provider, answer.get("iss"))
        title, handle = application.provider.title, carried.get("handle", "")
        if answer.get("error") or not answer.get("code"):
            await self._record_no(flow, answer)
            if is_denial(answer):
                raise FlowRefused(400, f"Access was not allowed at {title}. You can try again.", handle)
            why = f"({error_word(answer)}). Whoever runs this gateway finds the reason in its log"
            raise FlowRefused(400, f"{title} did not connect the account {why}.", handle)
        asked = frozenset(asked_scopes(application.provider, flow.scopes))
        try:
            redirect_uri = callback_url(self._base_url, flow.tenant_id, flow.provider)
            tokens = await self._endpoint.exchange(application, answer["code"], carried["verifier"], redirect_uri, asked)
            check_nonce(tokens, carried["nonce"], was_sent=asks_nonce(application.provider, asked))
            external = await self._endpoint.account(application, tokens)
        except TokenRefused as refused:
            log.warning("connection_not_completed", extra={"facts": {**_facts(flow), "error": refused.code}})
            why = "there is no access token in the answer" if refused.code == NO_ACCESS_TOKEN else refused.code
            raise FlowRefused(502, f"{title} did not complete the connection ({why}). Try again.", handle) from None
        if tokens.scopes is None and application.provider.scopes_are_complete:
            # RFC 6749 §5.1: no `scope` in the answer means that what was asked for was granted.
            tokens = replace(tokens, scopes=asked)
        connection = await self._keeper.keep_tokens(flow, application, tokens, external, carried["alias"])
        await self._flows.finish(flow.flow_hash, "done", connection.account_id)
        return compared(connection, application.provider, await self._meant(flow), asked)

    async def take_key(self, handle: str, session: BrowserSession, secret: ConnectionSecret, alias: str) -> Connected:
        """Keep a key that the person typed into the connect page. Raises FlowRefused, ConnectionRefused."""
        flow = await self.find(handle)
        await self.check_person(flow, session)
        provider = self._registrations.provider(flow.tenant_id, flow.provider)
        kind: CredentialKind
        if provider.auth == "api_key" or provider.auth == "basic" or provider.auth == "sigv4":
            kind = provider.auth
        else:
            how = MACHINE_WORDS if provider.is_machine else "by signing in there, not by a key"
            raise FlowRefused(400, f"{provider.title} is connected {how}.")
        secret = replace(secret, region=secret.region or provider.region, service=secret.service or provider.service)
        connection = await self._keeper.keep_key(flow, provider, secret, alias, kind)
        await self._flows.finish(flow.flow_hash, "done", connection.account_id)
        return Connected(connection, provider)

    async def _meant(self, flow: ConnectFlow) -> Connection | None:
        """Return the account that the flow was made to connect again; None: it is for a new one, or that one is gone."""
        return await self._keeper.own(flow.tenant_id, flow.subject, flow.account_id) if flow.account_id else None

    async def _check_trip(
        self,
        flow: ConnectFlow,
        trip: AuthorizationAttempt,
        tenant_id: str,
        provider_id: str,
        session: BrowserSession | None,
        browser: str | None,
    ) -> None:
        # The callback address is one of its own for each tenant and provider: an answer that arrives at another one was
        # redirected there by somebody (mix-up, RFC 9700 §4.4).
        wrong = None
        if (tenant_id, provider_id) != (flow.tenant_id, flow.provider):
            wrong = "callback of another tenant or provider"
        # RFC 9700 §4.7: CSRF, and an attacker's code injected into the victim's browser (§4.5).
        elif browser is None or not secrets.compare_digest(browser, trip.browser):
            wrong = "callback in another browser"
        # draft-ietf-oauth-security-topics-update: the person who began, not only the browser; somebody may have signed in over it.
        elif session is None or (session.tenant_id, session.subject) != (flow.tenant_id, flow.subject):
            wrong = "callback with another subject signed in"
        elif flow.expires_at < self._clock():
            wrong = "callback after the flow had expired"
        if wrong:
            actor = session.subject if session else "nobody"
            await self._record(flow.tenant_id, actor, f"connect:{flow.provider}", wrong)
            raise FlowRefused(403, "This answer belongs to another browser, person or place. Nothing was connected.")

    async def _opened(self, flow: ConnectFlow, trip: AuthorizationAttempt) -> dict[str, str]:
        caller = VaultCaller(flow.tenant_id, flow.subject, "connect")
        sealed = SealedSecret(flow.tenant_id, _trip_name(trip.trip_hash), 1, trip.dek_id, trip.sealed)
        try:
            carried: dict[str, str] = json.loads(await self._vault.open_sealed(caller, sealed))
        except SealBroken:
            raise FlowRefused(403, "This connection can no longer be finished. Ask your assistant again for a new link.") from None
        return carried

    async def _application(self, flow: ConnectFlow) -> Application:
        application = await self._registrations.application(flow.tenant_id, flow.provider)
        if application is None or application.provider.auth != "oauth2":
            raise FlowRefused(404, f"No application is registered at {flow.provider!r}. An administrator runs `ascend provider add`.")
        return application

    async def _record_no(self, flow: ConnectFlow, answer: Mapping[str, str]) -> None:
        """Tell operators why a provider gave no code: they correct scopes and registrations, and the person's page names the error only."""
        reason = error_reason(answer)
        log.warning("connection_refused_there", extra={"facts": {**_facts(flow), "reason": reason}})
        await self._record(flow.tenant_id, flow.subject, f"connect:{flow.provider}", f"the provider answered {reason}")

    async def _record(self, tenant_id: str, actor: str, name: str, what: str) -> None:
        await self._audit.record(SecretEvent(self._clock(), tenant_id, actor, "refused", name, 0, what))


def _trip_name(trip_hash: str) -> str:
    return f"trip:{trip_hash}"


def _check_issuer(provider: Provider, issuer: str | None) -> None:
    """RFC 9207 §2.4: a wrong `iss` ends it; so does a missing one where the provider says that it sends it."""
    if (issuer is None and provider.requires_issuer) or (issuer is not None and provider.issuer is not None and issuer != provider.issuer):
        raise FlowRefused(403, f"The answer does not come from {provider.title}. Nothing was connected.")


def _nobodys(answer: Mapping[str, str]) -> FlowRefused:
    """Return what is said of an answer that belongs to no trip; several providers leave `state` away when the person said no."""
    if answer.get("error") and not answer.get("code") and not answer.get("state"):
        what = "Access was not allowed there" if is_denial(answer) else f"That place did not connect the account ({error_word(answer)})"
        return FlowRefused(400, f"{what}; nothing was connected. Open the link of your assistant again, or ask it for a new one.")
    again = "If this page said Connected before, the account is there."
    return FlowRefused(403, f"This answer does not belong to a connection that was begun here, or came a second time. {again}")


def _facts(flow: ConnectFlow) -> dict[str, str]:
    return {"tenant": flow.tenant_id, "provider": flow.provider, "subject": flow.subject}
