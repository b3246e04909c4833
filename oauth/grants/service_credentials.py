"""The grant type `client_credentials`: service principals of the administration get its tokens, and nobody else does."""

import time
from collections.abc import Callable

from oauth.clients.client import PRIVATE_KEY_JWT, Client
from oauth.errors import OAuthError
from oauth.parameters import Parameters
from oauth.services.admin_tokens import AdminTokens
from oauth.services.stores import ServiceStore
from oauth.stores import GrantStore
from oauth.token import GrantHandler
from oauth.tokens.reply import TokenReply


class ServiceCredentialsGrant:
    """Before the other clients of the grant type: who administers gets no other token, and others none of these."""

    def __init__(
        self, store: GrantStore, services: ServiceStore, tokens: AdminTokens, others: GrantHandler, clock: Callable[[], float] = time.time
    ) -> None:
        self._store, self._services, self._tokens, self._others, self._clock = store, services, tokens, others, clock

    async def redeem(self, client: Client, form: Parameters) -> TokenReply:
        """Return an access token. Raises OAuthError."""
        service = await self._services.of(client.client_id)
        if service is None:
            return await self._others.redeem(client, form)
        # RFC 7523 §2.2: only a signature counts, whatever else the client's row may say.
        if client.auth_method != PRIVATE_KEY_JWT or client.tenant_id != service.tenant_id:
            raise OAuthError("unauthorized_client", "a service principal proves itself by private_key_jwt")
        if service.expires_at <= self._clock():
            raise OAuthError("unauthorized_client", f"{service.by} has ended; `ascend service add` makes another")
        scopes = self._tokens.scopes(service, form)
        revocations = self._tokens.revocations
        async with self._store.transaction() as rows:
            token, row = await self._tokens.mint(rows, service, scopes, "client_credentials", service.expires_at)
        return self._tokens.remember(token, row, revocations)
