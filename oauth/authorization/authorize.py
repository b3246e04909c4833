"""The authorization endpoint as one ordered list of checks (OAuth 2.1 §4.1.1, RFC 9207, RFC 9126)."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from oauth.authorization.pushed_requests import REQUEST_URI_PREFIX, PushedRequests
from oauth.authorization.request import AuthorizationRequest
from oauth.authorization.scope_narrowing import ProviderScopes, known
from oauth.clients.client import AUTHORIZATION_CODE, Client
from oauth.clients.lookup import Clients
from oauth.clients.pinned_documents import PINNED_DOCUMENTS
from oauth.clients.redirect_uris import destination, match_any
from oauth.errors import AuthorizeError, ErrorTarget, OAuthError
from oauth.parameters import Parameters
from oauth.pkce import is_challenge
from oauth.resources import Resources
from oauth.scopes import parse
from oauth.stores import GrantStore
from oauth.tenants import Tenant
from oauth.tokens.formats import hash_token, new_handle
from oauth.tokens.grant_records import StoredRequest
from oauth.tokens.lifetimes import Lifetimes

#: RFC 6749 sets no bound, and some clients keep their whole context there: as much as a query may hold here
MAX_STATE_LENGTH = 16 * 1024
MAX_LOGIN_HINT_LENGTH = 320
UNKNOWN_CLIENT = (
    "this application is not registered here, or was not used for so long that it was forgotten; "
    "remove this server from it and add it again, so that it registers anew"
)
# OpenID Connect Core §3.1.2.1; unknown values are ignored, as unknown parameters are (RFC 6749 §3.1).
PROMPTS = frozenset({"none", "login", "consent", "select_account"})


@dataclass(slots=True)
class Attempt:
    """A request while it is checked: each check reads what earlier ones established and adds its own."""

    parameters: Parameters
    client: Client | None = None
    redirect_uri: str = ""
    state: str | None = None
    prompt: frozenset[str] = frozenset()
    max_age_s: int | None = None
    tenant: Tenant | None = None
    resource: str = ""
    scopes: tuple[str, ...] = field(default_factory=tuple)


class Authorization:
    """Checks authorization requests and keeps the good ones until their person has answered."""

    def __init__(
        self,
        clients: Clients,
        pushed: PushedRequests,
        resources: Resources,
        provider_scopes: ProviderScopes,
        store: GrantStore,
        lifetimes: Lifetimes,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clients = clients
        self._pushed = pushed
        self._resources = resources
        self._provider_scopes = provider_scopes
        self._store = store
        self._lifetimes = lifetimes
        self._clock = clock
        #: who hears of a failure -> the check. Until client and redirect URI are known to belong together, only the person does.
        self._checks: tuple[tuple[Literal["person", "client"], Callable[[Attempt], Awaitable[None]]], ...] = (
            # RFC 6749 §4.1.2.1: client and redirect_uri first; an error sent to an unchecked address is the open redirector of RFC 9700
            # §4.11.2.
            ("person", self._client_and_redirect_uri_are_sent_once),
            ("person", self._a_pushed_request_is_this_clients),
            ("person", self._the_client_is_known),
            ("person", self._the_redirect_uri_is_the_clients),
            # state next: every later error must carry it (RFC 6749 §4.1.2.1)
            ("client", self._the_state_can_be_echoed),
            ("client", self._nothing_is_sent_twice),
            ("client", self._no_request_object_is_used),
            ("client", self._the_response_is_a_code_in_the_query),
            ("client", self._the_client_may_use_codes),
            ("client", self._pkce_is_s256),
            ("client", self._prompt_and_max_age_make_sense),
            ("client", self._the_resource_is_ours),
            ("client", self._the_scopes_are_known),
        )

    async def check(self, parameters: Parameters) -> Attempt:
        """Return the request with every check passed. Raises AuthorizeError."""
        attempt = Attempt(parameters)
        for hears, check in self._checks:
            try:
                await check(attempt)
            except OAuthError as error:
                # RFC 6749 §3.1.2.4: no automatic redirect to an address that was not checked.
                target = ErrorTarget(attempt.redirect_uri, attempt.state) if hears == "client" and may_hear_errors(attempt) else None
                raise AuthorizeError(error.code, error.description, target, attempt.client.name if attempt.client else "") from error
        return attempt

    async def begin(self, attempt: Attempt, browser: str, device_code_hash: bytes | None = None) -> AuthorizationRequest:
        """Keep a checked request for the browser that sent it."""
        if attempt.client is None or attempt.tenant is None:
            raise AuthorizeError("invalid_request", "the request was not checked")
        now = self._clock()
        request = AuthorizationRequest(
            # RFC 9700 §4.7: an unguessable handle, bound to the browser below; the parameters themselves never travel again.
            request_id=new_handle(),
            browser=browser,
            tenant_id=attempt.tenant.tenant_id,
            client_id=attempt.client.client_id,
            # RFC 6749 §4.1.3: as sent, so that the token request is compared with what the client believes
            redirect_uri=attempt.redirect_uri,
            scopes=attempt.scopes,
            resource=attempt.resource,
            state=attempt.state,
            code_challenge=attempt.parameters.get("code_challenge") or "",
            prompt=attempt.prompt,
            login_hint=(attempt.parameters.get("login_hint") or "")[:MAX_LOGIN_HINT_LENGTH] or None,
            max_age_s=attempt.max_age_s,
            created_at=now,
            expires_at=now + self._lifetimes.request_s,
        )
        async with self._store.transaction() as rows:
            # RFC 6749 §10.10: kept under the hash of its handle only.
            await rows.add_request(StoredRequest(request, hash_token(request.request_id), device_code_hash))
        return request

    async def _client_and_redirect_uri_are_sent_once(self, attempt: Attempt) -> None:
        # RFC 6749 §3.1: two values would let the check see one and the redirect take the other; no redirect can be trusted yet.
        for name in sorted({"client_id", "redirect_uri", "request_uri"} & attempt.parameters.duplicates()):
            raise OAuthError("invalid_request", f"{name} is sent more than once")
        # RFC 9126 §4, RFC 6749 §4.1.1: required beside a request_uri too.
        if attempt.parameters.get("client_id") is None:
            raise OAuthError("invalid_request", "client_id is missing")

    async def _a_pushed_request_is_this_clients(self, attempt: Attempt) -> None:
        request_uri = attempt.parameters.get("request_uri")
        # RFC 9126 §4: and every check below still runs on what was pushed, as on any other request.
        if request_uri is not None and request_uri.startswith(REQUEST_URI_PREFIX):
            # RFC 9126 §4: what was pushed counts, and nothing that comes beside it.
            attempt.parameters = await self._pushed.take(request_uri, attempt.parameters.get("client_id") or "")

    async def _the_client_is_known(self, attempt: Attempt) -> None:
        # RFC 6749 §4.1.2.1: an unknown client is the person's page; there is nobody to redirect to.
        attempt.client = await self._clients.find(attempt.parameters.get("client_id") or "")
        if attempt.client is None:
            raise OAuthError("invalid_client", UNKNOWN_CLIENT)

    async def _the_redirect_uri_is_the_clients(self, attempt: Attempt) -> None:
        registered = _client(attempt).redirect_uris
        requested = attempt.parameters.get("redirect_uri")
        # RFC 6749 §3.1.2.3: may be left out only where one is registered.
        if requested is None and len(registered) == 1:
            requested = registered[0]
        # RFC 9700 §2.1, §4.1.3: exact match, but for the port of a loopback address (RFC 8252 §7.3).
        if requested is None or not match_any(registered, requested):
            raise OAuthError("invalid_request", "redirect_uri is not one that this application registered")
        attempt.redirect_uri = requested

    async def _the_state_can_be_echoed(self, attempt: Attempt) -> None:
        state = attempt.parameters.get("state")
        # RFC 6749 §4.1.2: echoed byte for byte or not at all; cut short it would fail the client's own check.
        if state is not None and len(state) > MAX_STATE_LENGTH:
            raise OAuthError("invalid_request", f"state is longer than {MAX_STATE_LENGTH} characters")
        attempt.state = state

    async def _nothing_is_sent_twice(self, attempt: Attempt) -> None:
        # RFC 6749 §3.1. `resource` alone may repeat (RFC 8707 §2).
        if attempt.parameters.duplicates():
            raise OAuthError("invalid_request", "a parameter is sent more than once")

    async def _no_request_object_is_used(self, attempt: Attempt) -> None:
        # RFC 9101 §10.4, OpenID Connect Core §3.1.2.6: nothing is fetched from a client's request_uri (SSRF); ours were taken above.
        for name in ("request", "request_uri"):
            if attempt.parameters.get(name) is not None:
                raise OAuthError(f"{name}_not_supported", f"{name} is not supported here; send plain parameters or push them")

    async def _the_response_is_a_code_in_the_query(self, attempt: Attempt) -> None:
        response_type = attempt.parameters.get("response_type")
        if response_type is None:
            raise OAuthError("invalid_request", "response_type is missing")
        # RFC 9700 §2.1.2: no token ever travels in a redirect.
        if response_type != "code":
            raise OAuthError("unsupported_response_type", "response_type must be code")
        # RFC 9700 §4.17: `web_message` and `form_post` have checks of their own, which nobody here makes.
        if attempt.parameters.get("response_mode") not in (None, "query"):
            raise OAuthError("invalid_request", "response_mode must be query")

    async def _the_client_may_use_codes(self, attempt: Attempt) -> None:
        # RFC 7591 §2: a client gets only the grants that it registered for.
        if AUTHORIZATION_CODE not in _client(attempt).grant_types:
            raise OAuthError("unauthorized_client", "this application may not use the authorization endpoint")

    async def _pkce_is_s256(self, attempt: Attempt) -> None:
        challenge = attempt.parameters.get("code_challenge")
        # RFC 7636 §4.4.1, RFC 9700 §2.1.1: for confidential clients too, since it also stops code injection (§4.5.3.1).
        if challenge is None:
            raise OAuthError("invalid_request", "code_challenge is missing; PKCE is required")
        # RFC 7636 §7.2: absent means `plain` (§4.3), and plain shows the verifier to whoever sees the request.
        if attempt.parameters.get("code_challenge_method") != "S256":
            raise OAuthError("invalid_request", "code_challenge_method must be S256")
        # RFC 7636 §4.2: S256 gives 43 characters; a short challenge could be met by guessing.
        if not is_challenge(challenge):
            raise OAuthError("invalid_request", "code_challenge must be 43 base64url characters")

    async def _prompt_and_max_age_make_sense(self, attempt: Attempt) -> None:
        attempt.prompt = frozenset((attempt.parameters.get("prompt") or "").split()) & PROMPTS
        # OpenID Connect Core §3.1.2.1.
        if "none" in attempt.prompt and len(attempt.prompt) > 1:
            raise OAuthError("invalid_request", "prompt none goes with no other prompt")
        max_age = attempt.parameters.get("max_age")
        if max_age is not None and not (max_age.isascii() and max_age.isdigit() and len(max_age) <= 9):
            raise OAuthError("invalid_request", "max_age must be a number of seconds")
        attempt.max_age_s = None if max_age is None else int(max_age)

    async def _the_resource_is_ours(self, attempt: Attempt) -> None:
        # RFC 8707 §2.1: decided before the person is asked, since it says whose data they give away.
        named = self._resources.resolve(attempt.parameters.all("resource"))
        attempt.tenant, attempt.resource = named.tenant, named.url
        if not _client(attempt).may_use_at(attempt.tenant.tenant_id):
            raise OAuthError("unauthorized_client", "this application is registered for another resource")

    async def _the_scopes_are_known(self, attempt: Attempt) -> None:
        if attempt.tenant is not None:
            provider_scopes = self._provider_scopes(attempt.tenant.tenant_id)
            # RFC 6749 §3.3, §4.1.2.1 (invalid_scope).
            attempt.scopes = known(parse(attempt.parameters.get("scope") or ""), provider_scopes, attempt.tenant.baseline_scopes)


def may_hear_errors(attempt: Attempt) -> bool:
    """Say whether a browser may be sent to the client with an error before its person signed in.

    Anybody can register a client for their own web site; redirecting there would make this server an open redirector
    (RFC 9700 §4.11.2). The person's own machine, pre-registered clients and well-known documents are safe to go to.
    """
    client = attempt.client
    return client is not None and (client.is_verified or client.client_id in PINNED_DOCUMENTS or destination(attempt.redirect_uri) != "web")


def _client(attempt: Attempt) -> Client:
    if attempt.client is None:
        raise OAuthError("invalid_client", "this application is not registered here")
    return attempt.client
