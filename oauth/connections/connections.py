"""The credentials of connected accounts for calls: read from memory, loaded once, renewed by the change feed."""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from oauth.connections.connecting.links import ConnectLinks
from oauth.connections.connection import EVERYBODY, Connection, ConnectionSecret
from oauth.connections.connection_store import ConnectionStore
from oauth.connections.credentials import ConnectionStatus, Credential, Readiness
from oauth.connections.errors import ConnectionNeeded, UnknownConnection
from oauth.errors import SealBroken
from oauth.principal import Principal
from oauth.vault.secrets import SealedSecret
from oauth.vault.vault import Vault, VaultCaller

log = logging.getLogger("ascend.connections")


class KnownConnections:
    """Keeps `oauth.connections.credentials.Credentials`.

    All connections are in memory without their secrets; a secret is fetched, still sealed, at its first use (audited then)
    and opened anew for each call, so no token lies about in clear text between calls.
    """

    def __init__(self, store: ConnectionStore, vault: Vault, links: ConnectLinks, clock: Callable[[], float] = time.time) -> None:
        self._store, self._vault, self._links, self._clock = store, vault, links, clock
        #: (tenant_id, subject) -> provider -> account_id -> connection
        self._connections: dict[tuple[str, str], dict[str, dict[str, Connection]]] = {}
        #: (tenant_id, account_id) -> connection
        self._by_id: dict[tuple[str, str], Connection] = {}
        #: account_id -> its sealed secret
        self._sealed: dict[str, SealedSecret] = {}

    async def load(self) -> None:
        """Read all connections: at start, before the first call."""
        self._connections, self._by_id, self._sealed = {}, {}, {}
        for connection in await self._store.load():
            self._keep(connection)

    async def renew(self, tenant_id: str, account_ids: Iterable[str]) -> None:
        """Take over what another process, the refresher or a page changed."""
        for account_id in dict.fromkeys(account_ids):
            found = await self._read(tenant_id, account_id)
            if found is None:
                self._forget(tenant_id, account_id)
                continue
            connection, secret = found
            if self.is_older(connection):
                continue
            self._keep(connection)
            if account_id in self._sealed:
                self._sealed[account_id] = secret

    async def _read(self, tenant_id: str, account_id: str) -> tuple[Connection, SealedSecret] | None:
        """Return what the store has; asked again where memory moved on meanwhile, which is no rollback."""
        while True:
            known = self._by_id.get((tenant_id, account_id))
            found = await self._store.get(tenant_id, account_id)
            if found is None or self._by_id.get((tenant_id, account_id)) is known:
                return found

    def is_older(self, connection: Connection) -> bool:
        """Say whether the store went back: versions rise, so rows of a lower one were put there from a backup, and are not used."""
        known = self._by_id.get((connection.tenant_id, connection.account_id))
        if known is None or connection.version >= known.version:
            return False
        facts = {**_facts(known), "version": connection.version, "known": known.version}
        log.error("connection_rolled_back", extra={"facts": facts})
        return True

    def readiness(self, principal: Principal, provider: str, scopes: frozenset[str]) -> Readiness:
        """Say whether a call could go out; memory only."""
        accounts = self.of_provider(principal, provider)
        default = _default(accounts)
        status, missing = _status(default, scopes, self._clock())
        aliases = tuple(account.alias for account in accounts)
        ids = tuple(account.account_id for account in accounts)
        kinds = tuple(account.kind for account in accounts)
        return Readiness(provider, status, aliases, default.alias if default else None, tuple(sorted(missing)), ids, kinds)

    def of_provider(self, principal: Principal, provider: str) -> tuple[Connection, ...]:
        """Return what `principal` may use at `provider`: the subject's own first, then everybody's; defaults first."""
        found: list[Connection] = []
        for subject in dict.fromkeys((principal.subject, EVERYBODY)):
            known = self._connections.get((principal.tenant_id, subject), {}).get(provider, {})
            found += sorted(known.values(), key=lambda account: (not account.is_default, account.created_at))
        return tuple(found)

    def all(self) -> tuple[Connection, ...]:
        """Return every connection of every tenant: for figures, never for a call."""
        return tuple(self._by_id.values())

    def readiness_of(self, connection: Connection) -> ConnectionStatus:
        """Say whether calls can go out with this account."""
        return _status(connection, frozenset(), self._clock())[0]

    def providers_of(self, principal: Principal) -> tuple[str, ...]:
        """Return the providers where `principal` has accounts."""
        own, shared = (self._connections.get((principal.tenant_id, subject), {}) for subject in (principal.subject, EVERYBODY))
        return tuple(sorted(provider for provider in {*own, *shared} if own.get(provider) or shared.get(provider)))

    async def for_call(self, principal: Principal, provider: str, scopes: frozenset[str], account: str | None) -> Credential:
        """Return the credential of `account`, or of the default. Raises ConnectionNeeded, UnknownConnection."""
        chosen = self._chosen(principal, provider, account)
        status, missing = _status(chosen, scopes, self._clock())
        if chosen is None or status != "ready":
            # Before the person is asked: another node may have connected the account a moment ago.
            await self._reread(principal, provider)
            chosen = self._chosen(principal, provider, account)
            status, missing = _status(chosen, scopes, self._clock())
        if chosen is None and account is not None and (accounts := self.of_provider(principal, provider)):
            raise UnknownConnection(account, [known.alias for known in accounts])
        if chosen is None or status != "ready":
            raise await self._needed(principal, provider, scopes, chosen, missing)
        return await self._credential(principal, chosen)

    async def rejected(self, principal: Principal, provider: str, credential: Credential) -> Credential | None:
        """The upstream answered 401: re-read the store once; return a newer credential to try, or None."""
        before = self._by_id.get((principal.tenant_id, credential.account_id))
        if before is None or before not in self.of_provider(principal, provider):
            return None
        await self.renew(principal.tenant_id, [credential.account_id])
        now = self._by_id.get((principal.tenant_id, credential.account_id))
        if now is None or now.state != "ready":
            return None
        fresh = await self._credential(principal, now)
        if fresh.secret != credential.secret:
            return fresh
        # The token may have ended early (a revocation, a clock): the refresher finds out, the person need not wait for the expiry.
        await self._store.ask_refresh(principal.tenant_id, now.account_id, self._clock())
        return None

    async def _credential(self, principal: Principal, connection: Connection) -> Credential:
        caller = VaultCaller(principal.tenant_id, principal.subject, "call")
        sealed = self._sealed.get(connection.account_id)
        if sealed is None or sealed.version != connection.version:
            found = await self._read(principal.tenant_id, connection.account_id)
            if found is None:
                self._forget(principal.tenant_id, connection.account_id)
                raise await self._needed(principal, connection.provider, frozenset(), None, frozenset())
            connection, sealed = found
            if self.is_older(connection):
                raise await self._needed(principal, connection.provider, frozenset(), None, frozenset())
            await self._vault.audit(caller, sealed)
            self._keep(connection)
            self._sealed[connection.account_id] = sealed
        try:
            secret = ConnectionSecret.from_bytes(await self._vault.open_sealed(caller, sealed))
        except SealBroken:
            # Damaged, moved or swapped: nobody's token goes out, and the person can connect the account anew.
            log.error("secret_does_not_open", extra={"facts": _facts(connection)})
            expired = replace(connection, state="expired")
            raise await self._needed(principal, connection.provider, frozenset(), expired, frozenset()) from None
        return Credential(
            kind=connection.kind,
            secret=secret.secret,
            username=secret.username,
            account_id=connection.account_id,
            alias=connection.alias,
            is_shared=connection.subject == EVERYBODY,
            is_renewable=connection.refresh_due_at is not None,
            api_base=connection.api_base,
            session_token=secret.session_token,
            region=secret.region,
            service=secret.service,
        )

    async def _needed(
        self, principal: Principal, provider: str, scopes: frozenset[str], chosen: Connection | None, missing: frozenset[str]
    ) -> ConnectionNeeded:
        asked = scopes | (chosen.scopes or frozenset() if chosen else frozenset())
        again = chosen.account_id if chosen and chosen.subject == principal.subject else ""
        url = await self._links.link(principal, provider, asked, again)
        status, _ = _status(chosen, scopes, self._clock())
        aliases = tuple(known.alias for known in self.of_provider(principal, provider))
        readiness = Readiness(provider, status, aliases, chosen.alias if chosen else None, tuple(sorted(missing)))
        return ConnectionNeeded(readiness, url, _words(provider, status, chosen, missing))

    def _chosen(self, principal: Principal, provider: str, account: str | None) -> Connection | None:
        accounts = self.of_provider(principal, provider)
        if account is None:
            return _default(accounts)
        return next((known for known in accounts if account in (known.alias, known.account_id)), None)

    async def _reread(self, principal: Principal, provider: str) -> None:
        known = {connection.account_id for connection in self.of_provider(principal, provider)}
        for subject in (principal.subject, EVERYBODY):
            known |= {connection.account_id for connection in await self._store.kin(principal.tenant_id, subject, provider)}
        await self.renew(principal.tenant_id, known)

    def _keep(self, connection: Connection) -> None:
        kin = self._connections.setdefault((connection.tenant_id, connection.subject), {}).setdefault(connection.provider, {})
        kin[connection.account_id] = connection
        self._by_id[connection.tenant_id, connection.account_id] = connection

    def _forget(self, tenant_id: str, account_id: str) -> None:
        self._sealed.pop(account_id, None)
        gone = self._by_id.pop((tenant_id, account_id), None)
        if gone is not None:
            self._connections[tenant_id, gone.subject][gone.provider].pop(account_id, None)


