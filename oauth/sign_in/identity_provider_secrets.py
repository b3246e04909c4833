"""Client secrets of identity providers, in the vault: sealed at rest, every reveal audited."""

from oauth.sign_in.identity_providers import IdentityProvider
from oauth.vault.vault import Vault, VaultCaller


class IdentityProviderSecrets:
    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def keep(self, provider: IdentityProvider, secret: str, actor: str) -> None:
        """Seal the client secret of `provider`; `actor` is who set it."""
        await self._vault.put(VaultCaller(provider.tenant_id, actor, "identity provider set up"), _name(provider), secret.encode())

    async def secret_of(self, provider: IdentityProvider) -> str:
        """Return the client secret; "" where none is kept, which the provider will refuse."""
        caller = VaultCaller(provider.tenant_id, "operator", "federated sign-in")
        secret = await self._vault.reveal(caller, _name(provider))
        return "" if secret is None else secret.decode()

    async def forget(self, provider: IdentityProvider, actor: str) -> None:
        """Remove the client secret."""
        await self._vault.delete(VaultCaller(provider.tenant_id, actor, "identity provider removed"), _name(provider))


def _name(provider: IdentityProvider) -> str:
    return f"identity_provider/{provider.slug}"
