"""A version of an account: what it keeps of the one before, what tokens say about it, and how it is written."""

import random
from collections.abc import Callable
from dataclasses import replace

from oauth.connections.connection import Connection, ConnectionSecret
from oauth.connections.connection_store import ConnectionStore
from oauth.connections.refresh_time import refresh_due_at
from oauth.connections.upstream.token_answer import Tokens
from oauth.vault.errors import StaleKey
from oauth.vault.secrets import SecretEvent
from oauth.vault.vault import Vault, VaultCaller


def succeeding(former: Connection | None, connection: Connection) -> Connection:
    """Return `connection` as the version after `former`, whose id, place as the default and time of making stay."""
    if former is None:
        return connection
    return replace(
        connection,
        account_id=former.account_id,
        version=former.version + 1,
        is_default=former.is_default,
        created_at=former.created_at,
    )


def with_tokens(connection: Connection, tokens: Tokens, now: float, dice: random.Random, *, is_renewable: bool = True) -> Connection:
    """Return `connection` with what an answer of the token endpoint says; what it leaves out stays (RFC 6749 §5.1, §6)."""
    # What a file supposes is no reason to call a token over that nothing can renew: it may live for years.
    ttl_s = tokens.ttl_s if is_renewable or tokens.says_ttl else None
    return replace(
        connection,
        scopes=tokens.scopes if tokens.scopes is not None else connection.scopes,
        api_base=tokens.api_base or connection.api_base,
        expires_at=now + ttl_s if ttl_s is not None else None,
        refresh_due_at=refresh_due_at(now, ttl_s, dice) if is_renewable and ttl_s is not None else None,
    )


async def put_sealed(
    store: ConnectionStore, vault: Vault, caller: VaultCaller, connection: Connection, secret: ConnectionSecret, clock: Callable[[], float]
) -> bool:
    """Write the connection, its sealed secret and the audit event at once.

    Return False where another writer was first, or the data key was rotated meanwhile (the vault knows the new one then): look
    at the account again, and try again. Raises AlreadyTaken.
    """
    sealed = await vault.seal(caller, connection.secret_name, connection.version, secret.to_bytes())
    event = SecretEvent(clock(), caller.tenant_id, caller.actor, "sealed", connection.secret_name, connection.version, caller.purpose)
    try:
        return await store.put(connection, sealed, event)
    except StaleKey:
        await vault.reread_keys(caller.tenant_id)
        return False
