"""The store of connections in memory: for tests. No await inside a method, so each is one step."""

from collections.abc import Sequence
from dataclasses import replace

from oauth.connections.connection import Connection
from oauth.connections.connection_store import Lease, leased_event
from oauth.errors import AlreadyTaken
from oauth.vault.checksum import Marker
from oauth.vault.secrets import SealedSecret, SecretEvent
from server.storage.memory.secrets import MemorySecretStore


class MemoryConnectionStore:
    """Keeps `oauth.connections.connection_store.ConnectionStore`; there is one process, so nobody is told of changes."""

    def __init__(self, secrets: MemorySecretStore) -> None:
        self._secrets = secrets
        self._connections: dict[str, Connection] = {}
        #: account_id -> (fence, held until)
        self._leases: dict[str, tuple[int, float]] = {}

    async def load(self) -> Sequence[Connection]:
        return list(self._connections.values())

    async def kin(self, tenant_id: str, subject: str, provider: str) -> Sequence[Connection]:
        theirs = (tenant_id, subject, provider)
        found = [known for known in self._connections.values() if (known.tenant_id, known.subject, known.provider) == theirs]
        return sorted(found, key=lambda known: known.created_at)

    async def get(self, tenant_id: str, account_id: str) -> tuple[Connection, SealedSecret] | None:
        connection = self._one(tenant_id, account_id)
        secret = self._secrets.version(tenant_id, connection.secret_name, connection.version) if connection else None
        return (connection, secret) if connection and secret else None

    async def put(self, connection: Connection, secret: SealedSecret, event: SecretEvent) -> bool:
        known = self._one(connection.tenant_id, connection.account_id)
        if (known.version if known else 0) + 1 != connection.version:
            return False
        kin = self._kin(connection)
        if any(other.alias == connection.alias for other in kin):
            raise AlreadyTaken(connection.alias)
        self._secrets.write(secret, 1, event)
        first = not any(other.is_default for other in kin)
        self._connections[connection.account_id] = replace(connection, is_default=connection.is_default or first)
        self._leases[connection.account_id] = (self._leases.get(connection.account_id, (0, 0.0))[0], 0.0)
        return True

    async def rename(self, tenant_id: str, account_id: str, alias: str) -> bool:
        connection = self._one(tenant_id, account_id)
        if connection is None:
            return False
        if any(other.alias == alias for other in self._kin(connection)):
            raise AlreadyTaken(alias)
        self._connections[account_id] = replace(connection, alias=alias)
        return True

    async def make_default(self, tenant_id: str, account_id: str) -> bool:
        connection = self._one(tenant_id, account_id)
        if connection is None:
            return False
        for other in [*self._kin(connection), connection]:
            self._connections[other.account_id] = replace(other, is_default=other.account_id == account_id)
        return True

    async def remove(self, tenant_id: str, account_id: str, event: SecretEvent, marker: Marker | None = None) -> bool:
        connection = self._one(tenant_id, account_id)
        if connection is None:
            return False
        await self._secrets.delete(tenant_id, connection.secret_name, event)
        del self._connections[account_id]
        kin = sorted(self._kin(connection), key=lambda other: other.created_at)
        if connection.is_default and kin:
            self._connections[kin[0].account_id] = replace(kin[0], is_default=True)
        return True

    async def lease_due(self, now: float, owner: str, until: float, limit: int, busy: frozenset[tuple[str, str]]) -> Sequence[Lease]:
        def due_at(connection: Connection) -> float:
            return connection.refresh_due_at if connection.refresh_due_at is not None else now + 1

        def is_free(connection: Connection) -> bool:
            return self._leases.get(connection.account_id, (0, 0.0))[1] < now and connection.application not in busy

        ready = [known for known in self._connections.values() if known.state == "ready" and due_at(known) <= now and is_free(known)]
        leases = []
        for connection in sorted(ready, key=due_at)[:limit]:
            fence = self._leases.get(connection.account_id, (0, 0.0))[0] + 1
            self._leases[connection.account_id] = (fence, until)
            if secret := self._secrets.version(connection.tenant_id, connection.secret_name, connection.version):
                await self._secrets.record(leased_event(now, connection))
                leases.append(Lease(connection, secret, fence, until))
        return leases

    async def finish_refresh(self, lease: Lease, connection: Connection, secret: SealedSecret) -> bool:
        if not self._holds(lease):
            return False
        self._secrets.write(secret, 1, None)
        self._give_back(lease, connection)
        return True

    async def fail_refresh(self, lease: Lease, connection: Connection) -> bool:
        if not self._holds(lease):
            return False
        self._give_back(lease, connection)
        return True

    async def ask_refresh(self, tenant_id: str, account_id: str, now: float) -> None:
        connection = self._one(tenant_id, account_id)
        if connection and connection.refresh_due_at and connection.refresh_due_at > now and not connection.fail_count:
            self._connections[account_id] = replace(connection, refresh_due_at=now)

    async def earliest_expiry(self, now: float) -> float | None:
        refreshed = [known for known in self._connections.values() if known.state == "ready" and known.refresh_due_at is not None]
        return min((known.expires_at for known in refreshed if known.expires_at is not None), default=None)

    def _one(self, tenant_id: str, account_id: str) -> Connection | None:
        connection = self._connections.get(account_id)
        return connection if connection and connection.tenant_id == tenant_id else None

    def _kin(self, connection: Connection) -> list[Connection]:
        same = (connection.tenant_id, connection.subject, connection.provider)
        kin = [other for other in self._connections.values() if (other.tenant_id, other.subject, other.provider) == same]
        return [other for other in kin if other.account_id != connection.account_id]

    def _holds(self, lease: Lease) -> bool:
        known = self._one(lease.connection.tenant_id, lease.connection.account_id)
        fence, _ = self._leases.get(lease.connection.account_id, (0, 0.0))
        return known is not None and fence == lease.fence and known.version == lease.connection.version

    def _give_back(self, lease: Lease, connection: Connection) -> None:
        known = self._connections[connection.account_id]
        self._connections[connection.account_id] = replace(connection, alias=known.alias, is_default=known.is_default)
        self._leases[connection.account_id] = (lease.fence, 0.0)
