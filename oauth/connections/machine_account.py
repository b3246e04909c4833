"""Connect a machine account: the application's own at a provider, for everybody in the tenant, without a person's consent."""

import random
import re
import time
from collections.abc import Callable

from oauth.connections.connection import EVERYBODY, AccountSecret, Connection
from oauth.connections.connection_store import AliasTaken, ConnectionStore
from oauth.connections.keys import TRIES, ConnectionRefused, check_alias, new_account_id
from oauth.connections.refresh_time import refresh_due_at
from oauth.connections.registrations import Application, Registrations
from oauth.connections.token_answer import TokenRefused, Tokens
from oauth.connections.token_endpoint import TokenEndpoint
from oauth.vault.secrets import SecretEvent, StaleKey
from oauth.vault.vault import Vault, VaultCaller

_INSTALLATION = re.compile(r"[0-9]{1,20}")


class MachineAccounts:
    """Adds machine accounts; the refresher keeps them fresh, as it keeps the others."""

    def __init__(
        self,
        store: ConnectionStore,
        vault: Vault,
        registrations: Registrations,
        endpoint: TokenEndpoint,
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
            connection = self._connection(tenant_id, application, external_id, alias, scopes, tokens, former)
            try:
                if await self._put(connection, tokens):
                    return connection
            except StaleKey:
                await self._vault.reread_keys(tenant_id)
            except AliasTaken:
                raise ConnectionRefused(f"the tenant has another {provider} account {alias!r}; choose another alias") from None
        raise ConnectionRefused(f"{provider} account {alias!r} is being changed by somebody else; try again")

    async def _application(self, tenant_id: str, provider: str) -> Application:
        application = await self._registrations.application(tenant_id, provider)
        if application is None:
            raise ConnectionRefused(f"no application is registered at {provider!r}; run `ascend provider add` first")
        if not application.provider.is_machine:
            raise ConnectionRefused(f"{provider!r} has no machine accounts; people connect theirs, or `ascend connection add-key`")
        return application

    def _connection(
        self,
        tenant_id: str,
        application: Application,
        external_id: str,
        alias: str,
        scopes: frozenset[str] | None,
        tokens: Tokens,
        former: Connection | None,
    ) -> Connection:
        now = self._clock()
        return Connection(
            account_id=former.account_id if former else new_account_id(),
            tenant_id=tenant_id,
            subject=EVERYBODY,
            provider=application.provider.provider_id,
            alias=alias,
            external_id=external_id,
            title=f"{application.provider.title} {external_id}",
            kind="bearer",
            scopes=tokens.scopes if tokens.scopes is not None else scopes,
            state="ready",
            version=former.version + 1 if former else 1,
            is_default=former.is_default if former else False,
            created_at=former.created_at if former else now,
            registered_by=application.registered_by,
            api_base=tokens.api_base,
            expires_at=now + tokens.ttl_s if tokens.ttl_s is not None else None,
            refresh_due_at=refresh_due_at(now, tokens.ttl_s, self._dice) if tokens.ttl_s is not None else None,
        )

    async def _put(self, connection: Connection, tokens: Tokens) -> bool:
        caller = VaultCaller(connection.tenant_id, "operator", "add machine account")
        secret = AccountSecret(tokens.access_token)
        sealed = await self._vault.seal(caller, connection.secret_name, connection.version, secret.to_bytes())
        event = SecretEvent(
            self._clock(), connection.tenant_id, caller.actor, "sealed", connection.secret_name, connection.version, caller.purpose
        )
        return await self._store.put(connection, sealed, event)


def _external_id(application: Application, installation: str) -> str:
    if application.provider.auth != "github_app":
        if installation:
            raise ConnectionRefused(f"{application.provider.title} has no installations; leave --installation away")
        return application.client_id
    if not _INSTALLATION.fullmatch(installation):
        raise ConnectionRefused("give the installation's number with --installation; it stands at the end of its settings page's address")
    return installation
