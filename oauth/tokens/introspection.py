"""What a token is worth, for confidential clients that may know (RFC 7662)."""

import time
from collections.abc import Callable, Mapping

from oauth.clients.client import Client
from oauth.errors import InvalidClient, OAuthError
from oauth.parameters import Parameters
from oauth.scopes import render
from oauth.stores import GrantStore
from oauth.tokens.formats import hash_token, is_token
from oauth.tokens.grant_records import Grant

INACTIVE: Mapping[str, object] = {"active": False}


class Introspection:
    """A client hears of its own tokens; one that an operator registered for a tenant hears of that tenant's."""

    def __init__(self, store: GrantStore, issuer: str, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._issuer = issuer
        self._clock = clock

    async def answer(self, client: Client, form: Parameters, *, by_header: bool) -> Mapping[str, object]:
        """Return the token's facts, or only that it is not active: unknown, ended and foreign tokens look alike.

        Raises InvalidClient for public clients, OAuthError where `token` is missing.
        """
        # RFC 7662 §2.1: without authorization here, tokens could be scanned for.
        if client.is_public:
            raise InvalidClient("introspection is for clients that authenticate", by_header=by_header)
        token = form.get("token")
        # RFC 7662 §2.1: REQUIRED.
        if token is None:
            raise OAuthError("invalid_request", "token is missing")
        if is_token("at", token):
            return await self._access_token(client, token)
        # RFC 7662 §2.1: token_type_hint is only a hint, and the prefix says it for certain.
        return await self._refresh_token(client, token) if is_token("rt", token) else INACTIVE

    async def _access_token(self, client: Client, token: str) -> Mapping[str, object]:
        found = await self._store.live_access_token(hash_token(token))
        # RFC 7662 §2.2: unknown, ended or not yours is `active: false` and nothing more.
        if found is None or found.expires_at <= self._clock() or not _may_know(client, found.client_id, found.tenant_id):
            return INACTIVE
        return {
            "active": True,
            "token_type": "Bearer",
            "client_id": found.client_id,
            "sub": found.subject,
            "scope": render(found.scopes),
            # RFC 8707 §2.2: the asker must see that the token is for another resource (RFC 9700 §2.3).
            "aud": found.resource,
            "iss": self._issuer,
            "iat": int(found.issued_at),
            "exp": int(found.expires_at),
        }

    async def _refresh_token(self, client: Client, token: str) -> Mapping[str, object]:
        found = await self._store.live_refresh_token(hash_token(token))
        if found is None or found[0].expires_at <= self._clock() or not _may_know(client, found[1].client_id, found[1].tenant_id):
            return INACTIVE
        row, grant = found
        return {**_facts(grant, self._issuer), "iat": int(row.issued_at), "exp": int(row.expires_at)}


def _facts(grant: Grant, issuer: str) -> dict[str, object]:
    return {
        "active": True,
        "token_type": "refresh_token",
        "client_id": grant.client_id,
        "sub": grant.subject,
        "scope": render(grant.scopes),
        "aud": grant.resource,
        "iss": issuer,
    }


def _may_know(client: Client, client_id: str, tenant_id: str) -> bool:
    # RFC 7662 §5: who used a client when is the person's affair; other tenants and other clients hear nothing.
    return client.client_id == client_id or (client.kind == "registered" and client.tenant_id == tenant_id)
