"""With whose key a provider is called: the caller's own, the tenant's, or the one that the operator shares."""

import hashlib
from typing import Literal

from oauth.connections.connection import EVERYBODY
from oauth.connections.credentials import Credential, Credentials
from oauth.connections.errors import ConnectionNeeded
from oauth.principal import Principal
from oauth.tenants import DEFAULT_TENANT
from tools.ai_gateway.configuration.config import Dialect, ModelProvider
from tools.ai_gateway.model_request import ModelCaller

Headers = tuple[tuple[str, str], ...]
_HEADER_BY_DIALECT: dict[Dialect, str] = {"anthropic": "x-api-key", "gemini": "x-goog-api-key"}


class NoProviderKey(Exception):
    """Nobody gave a key for a provider that wants one; the message is the way out."""


class ProviderKeys:
    """Reads credentials from memory; nothing is refreshed on the way of a call."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def for_call(self, caller: ModelCaller, provider: ModelProvider) -> Credential | None:
        """Return the credential of the tenant, else the shared one; None for a provider that asks for none. Raises NoProviderKey."""
        if provider.is_keyless:
            return None
        own = caller.principal or _anybody_in(caller.tenant_id)
        # The shared key is the default tenant's own: nobody else's is ever lent (AI gateway contract, "shared_key").
        for principal in (own, _anybody_in(DEFAULT_TENANT)) if provider.shared_key else (own,):
            if self._credentials.readiness(principal, provider.name, frozenset()).status != "ready":
                continue
            try:
                return await self._credentials.for_call(principal, provider.name, frozenset(), None)
            except ConnectionNeeded:
                continue  # It ended between the look and the call.
        whose = "" if caller.tenant_id == DEFAULT_TENANT else f" --tenant {caller.tenant_id}"
        command = f"ascend connection add-key {provider.name}{whose}"
        raise NoProviderKey(f"there is no key for {provider.name!r}; an operator adds one with `{command}`")

    def has_key(self, tenant_id: str, provider: ModelProvider) -> bool:
        """Say whether calls of a tenant to a provider have a key, or need none; from memory."""
        tenants = (tenant_id, DEFAULT_TENANT) if provider.shared_key else (tenant_id,)
        return provider.is_keyless or any(
            self._credentials.readiness(_anybody_in(each), provider.name, frozenset()).status == "ready" for each in tenants
        )


def key_headers(credential: Credential | None, dialect: Dialect) -> Headers:
    """Return the header that carries a key, as the dialect's own SDK sends it; a signature is made at the last moment elsewhere."""
    if credential is None or credential.kind == "sigv4":
        return ()
    name = _HEADER_BY_DIALECT.get(dialect)
    if name is None or credential.kind == "bearer":
        return (("authorization", f"Bearer {credential.secret}"),)
    return ((name, credential.secret),)


def identity_of(credential: Credential | None) -> Literal[""] | str:
    """Return what tells one key from another without telling the key: a breaker is one key's at one target."""
    return credential.account_id if credential is not None else ""


def identity_of_own(caller: ModelCaller) -> str:
    """Return what tells a caller's own key from others, within its tenant, without telling the key."""
    secret = caller.own_key[1] if caller.own_key is not None else ""
    return f"{caller.tenant_id}:{hashlib.sha256(secret.encode(errors='replace')).hexdigest()[:16]}"


def _anybody_in(tenant_id: str) -> Principal:
    return Principal(tenant_id, EVERYBODY, "ai_gateway", frozenset(), "", "local")