def _default(accounts: tuple[Connection, ...]) -> Connection | None:
    return accounts[0] if accounts else None


def _status(chosen: Connection | None, scopes: frozenset[str], now: float) -> tuple[ConnectionStatus, frozenset[str]]:
    if chosen is None:
        return "needs_auth", scopes
    if chosen.state != "ready":
        return chosen.state, frozenset()
    if chosen.has_ended(now):
        return "expired", frozenset()
    if chosen.last_error.startswith("registration:") and chosen.expires_at is not None and chosen.expires_at <= now:
        return "blocked", frozenset()  # the provider refuses our application: the person can do nothing
    missing = frozenset() if chosen.scopes is None else scopes - chosen.scopes
    return ("missing_scope" if missing else "ready"), missing


def _words(provider: str, status: ConnectionStatus, chosen: Connection | None, missing: frozenset[str]) -> str:
    if chosen is None:
        return f"no account of {provider} is connected; open the link and connect one, then call again"
    if status == "missing_scope":
        wanted = ", ".join(sorted(missing))
        return f"{provider} account {chosen.alias!r} was connected without {wanted}; open the link, allow it, then call again"
    if status == "blocked":
        return f"{provider} refuses this gateway's application; an administrator must correct its registration"
    return f"{provider} account {chosen.alias!r} is no longer connected; open the link and connect it again, then call again"


def _facts(connection: Connection) -> dict[str, str | int]:
    return {"tenant": connection.tenant_id, "provider": connection.provider, "account_id": connection.account_id}
