"""Tokens for a service principal: a confidential client that an operator registered (RFC 6749 §4.4)."""

import time
from collections.abc import Callable

from oauth.authorization.scope_narrowing import ProviderScopes, known, narrow
from oauth.clients.client import Client
from oauth.errors import OAuthError
from oauth.parameters import Parameters
from oauth.resources import Resources
from oauth.scopes import OFFLINE, parse
from oauth.stores import GrantStore
from oauth.tenants import Tenants
from oauth.tokens.access_tokens import AccessTokens
from oauth.tokens.formats import new_id
from oauth.tokens.grant_records import Grant
from oauth.tokens.lifetimes import Lifetimes
from oauth.tokens.reply import TokenReply, mint_only_token, reply_of


class ClientCredentialsGrant:
    """The grant type `client_credentials`: no person, no refresh token, no scope beyond what the operator gave."""

    def __init__(
        self,
        store: GrantStore,
        access_tokens: AccessTokens,
        resources: Resources,
        tenants: Tenants,
        provider_scopes: ProviderScopes,
        lifetimes: Lifetimes,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._access_tokens = access_tokens
        self._resources = resources
        self._tenants = tenants
        self._provider_scopes = provider_scopes
        self._lifetimes = lifetimes
        self._clock = clock

    async def redeem(self, client: Client, form: Parameters) -> TokenReply:
        """Return an access token. Raises OAuthError."""
        tenant = self._tenants.get(client.tenant_id or "")
        # RFC 6749 §4.4: confidential clients only; one that registered itself (RFC 7591) has nobody who vouches for it.
        if client.kind != "registered" or client.is_public or not client.service_subject or tenant is None:
            raise OAuthError("unauthorized_client", "only a service principal that an operator registered may use client_credentials")
        resource = self._resources.of(tenant.tenant_id)
        if form.all("resource"):
            named = self._resources.resolve(form.all("resource"))
            resource = named.url
        # RFC 8707 §2.2: the operator chose whose resources these are, the request only which of them.
        if form.all("resource") and named.tenant.tenant_id != tenant.tenant_id:
            raise OAuthError("invalid_target", "this service principal belongs to another resource")
        # RFC 6749 §4.4.2, §3.3: no person consents here, so the operator's list is the ceiling.
        asked = known(parse(form.get("scope") or ""), self._provider_scopes(tenant.tenant_id), tenant.baseline_scopes)
        # RFC 6749 §4.4.3: no refresh token, so `offline_access` would promise what nobody gets.
        scopes = narrow(asked, client.service_scopes) - {OFFLINE}
        if not scopes:
            raise OAuthError("invalid_scope", "this service principal may use none of these scopes")
        now = self._clock()
        grant = Grant(
            grant_id=new_id("grant"),
            tenant_id=tenant.tenant_id,
            # RFC 9700 §4.15: a subject of its own kind, which no client can choose to look like a person.
            subject=client.service_subject,
            client_id=client.client_id,
            resource=resource,
            scopes=scopes,
            grant_type="client_credentials",
            native=False,
            created_at=now,
            # no longer than its only token: the client asks again with its own credential (RFC 6749 §4.4.3)
            expires_at=now + self._lifetimes.access_token_s,
        )
        revocations = self._access_tokens.revocations
        async with self._store.transaction() as rows:
            token, row = await mint_only_token(rows, grant, {"grant_type": grant.grant_type})
        self._access_tokens.remember(row, revocations)
        return reply_of(token, row, "")
