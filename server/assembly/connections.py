"""Accounts at third parties: the vault, our applications there, the pages that connect, the refresher."""

import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import anyio
from starlette.routing import BaseRoute

from oauth.connections.changes import ConnectionChanges
from oauth.connections.connecting.authorization import ConnectFlows
from oauth.connections.connecting.connectable import Connectable
from oauth.connections.connecting.links import ConnectLinks
from oauth.connections.connecting.new_connection import ConnectionKeeper
from oauth.connections.connection_store import REFRESHER
from oauth.connections.connections import KnownConnections
from oauth.connections.finished_flows import FinishedFlows
from oauth.connections.refresher import Refresher
from oauth.connections.upstream.registrations import SHARED, Registrations
from oauth.connections.upstream.token_endpoint import ProviderTokenEndpoint
from oauth.tenants import DEFAULT_TENANT, Tenants
from oauth.vault.errors import KeyUnavailable
from oauth.vault.key_source import KeySource, key_source
from oauth.vault.named_secrets import NamedSecrets
from oauth.vault.vault import Vault, VaultCaller
from server.config.errors import SettingsError
from server.config.settings import Settings
from server.discovery import UpstreamClientDocuments
from server.pages.browser_session import BrowserSessions
from server.pages.connect import ConnectionEndpoints, KeyParts
from server.pages.connections import ConnectionsPage
from server.pages.page import Pages
from server.pages.reading import Reading
from server.storage.change_feed import Change, ChangeFeed
from server.storage.database import StoreUnavailable
from server.storage.oauth.registrations import ITEM
from server.storage.store import Store
from tools.builtins.connections import ConnectionOperations
from tools.egress.client import Egress
from tools.sources.builtin import BuiltinFunction

