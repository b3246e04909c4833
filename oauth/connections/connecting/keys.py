"""Connect an account by a static secret: an API key, or a user name and password."""

import json
import re
import secrets
import time
from collections.abc import Callable

from oauth.connections.connection import Connection, ConnectionSecret
from oauth.connections.connection_store import ConnectionStore
from oauth.connections.credentials import CredentialKind
from oauth.connections.errors import ConnectionRefused
from oauth.connections.version import put_sealed, succeeding
from oauth.errors import AlreadyTaken
from oauth.vault.vault import Vault, VaultCaller

_PROVIDER = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")
_ALIAS = re.compile(r"[^\s/](?:[^\n\r\t/]{0,126}[^\s/])?")
_ACCESS_KEY_ID = re.compile(r"[A-Za-z0-9]{1,128}")
_AWS_NAME = re.compile(r"[a-z0-9-]{1,64}")
#: attempts when another process writes the same thing at the same time
TRIES = 5


def check_provider(provider: str) -> str:
    """Return `provider`; it is part of the vault's logical key, so its characters are few. Raises ConnectionRefused."""
    if not _PROVIDER.fullmatch(provider):
        raise ConnectionRefused(f"provider {provider!r}: use lower-case letters, digits, '-' and '_', 64 at most")
    return provider


def check_alias(alias: str) -> str:
    """Return `alias`. Raises ConnectionRefused."""
    if not _ALIAS.fullmatch(alias):
        raise ConnectionRefused(f"alias {alias!r}: use 1 to 128 characters without '/' and without space at the ends")
    return alias


def new_connection_id() -> str:
    """Return an id for an account: random, and free of what would be special in the vault's logical key."""
    return f"acc_{secrets.token_hex(10)}"


def _check_secret(secret: ConnectionSecret, kind: CredentialKind) -> None:
    written = "".join((secret.secret, secret.username, secret.session_token, *_several(secret.secret)))
    # RFC 9110 §5.5: it goes into a header, where CR or LF would begin another field.
    if not secret.secret or any(ord(character) < 32 for character in written):
        raise ConnectionRefused("the secret is empty or has control characters; give it on one line")
    if kind == "sigv4" and not _ACCESS_KEY_ID.fullmatch(secret.username):
        raise ConnectionRefused("the access key id is missing or no key id; it is letters and digits, beside the secret key")
    if any(part and not _AWS_NAME.fullmatch(part) for part in (secret.region, secret.service)):
        raise ConnectionRefused("region and service are lower-case letters, digits and '-', like eu-central-1 and dynamodb")


def _several(secret: str) -> list[str]:
    """Return the keys within a JSON object of several, in which control characters are escaped."""
    if not secret.startswith("{"):
        return []
    try:
        return [str(each) for each in json.loads(secret).values()]
    except ValueError:
        return []


async def add_key(
    store: ConnectionStore,
    vault: Vault,
    *,
    tenant_id: str,
    subject: str,
    provider: str,
    secret: ConnectionSecret,
    kind: CredentialKind = "api_key",
    alias: str = "default",
    actor: str = "operator",
    clock: Callable[[], float] = time.time,
) -> Connection:
    """Keep a static secret as an account of `subject`, or of everybody in the tenant where `subject` is empty.

    An account with the same subject, provider and alias gets the new secret as its next version. Raises ConnectionRefused.
    """
    check_provider(provider)
    check_alias(alias)
    _check_secret(secret, kind)
    caller = VaultCaller(tenant_id, actor, "add key")
    for _ in range(TRIES):
        kin = await store.kin(tenant_id, subject, provider)
        former = next((known for known in kin if known.alias == alias), None)
        made = Connection(
            account_id=new_connection_id(),
            tenant_id=tenant_id,
            subject=subject,
            provider=provider,
            alias=alias,
            external_id="",
            title=former.title if former else alias,
            kind=kind,
            scopes=None,
            created_at=clock(),
        )
        connection = succeeding(former, made)
        try:
            if await put_sealed(store, vault, caller, connection, secret, clock):
                return connection
        except AlreadyTaken:
            continue  # another process added it between our look and our write
    raise ConnectionRefused(f"{provider} account {alias!r} is being changed by somebody else; try again")
