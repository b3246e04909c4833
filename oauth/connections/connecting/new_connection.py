"""Keep what connecting brought: a new account, or new tokens of one that is there already."""

import random
import re
import time
from collections.abc import Callable

from oauth.connections.connecting.connect_flow import ConnectFlow
from oauth.connections.connecting.keys import TRIES, add_key, check_alias, new_connection_id
from oauth.connections.connection import Connection, ConnectionSecret
from oauth.connections.connection_store import ConnectionStore
from oauth.connections.connections import KnownConnections
from oauth.connections.credentials import CredentialKind
from oauth.connections.errors import ConnectionRefused
from oauth.connections.provider import Provider
from oauth.connections.upstream.registrations import Application
from oauth.connections.upstream.token_answer import Tokens
from oauth.connections.upstream.token_endpoint import ExternalAccount
from oauth.connections.version import put_sealed, succeeding, with_tokens
from oauth.errors import AlreadyTaken
from oauth.vault.vault import Vault, VaultCaller


class ConnectionKeeper:
    """Writes accounts and tells this process's snapshot at once; other processes hear it from the change feed."""

    def __init__(
        self,
        store: ConnectionStore,
        vault: Vault,
        connections: KnownConnections,
        clock: Callable[[], float] = time.time,
        dice: random.Random | None = None,
    ) -> None:
        self._store, self._vault, self._connections, self._clock = store, vault, connections, clock
        self._dice = dice or random.Random()  # noqa: S311  spreads load, guards nothing

    async def own(self, tenant_id: str, subject: str, account_id: str) -> Connection | None:
        """Return the subject's own account, by id."""
        found = await self._store.get(tenant_id, account_id)
        return found[0] if found and found[0].subject == subject else None

    async def keep_tokens(
        self, flow: ConnectFlow, application: Application, tokens: Tokens, external: ExternalAccount, alias: str
    ) -> Connection:
        """Keep tokens: for the account of the same person at the provider where there is one, as a new account otherwise.

        Connecting a second account never replaces the first, also when it was meant as a reconnect of that one.
        """
        secret = ConnectionSecret(tokens.access_token, refresh_token=tokens.refresh_token or "")
        for attempt in range(TRIES):
            kin = await self._store.kin(flow.tenant_id, flow.subject, flow.provider)
            former = next((known for known in kin if known.external_id == external.external_id), None)
            now = self._clock()
            made = Connection(
                account_id=new_connection_id(),
                tenant_id=flow.tenant_id,
                subject=flow.subject,
                provider=flow.provider,
                alias=former.alias if former else _free_alias(alias, external.title, [known.alias for known in kin], attempt),
                external_id=external.external_id,
                title=external.title,
                kind="bearer",
                scopes=None,
                created_at=now,
                registered_by=application.registered_by,
            )
            connection = with_tokens(succeeding(former, made), tokens, now, self._dice, is_renewable=tokens.refresh_token is not None)
            if await self._put(connection, secret):
                return connection
        raise ConnectionRefused("the account is being changed by somebody else; try again")

    async def keep_key(
        self, flow: ConnectFlow, provider: Provider, secret: ConnectionSecret, alias: str, kind: CredentialKind
    ) -> Connection:
        """Keep a static key of the subject. Raises ConnectionRefused."""
        former = await self.own(flow.tenant_id, flow.subject, flow.account_id) if flow.account_id else None
        connection = await add_key(
            self._store,
            self._vault,
            tenant_id=flow.tenant_id,
            subject=flow.subject,
            provider=flow.provider,
            secret=secret,
            kind=kind,
            alias=former.alias if former else alias.strip() or provider.title,
            actor=flow.subject,
            clock=self._clock,
        )
        await self._connections.renew(flow.tenant_id, [connection.account_id])
        return connection

    async def _put(self, connection: Connection, secret: ConnectionSecret) -> bool:
        caller = VaultCaller(connection.tenant_id, connection.subject, "connect")
        try:
            kept = await put_sealed(self._store, self._vault, caller, connection, secret, self._clock)
        except AlreadyTaken:
            return False
        if kept:
            await self._connections.renew(connection.tenant_id, [connection.account_id])
        return kept


def _free_alias(wanted: str, title: str, taken: list[str], attempt: int) -> str:
    name = wanted.strip() or re.sub(r"[/\s]+", " ", title).strip()[:100] or "account"
    try:
        check_alias(name)
    except ConnectionRefused:
        name = "account"
    number = 2 + attempt
    free = name
    while free in taken:
        free, number = f"{name} {number}", number + 1
    return free