SWEEP_EVERY_S = 3600
ROLLED_BACK = (
    "are not those that were left in the store: rows were put back from a backup or changed past the gateway; restore the whole backup, "
    "or look at `ascend vault verify` and take what is there for right with `ascend vault accept`"
)
log = logging.getLogger("ascend.connections")
#: a finished or expired flow is kept this long, so that its link can say why it is no longer good
KEEP_FLOWS_S = 24 * 3600
#: at 10,000 accounts the refresher leaves 700,000 audit records a day; those of people stay
KEEP_REFRESHES_S = 3 * 24 * 3600
#: of a tenant, the providers at which its operations need an account
Needed = Callable[[str], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Connections:
    """Everything about connected accounts; `accounts` answers calls, the rest keeps it true."""

    #: the same in every process of the installation, whatever keys of the vault are rotated meanwhile
    proofs: bytes = field(repr=False)
    vault: Vault
    known: KnownConnections
    links: ConnectLinks
    registrations: Registrations
    changes: ConnectionChanges
    flows: ConnectFlows
    finished: FinishedFlows
    refresher: Refresher
    store: Store
    base_url: str

    def proof_key(self, purpose: str) -> bytes:
        """Return 32 bytes for short-lived proofs: the same in every process on this store, in no database dump."""
        return hashlib.sha256(f"{purpose}\0".encode() + self.proofs).digest()

    async def has_named_secret(self, name: str) -> bool:
        """Say whether the operator's vault keeps a secret that the configuration names."""
        return await NamedSecrets(self.vault).lend(DEFAULT_TENANT, name, "operator", "configuration checked") is not None

    def functions(self, needed: Needed) -> list[BuiltinFunction]:
        """Return the built-in operations on connections."""
        connectable = Connectable(self.known, self.registrations, needed)
        return ConnectionOperations(self.known, self.changes, self.links, self.registrations, connectable).functions()

    def routes(
        self, tenants: Tenants, sessions: BrowserSessions, pages: Pages, needed: Needed, key_parts: KeyParts, reading: Reading
    ) -> list[BaseRoute]:
        """Return the pages: connecting, and a person's accounts."""
        connect = ConnectionEndpoints(
            flows=self.flows,
            finished=self.finished,
            sessions=sessions,
            pages=pages,
            client_name=self._client_name,
            key_parts=key_parts,
            reading=reading,
        )
        page = ConnectionsPage(
            tenants=tenants,
            sessions=sessions,
            pages=pages,
            connections=self.known,
            changes=self.changes,
            links=self.links,
            registrations=self.registrations,
            connectable=Connectable(self.known, self.registrations, needed),
            reading=reading,
        )
        return [*connect.routes(), *page.routes(), *UpstreamClientDocuments(self.base_url, tenants).routes()]

    def listen(self, feed: ChangeFeed) -> None:
        """Take over connected, renewed and ended accounts, and registrations."""
        feed.listen("connections", self._changed)

    async def _changed(self, changes: Sequence[Change]) -> None:
        if any(change.item == ITEM for change in changes):
            await self.registrations.load()
        by_tenant: dict[str, list[str]] = {}
        for change in changes:
            by_tenant.setdefault(change.tenant_id or "", []).append(change.item)
        for tenant_id, account_ids in by_tenant.items():
            await self.known.renew(tenant_id, [account_id for account_id in account_ids if account_id != ITEM])

    async def run(self) -> None:
        """Refresh tokens, and forget old flows, until cancelled."""
        async with anyio.create_task_group() as group:
            group.start_soon(self.refresher.run)
            while True:
                try:
                    await self._sweep()
                except StoreUnavailable as error:  # the store may be away for a while; requests that need it say so themselves
                    log.error("connections_not_swept", exc_info=error)
                await anyio.sleep(SWEEP_EVERY_S)

    async def _sweep(self) -> None:
        for tenant_id in await self.vault.rolled_back():
            log.error("vault_rolled_back", extra={"facts": {"tenant": tenant_id}})
        await self.store.connect_flows.sweep(time.time() - KEEP_FLOWS_S)
        await self.store.secrets.sweep_events(REFRESHER, time.time() - KEEP_REFRESHES_S)

    async def _client_name(self, tenant_id: str, client_id: str) -> str | None:
        client = await self.store.clients.find(client_id)
        return client.name if client is not None else None


async def open_vault(settings: Settings, store: Store) -> Vault:
    """Return the vault with its keys read. Raises SettingsError where they do not open this store."""
    vault, _source = await open_vault_and_source(settings, store)
    return vault


async def open_vault_and_source(settings: Settings, store: Store) -> tuple[Vault, KeySource]:
    """Return the vault with its keys read, and where they come from. Raises SettingsError where they do not open this store."""
    source = key_source(settings.store.vault_kek, settings.data_dir)
    vault = Vault(store.secrets, source, settings.store.environment)
    try:
        await vault.open()
    except KeyUnavailable as error:
        raise SettingsError(str(error)) from error
    return vault, source


async def assemble_connections(settings: Settings, store: Store, egress: Egress) -> Connections:
    """Open the vault, load the snapshots and put the parts together."""
    vault = await open_vault(settings, store)
    if found := await vault.rolled_back():
        raise SettingsError(f"the secrets of {', '.join(name or 'the operator' for name in found[:5])} {ROLLED_BACK}")
    # Kept in the vault and not derived from a key of it: a proof that was given out stays good when those are rotated.
    proofs = await vault.once(VaultCaller(SHARED, "gateway", "proofs"), "proofs", lambda: secrets.token_bytes(32))
    links = ConnectLinks(store.connect_flows, settings.base_url)
    known = KnownConnections(store.connections, vault, links)
    await known.load()
    registrations = Registrations(store.registrations, vault)
    await registrations.load()
    endpoint = ProviderTokenEndpoint(egress.outbound)
    keeper = ConnectionKeeper(store.connections, vault, known)
    finished = FinishedFlows(store.connect_flows, keeper, registrations)
    flows = ConnectFlows(
        flows=store.connect_flows,
        keeper=keeper,
        registrations=registrations,
        endpoint=endpoint,
        vault=vault,
        audit=store.secrets,
        base_url=settings.base_url,
    )
    changes = ConnectionChanges(store.connections, vault, known, registrations, endpoint)
    refresher = Refresher(store.connections, vault, registrations, endpoint, known)
    return Connections(proofs, vault, known, links, registrations, changes, flows, finished, refresher, store, settings.base_url)
