"""Connections at the demo CRM in a real store, made without a browser: what tests of refreshing start from."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from oauth.connections.changes import ConnectionChanges
from oauth.connections.connecting.links import ConnectLinks
from oauth.connections.connection import Connection, ConnectionSecret
from oauth.connections.connections import KnownConnections
from oauth.connections.refresher import Refresher
from oauth.connections.upstream.registrations import SHARED, Registrations, UpstreamRegistration
from oauth.connections.upstream.token_endpoint import ProviderTokenEndpoint
from oauth.principal import Principal
from oauth.vault.key_source import KeyText
from oauth.vault.secrets import SecretEvent
from oauth.vault.vault import Vault, VaultCaller
from server.demo.app import build
from server.demo.grants import DemoGrant, Faults, Grants, OAuthClient, OAuthSettings
from server.demo.provider import definition
from server.storage.database import Database
from server.storage.oauth.connect_flows import SqlConnectFlowStore
from server.storage.oauth.connections import SqlConnectionStore
from server.storage.oauth.registrations import SqlRegistrationStore
from server.storage.oauth.secrets import SqlSecretStore
from tests.empty_store import put_empty_store
from tests.oauth.connections.unguarded import unguarded
from tests.server.demo.listening import listening

KEK = "A" * 43 + "="
ADA = Principal("default", "ada", "claude", frozenset({"mcp"}), "g1")


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class ProviderWorld:
    url: str
    database: Database
    store: SqlConnectionStore
    secrets: SqlSecretStore
    vault: Vault
    registrations: Registrations
    endpoint: ProviderTokenEndpoint
    accounts: KnownConnections
    changes: ConnectionChanges
    refresher: Refresher
    crm_url: str
    crm: Grants
    faults: Faults
    clock: Clock

    async def connect(self, number: int = 1, due_in_s: float = 0, subject: str = "ada", provider: str = "crm") -> Connection:
        """Make a grant at the CRM and keep its tokens as an account whose refresh is due in `due_in_s`."""
        grant = DemoGrant(f"grant{number}", "own_1", frozenset({"crm.read"}))
        self.crm.adopt(grant)
        now = self.clock()
        connection = Connection(
            account_id=f"acc_{number}",
            tenant_id="default",
            subject=subject,
            provider=provider,
            alias=f"a{number}",
            external_id=f"own_{number}",
            title="Mara",
            kind="bearer",
            scopes=frozenset({"crm.read"}),
            state="ready",
            version=1,
            is_default=False,
            created_at=now + number,
            expires_at=now + due_in_s + 600,
            refresh_due_at=now + due_in_s,
        )
        secret = ConnectionSecret(f"at-{number}", refresh_token=grant.refresh_token)
        caller = VaultCaller("default", "test", "test")
        sealed = await self.vault.seal(caller, connection.secret_name, 1, secret.to_bytes())
        event = SecretEvent(now, "default", "test", "sealed", connection.secret_name, 1, "test")
        assert await self.store.put(connection, sealed, event)
        await self.accounts.renew("default", [connection.account_id])
        return connection

    async def kept(self, account_id: str = "acc_1") -> tuple[Connection, ConnectionSecret]:
        """Return what the store has of an account, opened."""
        found = await self.store.get("default", account_id)
        assert found
        opened = await self.vault.open_sealed(VaultCaller("default", "test", "test"), found[1])
        return found[0], ConnectionSecret.from_bytes(opened)


@asynccontextmanager
async def provider_world(
    tmp_path: Path, *, rotate: bool = True, reuse_grace_s: float = 0, timeout_s: float = 20
) -> AsyncIterator[ProviderWorld]:
    url = put_empty_store(tmp_path / "store.sqlite3")
    database, clock, faults = Database(url), Clock(), Faults()
    oauth = OAuthSettings(OAuthClient("ascend", "app-secret"), rotate=rotate, reuse_grace_s=reuse_grace_s)
    app = build(oauth=oauth, faults=faults, clock=clock)
    with listening(app) as crm_url:
        async with httpx2.AsyncClient(timeout=30) as client:
            secrets = SqlSecretStore(database)
            vault = Vault(secrets, KeyText(lambda: KEK, "test"), "test", clock)
            await vault.open()
            registrations = Registrations(SqlRegistrationStore(database), vault, clock)
            await registrations.add(UpstreamRegistration(SHARED, "crm", "ascend", definition(crm_url)), "app-secret", "operator")
            store = SqlConnectionStore(database)
            accounts = KnownConnections(store, vault, ConnectLinks(SqlConnectFlowStore(database), "http://gw.example", clock), clock)
            await accounts.load()
            endpoint = ProviderTokenEndpoint(unguarded(client), clock)
            changes = ConnectionChanges(store, vault, accounts, registrations, endpoint, clock)
            refresher = Refresher(store, vault, registrations, endpoint, accounts, clock=clock)
            grants: Grants = app.state.grants
            yield ProviderWorld(
                url, database, store, secrets, vault, registrations, endpoint, accounts, changes, refresher, crm_url, grants, faults, clock
            )
            await database.close()
