"""Connect a machine account: the application's own at a provider, for everybody in the tenant, without a person's consent."""

import random
import re
import time
from collections.abc import Callable

from oauth.connections.connecting.keys import TRIES, check_alias, new_connection_id
from oauth.connections.connection import EVERYBODY, Connection, ConnectionSecret
from oauth.connections.connection_store import ConnectionStore
from oauth.connections.errors import ConnectionRefused, TokenRefused
from oauth.connections.upstream.registrations import Application, Registrations
from oauth.connections.upstream.token_endpoint import ProviderTokenEndpoint
from oauth.connections.version import put_sealed, succeeding, with_tokens
from oauth.errors import AlreadyTaken
from oauth.vault.vault import Vault, VaultCaller

_INSTALLATION = re.compile(r"[0-9]{1,20}")


class MachineConnections:
    """Adds machine accounts; the refresher keeps them fresh, as it keeps the others."""

    def __init__(
        self,
        store: ConnectionStore,
        vault: Vault,
        registrations: Registrations,
        endpoint: ProviderTokenEndpoint,
        clock: Callable[[], float] = time.time,
        dice: random.Random | None = None,
    ) -> None:
        self._store, self._vault, self._registrations = store, vault, registrations
        self._endpoint, self._clock = endpoint, clock
        self._dice = dice or random.Random()  # noqa: S311  spreads load, guards nothing

    async def add(
        self, tenant_id: str, provider: str, *, installation: str = "", scopes: frozenset[str] | None = None, alias: str = "default"
    ) -> Connection:
        """Ask the provider for a first token and keep the account; the same account again is renewed. Raises ConnectionRefused."""
        check_alias(alias)
        application = await self._application(tenant_id, provider)
        external_id = _external_id(application, installation)
        try:
            tokens = await self._endpoint.machine(application, external_id, scopes)
        except TokenRefused as refused:
            title = application.provider.title
            raise ConnectionRefused(f"{title} gave no token ({refused.code}); check the registration and the account's id") from None
        for _ in range(TRIES):
            kin = await self._store.kin(tenant_id, EVERYBODY, provider)
            former = next((known for known in kin if known.external_id == external_id), None)
            made = self._made(tenant_id, application, external_id, alias, scopes)
            connection = with_tokens(succeeding(former, made), tokens, self._clock(), self._dice)
            caller = VaultCaller(tenant_id, "operator", "add machine account")
            try:
                if await put_sealed(self._store, self._vault, caller, connection, ConnectionSecret(tokens.access_token), self._clock):
                    return connection
            except AlreadyTaken:
                raise ConnectionRefused(f"the tenant has another {provider} account {alias!r}; choose another alias") from None
        raise ConnectionRefused(f"{provider} account {alias!r} is being changed by somebody else; try again")

    async def _application(self, tenant_id: str, provider: str) -> Application:
        application = await self._registrations.application(tenant_id, provider)
        if application is None:
            raise ConnectionRefused(f"no application is registered at {provider!r}; run `ascend provider add` first")
        if not application.provider.is_machine:
            raise ConnectionRefused(f"{provider!r} has no machine accounts; people connect theirs, or `ascend connection add-key`")
        return application

    def _made(self, tenant_id: str, application: Application, external_id: str, alias: str, scopes: frozenset[str] | None) -> Connection:
        return Connection(
            account_id=new_connection_id(),
            tenant_id=tenant_id,
            subject=EVERYBODY,
            provider=application.provider.provider_id,
            alias=alias,
            external_id=external_id,
            title=f"{application.provider.title} {external_id}",
            kind="bearer",
            scopes=scopes,
            created_at=self._clock(),
            registered_by=application.registered_by,
        )


def _external_id(application: Application, installation: str) -> str:
    if application.provider.auth != "github_app":
        if installation:
            raise ConnectionRefused(f"{application.provider.title} has no installations; leave --installation away")
        return application.client_id
    if not _INSTALLATION.fullmatch(installation):
        raise ConnectionRefused("give the installation's number with --installation; it stands at the end of its settings page's address")
    return installation
