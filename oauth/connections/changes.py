"""What a person does with accounts of their own: rename, choose the default, disconnect."""

import time
from collections.abc import Callable

from oauth.connections.connecting.keys import check_alias
from oauth.connections.connection import Connection, ConnectionSecret
from oauth.connections.connection_store import ConnectionStore
from oauth.connections.connections import KnownConnections
from oauth.connections.errors import ConnectionRefused, UnknownConnection
from oauth.connections.upstream.registrations import Registrations
from oauth.connections.upstream.token_endpoint import ProviderTokenEndpoint
from oauth.errors import AlreadyTaken, SealBroken
from oauth.principal import Principal
from oauth.vault.secrets import SecretEvent
from oauth.vault.vault import Vault, VaultCaller


class ConnectionChanges:
    """Changes the subject's own accounts only; those of the whole tenant are an administrator's, on the command line."""

    def __init__(
        self,
        store: ConnectionStore,
        vault: Vault,
        connections: KnownConnections,
        registrations: Registrations,
        endpoint: ProviderTokenEndpoint,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._vault, self._connections = store, vault, connections
        self._registrations, self._endpoint, self._clock = registrations, endpoint, clock

    async def own(self, principal: Principal, provider: str, account: str) -> Connection:
        """Return the subject's account by alias or id. Raises UnknownConnection."""
        kin = await self._store.kin(principal.tenant_id, principal.subject, provider)
        found = next((known for known in kin if account in (known.alias, known.account_id)), None)
        if found is None:
            raise UnknownConnection(account, [known.alias for known in kin])
        return found

    async def rename(self, principal: Principal, provider: str, account: str, alias: str) -> Connection:
        """Give an account another alias. Raises UnknownConnection, ConnectionRefused."""
        connection = await self.own(principal, provider, account)
        try:
            await self._store.rename(principal.tenant_id, connection.account_id, check_alias(alias))
        except AlreadyTaken:
            raise ConnectionRefused(f"you have another {provider} account {alias!r}; choose another alias") from None
        await self._connections.renew(principal.tenant_id, [connection.account_id])
        return await self.own(principal, provider, connection.account_id)

    async def make_default(self, principal: Principal, provider: str, account: str) -> Connection:
        """Use an account where a call names none. Raises UnknownConnection."""
        connection = await self.own(principal, provider, account)
        await self._store.make_default(principal.tenant_id, connection.account_id)
        kin = await self._store.kin(principal.tenant_id, principal.subject, provider)
        await self._connections.renew(principal.tenant_id, [known.account_id for known in kin])
        return await self.own(principal, provider, connection.account_id)

    async def disconnect(self, principal: Principal, provider: str, account: str) -> tuple[Connection, bool]:
        """Forget an account, here first, then at the provider; the second value says whether the provider ended it too.

        Raises UnknownConnection. A refresh that is under way finds the account gone and revokes what it got.
        """
        connection = await self.own(principal, provider, account)
        return connection, await self._end(connection, principal.subject)

    async def remove(self, tenant_id: str, account_id: str) -> tuple[Connection, bool]:
        """Forget any account of the tenant, as its administrator; the second value as above. Raises UnknownConnection."""
        found = next((known for known in await self._store.load() if (known.tenant_id, known.account_id) == (tenant_id, account_id)), None)
        if found is None:
            raise UnknownConnection(account_id, [])
        return found, await self._end(found, "operator")

    def remove_at(self, connection: Connection) -> str:
        """Return where a person ends the authorization by hand; "" where nobody knows."""
        return self._registrations.provider(connection.tenant_id, connection.provider).remove_at

    async def _end(self, connection: Connection, actor: str) -> bool:
        tenant_id = connection.tenant_id
        secret = await self._last_secret(connection, actor)
        kin = await self._store.kin(tenant_id, connection.subject, connection.provider)
        event = SecretEvent(self._clock(), tenant_id, actor, "deleted", connection.secret_name, connection.version, "disconnect")
        await self._vault.retried(tenant_id, lambda: self._store.remove(tenant_id, connection.account_id, event, self._vault))
        await self._connections.renew(tenant_id, [known.account_id for known in kin])
        if secret is None or connection.kind != "bearer":
            return False
        application = await self._registrations.application(tenant_id, connection.provider, connection.registered_by)
        if application is None:
            return False
        return await self._endpoint.revoke(application, secret.secret, secret.refresh_token, connection.external_id)

    async def _last_secret(self, connection: Connection, actor: str) -> ConnectionSecret | None:
        found = await self._store.get(connection.tenant_id, connection.account_id)
        if found is None:
            return None
        caller = VaultCaller(connection.tenant_id, actor, "disconnect")
        await self._vault.audit(caller, found[1])
        try:
            return ConnectionSecret.from_bytes(await self._vault.open_sealed(caller, found[1]))
        except SealBroken:
            return None  # what cannot be opened can still be forgotten
