"""Sign in by an external OpenID Connect provider: away with state, nonce and PKCE; back to the browser that left (RFC 9700 §4.7).

A subject is linked to (issuer, sub) and to nothing else: an e-mail is only what a provider says, and any provider can say it.
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

from oauth.error_answer import error_reason
from oauth.errors import FetchRefused
from oauth.fetch import Fetched, Outbound
from oauth.parameters import Parameters
from oauth.pkce import challenge_of
from oauth.sign_in.admission import admission
from oauth.sign_in.errors import FederationRefused
from oauth.sign_in.id_tokens import check_id_token
from oauth.sign_in.identity_provider_documents import IdentityProviderDocuments, ProviderMetadata, read_object
from oauth.sign_in.identity_providers import IdentityProvider
from oauth.sign_in.stores import FederatedSignIn, IdentityLinkStore, SubjectStore
from oauth.sign_in.subjects import Subject, clean_display_name, new_subject_id

# RFC 9700 §4.7: a state that lives for ever can be planted today and used next year
SIGN_IN_S = 600
TIMEOUT_S = 15.0
MAX_ANSWER_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Answered:
    """What a provider says of whoever came back: the claims of the ID token, and where the person was going."""

    provider: IdentityProvider
    metadata: ProviderMetadata
    claims: Mapping[str, Any]
    access_token: object
    onward: Mapping[str, str]


class Federation:
    """`secret_of` gives a provider's client secret; `base_url` is our origin, of which each provider gets its own redirect path."""

    def __init__(
        self,
        links: IdentityLinkStore,
        subjects: SubjectStore,
        send: Outbound,
        *,
        secret_of: Callable[[IdentityProvider], Awaitable[str]],
        base_url: str,
        path: str = "/login/callback",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`path`: where providers send people back, below which each has its own."""
        self._links = links
        self._subjects = subjects
        self._send = send
        self._secret_of = secret_of
        self._base_url, self._path = base_url, path
        self._clock = clock
        self._documents = IdentityProviderDocuments(send, clock)

    async def offered(self, tenant_id: str) -> tuple[IdentityProvider, ...]:
        """Return the providers that a tenant's sign-in page offers."""
        return tuple(provider for provider in await self._links.providers(tenant_id) if provider.enabled)

    def redirect_uri(self, provider: IdentityProvider) -> str:
        """Return where this provider, and no other, sends people back."""
        # RFC 9700 §4.4.2.2: distinct redirect URIs tell the provider that answers, also where it sends no `iss`.
        return f"{self._base_url}{self._path}/{provider.tenant_id}/{provider.slug}"

    async def begin(
        self,
        tenant_id: str,
        slug: str,
        browser: str,
        onward: Mapping[str, str],
        *,
        login_hint: str = "",
        must_ask: bool = False,
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> str:
        """Return the address at the provider that the browser goes to; `more`: of the request. Raises FederationRefused."""
        provider = await self._provider(tenant_id, slug)
        metadata = await self._documents.metadata(provider.issuer)
        # RFC 9700 §4.7 (state), §4.5.3.2 (nonce), §2.1.1 (PKCE): each stops something that the others do not.
        state, nonce, code_verifier = (secrets.token_urlsafe(32) for _ in range(3))
        sign_in = FederatedSignIn(
            # at rest the hash: who reads the store cannot finish anybody's sign-in
            state_hash=_hash(state),
            browser=browser,
            tenant_id=tenant_id,
            slug=slug,
            nonce=nonce,
            code_verifier=code_verifier,
            onward=onward,
            expires_at=self._clock() + SIGN_IN_S,
        )
        await self._links.add_sign_in(sign_in)
        query = {
            "response_type": "code",
            "client_id": provider.client_id,
            "redirect_uri": self.redirect_uri(provider),
            "scope": " ".join(provider.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge_of(code_verifier),
            "code_challenge_method": "S256",
        }
        query |= {"login_hint": login_hint} if login_hint else {}
        # Core §3.1.2.1: our own `prompt` or `max_age` cannot be met by a session at the provider.
        query |= {"prompt": "login"} if must_ask else {}
        query |= more
        separator = "&" if urlsplit(metadata.authorization_endpoint).query else "?"
        return f"{metadata.authorization_endpoint}{separator}{urlencode(query)}"

    async def finish(self, tenant_id: str, slug: str, browser: str | None, answer: Parameters) -> tuple[Subject, Mapping[str, str]]:
        """Return the subject who came back and where they were going. Raises FederationRefused."""
        answered = await self.answered(tenant_id, slug, browser, answer)
        return await self._subject(answered), answered.onward

    async def answered(self, tenant_id: str, slug: str, browser: str | None, answer: Parameters) -> Answered:
        """Return what the provider says of whoever came back. Raises FederationRefused.

        Nothing is sent to the provider before state, browser, path and issuer agree: that is what stops a mix-up (RFC 9700 §4.4).
        """
        state = answer.get("state")
        if state is None and answer.get("error") is not None:
            # Nothing came back that could be mixed up: a refusal signs nobody in, whoever sent it.
            raise FederationRefused(f"the provider refused, without state: {error_reason(answer)}", is_denial=True, is_unbound=True)
        # RFC 9700 §4.7: one use, taken before anything is compared, so that a second try finds nothing.
        sign_in = None if state is None else await self._links.take_sign_in(_hash(state), self._clock())
        if sign_in is None:
            raise FederationRefused("state is unknown, used or expired")
        # RFC 9700 §4.7: or an attacker's answer would sign the victim in as the attacker (login CSRF, RFC 6749 §10.12).
        if browser is None or not hmac.compare_digest(sign_in.browser.encode(), browser.encode()):
            raise FederationRefused("another browser came back than the one that left")
        # RFC 9700 §4.4.2.2.
        if (sign_in.tenant_id, sign_in.slug) != (tenant_id, slug):
            raise FederationRefused("the answer came to the redirect path of another provider")
        provider = await self._provider(tenant_id, slug)
        metadata = await self._documents.metadata(provider.issuer)
        issuer = answer.get("iss")
        # RFC 9207 §2.4: exact comparison, and one that announced `iss` must send it.
        if (issuer is None and metadata.answers_with_iss) or issuer not in (None, provider.issuer):
            raise FederationRefused("iss of the answer is not the provider that was asked")
        code = answer.get("code")
        if answer.get("error") is not None or code is None:
            raise FederationRefused(f"the provider refused: {error_reason(answer)}", is_denial=True)
        claims, access_token = await self._claims(provider, metadata, sign_in, code)
        return Answered(provider, metadata, claims, access_token, sign_in.onward)

    async def _claims(
        self, provider: IdentityProvider, metadata: ProviderMetadata, sign_in: FederatedSignIn, code: str
    ) -> tuple[Mapping[str, Any], object]:
        """Return the claims of the ID token, and the access token that came with it."""
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            # RFC 6749 §4.1.3: the value of the authorization request, again
            "redirect_uri": self.redirect_uri(provider),
            "code_verifier": sign_in.code_verifier,
        }
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        if provider.client_auth == "basic":
            # RFC 6749 §2.3.1: both parts are form-encoded before they are joined.
            pair = f"{quote_plus(provider.client_id)}:{quote_plus(await self._secret_of(provider))}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            fields["client_id"] = provider.client_id
            fields |= {"client_secret": await self._secret_of(provider)} if provider.client_auth == "post" else {}
        # RFC 9700 §4.4: to the endpoint of the issuer that was asked, never to one that the answer names.
        tokens = await self._ask("POST", metadata.token_endpoint, headers, urlencode(fields).encode())
        id_token = tokens.get("id_token")
        if not isinstance(id_token, str):
            raise FederationRefused("the answer has no id_token")
        return await check_id_token(id_token, provider, metadata, self._documents, sign_in.nonce, self._clock()), tokens.get("access_token")

    async def _completed(self, metadata: ProviderMetadata, claims: Mapping[str, Any], access_token: object) -> Mapping[str, Any]:
        """Return the claims of an ID token with what the userinfo endpoint says beside them (Core §5.3). Raises FederationRefused."""
        is_whole = "email" in claims and "email_verified" in claims
        if is_whole or not metadata.userinfo_endpoint or not isinstance(access_token, str) or not access_token.isascii():
            return claims
        headers = {"Accept": "application/json", "Authorization": f"Bearer {access_token}"}
        about = await self._ask("GET", metadata.userinfo_endpoint, headers, None)
        # Core §5.3.2: claims of another subject must not be used. What the ID token says stands.
        if about.get("sub") != claims["sub"]:
            raise FederationRefused("the userinfo endpoint speaks of another sub")
        # An address is verified by the word that came with it, or with the same one.
        said = about if claims.get("email", about.get("email")) == about.get("email") else {}
        return {**about, **claims, "email_verified": said.get("email_verified", claims.get("email_verified"))}

    async def _ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Mapping[str, Any]:
        try:
            answer = await self._send(method, url, headers=headers, body=body, max_bytes=MAX_ANSWER_BYTES, timeout_s=TIMEOUT_S)
        except FetchRefused as error:
            raise FederationRefused(f"the identity provider cannot be reached: {error.reason}") from error
        # A redirect too: the code or the access token would go to whoever is named there.
        if answer.status != 200:
            raise FederationRefused(f"the identity provider answered {answer.status}{_reason(answer)}")
        return read_object(answer.body)

    async def known(self, answered: Answered) -> str | None:
        """Return the subject that is linked to whoever came back."""
        # Core §5.7: (iss, sub) is the only identifier that a provider may not give to somebody else.
        return await self._links.linked(answered.provider.tenant_id, answered.provider.issuer, str(answered.claims["sub"]))

    async def _subject(self, answered: Answered) -> Subject:
        provider, claims = answered.provider, answered.claims
        subject_id = await self.known(answered)
        if subject_id is None:
            missing = ""
            try:
                claims = await self._completed(answered.metadata, claims, answered.access_token)
            except FederationRefused as error:
                missing = f" (beside the ID token: {error})"
            # Never to a subject that exists by its address: an e-mail is a claim, and addresses are given out again (Core §5.7).
            subject_id = await self._links.link_new(_newcomer(provider, claims, missing), provider.issuer, str(claims["sub"]))
        subject = await self._subjects.get(provider.tenant_id, subject_id)
        # After the provider has said yes: who was disabled here stays out, however alive the account there is.
        if subject is None or subject.disabled:
            raise FederationRefused("the subject is disabled", is_stranger=True)
        return subject

    async def _provider(self, tenant_id: str, slug: str) -> IdentityProvider:
        provider = await self._links.provider(tenant_id, slug)
        if provider is None or not provider.enabled:
            raise FederationRefused("no such identity provider in this tenant")
        return provider


def _newcomer(provider: IdentityProvider, claims: Mapping[str, Any], missing: str) -> Subject:
    found = admission(provider, claims)
    if found.refused:
        raise FederationRefused(f"no account for a newcomer: {found.refused}{missing}", is_stranger=True, is_unvouched=found.is_unvouched)
    return Subject(
        tenant_id=provider.tenant_id,
        subject_id=new_subject_id(),
        email=found.email or f"{provider.slug}:{claims['sub']}"[:254],
        display_name=clean_display_name(str(claims.get("name", ""))),
        identity_provider=provider.slug,
    )


def _reason(answer: Fetched) -> str:
    """Return what a refusal says of itself, for log and audit."""
    try:
        said = read_object(answer.body)
    except FederationRefused:
        return ""
    words = {name: text for name in ("error", "error_description") if isinstance(text := said.get(name), str)}
    return f" ({error_reason(words)})" if "error" in words else ""


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode(errors="replace")).hexdigest()
