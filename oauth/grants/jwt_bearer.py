"""Enterprise-managed authorization: the company's identity provider vouches with an ID-JAG.

RFC 7523 §2.1 and draft-ietf-oauth-identity-assertion-authz-grant. Off until an operator names an identity provider for a tenant.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from oauth.audit import SecurityEvent
from oauth.authorization.scope_narrowing import AllowedScopes, ProviderScopes, known, narrow
from oauth.clients.client import Client
from oauth.errors import AssertionRefused, FetchRefused, InvalidGrant, OAuthError, RegistrationRefused
from oauth.jwt import LEEWAY_S, JwksCache, check_times, decode, is_for, read_id, unverified
from oauth.parameters import Parameters
from oauth.resources import ProtectedResource, Resources
from oauth.scopes import OFFLINE, parse
from oauth.stores import AuditLog, GrantStore
from oauth.tenants import Tenant
from oauth.tokens.access_tokens import AccessTokens
from oauth.tokens.formats import new_id
from oauth.tokens.grant_records import Grant
from oauth.tokens.lifetimes import Lifetimes
from oauth.tokens.reply import TokenReply, mint_only_token, reply_of

# RFC 8725 §3.11: an explicit type; an ID token of the same issuer must not pass for a grant.
ASSERTION_TYPE = "oauth-id-jag+jwt"


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """An identity provider whose word counts at one tenant."""

    tenant_id: str
    issuer: str
    jwks_uri: str = ""
    #: its keys as JSON text, instead of `jwks_uri`
    jwks: str = ""


#: (tenant, issuer, its subject) -> our subject; None where nobody is linked to it
SubjectOf = Callable[[str, str, str], Awaitable[str | None]]


class JwtBearerGrant:
    """The grant type `urn:ietf:params:oauth:grant-type:jwt-bearer`, for ID-JAGs only. Never a refresh token: the next token needs
    the identity provider's next word."""

    def __init__(
        self,
        store: GrantStore,
        audit: AuditLog,
        access_tokens: AccessTokens,
        resources: Resources,
        key_sets: JwksCache,
        issuers: Sequence[TrustedIssuer],
        subject_of: SubjectOf,
        allowed_scopes: AllowedScopes,
        provider_scopes: ProviderScopes,
        our_issuer: str,
        lifetimes: Lifetimes,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._audit = audit
        self._access_tokens = access_tokens
        self._resources = resources
        self._key_sets = key_sets
        self._issuers = tuple(issuers)
        self._subject_of = subject_of
        self._allowed_scopes = allowed_scopes
        self._provider_scopes = provider_scopes
        self._our_issuer = our_issuer
        self._lifetimes = lifetimes
        self._clock = clock

    async def redeem(self, client: Client, form: Parameters) -> TokenReply:
        """Return an access token. Raises InvalidGrant, OAuthError."""
        assertion = form.get("assertion")
        if assertion is None:
            raise OAuthError("invalid_request", "assertion is missing")
        try:
            claims, named = await self._verified(client, assertion)
            tenant = named.tenant
            # RFC 7523 §3 items 4 to 7: exp is required, nbf and iat are honoured, jti is what replay is told by.
            expires_at, assertion_id = check_times(claims, self._clock()), read_id(claims)
        except AssertionRefused as error:
            facts = {"reason": str(error)}
            # RFC 7521 §4.1.1: the answer is `invalid_grant`; why, also goes to the audit, since a refused assertion is a trusted party's
            # fault or an attack.
            await self._audit.record(SecurityEvent("assertion_refused", self._clock(), client_id=client.client_id, facts=facts))
            raise InvalidGrant(str(error)) from error
        # RFC 8707 §2.2: the identity provider named the audience; the client cannot pick another.
        if form.all("resource") and self._resources.resolve(form.all("resource")) != named:
            raise OAuthError("invalid_target", "resource differs from the one of the assertion")
        # RFC 8725 §3.8: (iss, sub) together; an e-mail or a sub alone could be another person's at another issuer.
        subject = await self._subject_of(tenant.tenant_id, str(claims["iss"]), str(claims["sub"]))
        if subject is None:
            raise InvalidGrant("nobody here is linked to the subject of the assertion")
        # RFC 6749 §3.3: the least of what issuer, client and person permit.
        scopes = await self._scopes(tenant, subject, claims, form)
        now = self._clock()
        grant = Grant(
            grant_id=new_id("grant"),
            tenant_id=tenant.tenant_id,
            subject=subject,
            client_id=client.client_id,
            resource=named.url,
            scopes=scopes,
            grant_type="jwt_bearer",
            native=False,
            created_at=now,
            # no longer than its only token, RFC 7521 §4.1: the next one needs the next assertion
            expires_at=now + self._lifetimes.access_token_s,
        )
        revocations = self._access_tokens.revocations
        async with self._store.transaction() as rows:
            # RFC 7523 §3 item 7: one use, kept past exp by the leeway that exp itself gets, and in the transaction that mints.
            if not await rows.use_assertion(str(claims["iss"]), assertion_id, expires_at + LEEWAY_S):
                raise InvalidGrant("the assertion was used before")
            token, row = await mint_only_token(rows, grant, {"grant_type": grant.grant_type})
        self._access_tokens.remember(row, revocations)
        return reply_of(token, row, "")

    async def _verified(self, client: Client, assertion: str) -> tuple[Mapping[str, object], ProtectedResource]:
        """Return the claims of an assertion for this client and the resource that it is for. Raises AssertionRefused."""
        # RFC 8725 §3.10: what is read here only chooses which issuer's keys to try; nothing else counts before the signature.
        header, claimed = unverified(assertion)
        # RFC 8725 §3.11.
        if header.get("typ") != ASSERTION_TYPE:
            raise AssertionRefused(f"typ of the assertion must be {ASSERTION_TYPE}")
        resource = claimed.get("resource")
        # One resource: an assertion for several could be carried from one to the other (RFC 9700 §2.3).
        values = (resource,) if isinstance(resource, str) else ()
        try:
            named = self._resources.resolve(values)
            tenant = named.tenant
        except OAuthError as error:
            raise AssertionRefused("resource of the assertion is not one of this gateway") from error
        # RFC 7523 §3 item 1: trust is per tenant, or one tenant's identity provider could vouch for another's people.
        trusted = next((each for each in self._issuers if (each.tenant_id, each.issuer) == (tenant.tenant_id, claimed.get("iss"))), None)
        if trusted is None:
            raise AssertionRefused("the assertion's issuer is not trusted for this resource")
        # RFC 8725 §3.10: `kid` selects among the configured keys; `jku`, `x5u` and `jwk` of the header are never followed.
        key_id = header.get("kid")
        try:
            keys = await self._key_sets.keys(trusted.jwks, trusted.jwks_uri, wanted_key_id=key_id if isinstance(key_id, str) else None)
        except (FetchRefused, RegistrationRefused) as error:
            raise AssertionRefused("the keys of the assertion's issuer cannot be read") from error
        claims = decode(assertion, keys).claims
        # RFC 7523 §3 item 3, as one value: with a second audience that party could replay it here.
        if not is_for(claims.get("aud"), frozenset({self._our_issuer})):
            raise AssertionRefused("aud of the assertion must be this issuer alone")
        # draft-ietf-oauth-identity-assertion-authz-grant: bound to the client, so that a stolen assertion serves nobody else.
        if claims.get("client_id") != client.client_id:
            raise AssertionRefused("client_id of the assertion is not the client that presents it")
        # RFC 7800 §3.1: ignoring the confirmation would turn a bound assertion into a bearer one.
        if "cnf" in claims:
            raise AssertionRefused("the assertion is bound to a key, which this server cannot check")
        # RFC 7523 §3 item 2.
        if not isinstance(claims.get("sub"), str) or not claims["sub"]:
            raise AssertionRefused("the assertion has no sub")
        return claims, named

    async def _scopes(self, tenant: Tenant, subject: str, claims: Mapping[str, object], form: Parameters) -> frozenset[str]:
        """Return what assertion, request and subject all permit. Raises OAuthError (invalid_scope)."""
        claimed = claims.get("scope")
        provider_scopes = self._provider_scopes(tenant.tenant_id)
        vouched = known(parse(claimed if isinstance(claimed, str) else ""), provider_scopes, tenant.baseline_scopes)
        asked = known(parse(form.get("scope") or ""), provider_scopes, vouched)
        allowed = await self._allowed_scopes(tenant.tenant_id, subject)
        scopes = narrow(narrow(asked, frozenset(vouched)), allowed) - {OFFLINE}
        if not scopes:
            raise OAuthError("invalid_scope", "none of these scopes is permitted by the assertion and to its subject")
        return scopes
