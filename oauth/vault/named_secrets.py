"""Secrets that files name as `vault:NAME`: whoever runs the gateway puts them in, and nothing takes them out again."""

import re

from oauth.vault.secrets import SealedSecret
from oauth.vault.vault import Vault, VaultCaller

REFERENCE = "vault:"
MAX_SECRET_BYTES = 16_384
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


def is_secret_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def named_in(text: str) -> str | None:
    """Return the name that `vault:NAME` refers to; None where `text` is no such reference."""
    name = text.removeprefix(REFERENCE)
    return name if text.startswith(REFERENCE) and is_secret_name(name) else None


class NamedSecrets:
    """Apart from all other secrets of a tenant: no name can reach a connection's token or an identity provider's secret."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def put(self, tenant_id: str, name: str, secret: bytes, actor: str) -> int:
        """Keep a secret in place of the one of its name; return its version."""
        return await self._vault.put(VaultCaller(tenant_id, actor, "named secret put"), _at(name), secret)

    async def forget(self, tenant_id: str, name: str, actor: str) -> None:
        await self._vault.delete(VaultCaller(tenant_id, actor, "named secret removed"), _at(name))

    async def reveal(self, tenant_id: str, name: str, actor: str, purpose: str) -> bytes | None:
        """Return a secret, after its audit record is on disk. Raises SealBroken."""
        return await self._vault.reveal(VaultCaller(tenant_id, actor, purpose), _at(name))

    async def lend(self, tenant_id: str, name: str, actor: str, purpose: str) -> SealedSecret | None:
        """Return a secret still sealed, after its audit record is on disk: for whoever opens it many times."""
        return await self._vault.lend(VaultCaller(tenant_id, actor, purpose), _at(name))

    async def open(self, secret: SealedSecret, actor: str, purpose: str) -> bytes:
        """Open what was lent. Raises SealBroken."""
        return await self._vault.open_sealed(VaultCaller(secret.tenant_id, actor, purpose), secret)


def _at(name: str) -> str:
    return f"named/{name}"
