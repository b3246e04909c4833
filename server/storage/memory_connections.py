"""The stores of the vault and of connections in memory: for tests. No await inside a method, so each is one step."""

from collections.abc import Sequence
from dataclasses import replace

from oauth.connections.connect_flow import ConnectFlow, FlowState, Trip
from oauth.connections.connection import Connection
from oauth.connections.connection_store import AliasTaken, Lease, leased_event
from oauth.connections.registrations import Registration
from oauth.vault.envelope import WrappedKey
from oauth.vault.mark import Entry, Mark, Marker
from oauth.vault.secrets import SealedSecret, SecretEvent, StaleKey


class MemorySecretStore:
    """Keeps `oauth.vault.secrets.SecretStore`."""

    def __init__(self) -> None:
        self._keys: dict[str, WrappedKey] = {}
        #: (tenant_id, name) -> versions, oldest first
        self._secrets: dict[tuple[str, str], list[SealedSecret]] = {}
        self._events: list[SecretEvent] = []

    async def keys(self, tenant_id: str | None = None) -> Sequence[WrappedKey]:
        return [key for key in self._keys.values() if tenant_id in (None, key.tenant_id)]

    async def add_key(self, key: WrappedKey) -> WrappedKey:
        for known in self._keys.values():
            if known.tenant_id == key.tenant_id and known.is_active:
                return known
        self._keys[key.dek_id] = key
        return key

    async def replace_active_key(self, key: WrappedKey) -> None:
        for known in [known for known in self._keys.values() if known.tenant_id == key.tenant_id]:
            self._keys[known.dek_id] = replace(known, is_active=False)
        self._keys[key.dek_id] = key

    async def rewrap(self, key: WrappedKey, former_kek_id: str) -> bool:
        known = self._keys.get(key.dek_id)
        if known is None or known.tenant_id != key.tenant_id or known.kek_id != former_kek_id:
            return False
        self._keys[key.dek_id] = replace(known, kek_id=key.kek_id, wrapped=key.wrapped)
        return True

    async def remove_unused_keys(self, tenant_id: str) -> int:
        used = {secret.dek_id for versions in self._secrets.values() for secret in versions}
        unused = [key.dek_id for key in self._keys.values() if key.tenant_id == tenant_id and not key.is_active and key.dek_id not in used]
        for dek_id in unused:
            del self._keys[dek_id]
        return len(unused)

    async def put(self, secret: SealedSecret, *, keep_versions: int, event: SecretEvent) -> bool:
        versions = self._secrets.get((secret.tenant_id, secret.name), [])
        if (versions[-1].version if versions else 0) + 1 != secret.version:
            return False
        self.write(secret, keep_versions, event)
        return True

    async def reseal(self, secret: SealedSecret, former_dek_id: str) -> bool:
        self._must_be_active(secret)
        versions = self._secrets.get((secret.tenant_id, secret.name), [])
        for place, known in enumerate(versions):
            if (known.version, known.dek_id) == (secret.version, former_dek_id):
                versions[place] = secret
                return True
        return False

    async def newest(self, tenant_id: str, name: str) -> SealedSecret | None:
        versions = self._secrets.get((tenant_id, name))
        return versions[-1] if versions else None

    async def sealed_with(self, tenant_id: str, dek_id: str, limit: int) -> Sequence[SealedSecret]:
        mine = [secret for (owner, _), versions in self._secrets.items() if owner == tenant_id for secret in versions]
        return [secret for secret in mine if secret.dek_id == dek_id][:limit]

    async def inventory(self, tenant_id: str) -> tuple[Mark | None, Sequence[Entry]]:
        return None, ()

    async def remark(self, tenant_id: str, marker: Marker, *, afresh: bool = False) -> None:
        """Nothing: nobody else can write to this process's memory, so there are no marks."""

    async def delete(self, tenant_id: str, name: str, event: SecretEvent, marker: Marker | None = None) -> None:
        self._events.append(event)
        self._secrets.pop((tenant_id, name), None)

    async def record(self, event: SecretEvent) -> None:
        self._events.append(event)

    async def events(self, tenant_id: str, limit: int) -> Sequence[SecretEvent]:
        return [event for event in reversed(self._events) if event.tenant_id == tenant_id][:limit]

    async def sweep_events(self, actor: str, before: float) -> int:
        kept = [event for event in self._events if event.actor != actor or event.at >= before]
        self._events, gone = kept, len(self._events) - len(kept)
        return gone

    def write(self, secret: SealedSecret, keep_versions: int, event: SecretEvent | None) -> None:
        """Add a version, whatever was there."""
        self._must_be_active(secret)
        self._events += [event] if event else []
        versions = self._secrets.setdefault((secret.tenant_id, secret.name), [])
        versions.append(secret)
        del versions[:-keep_versions]

    def version(self, tenant_id: str, name: str, version: int) -> SealedSecret | None:
        """Return one version."""
        return next((secret for secret in self._secrets.get((tenant_id, name), []) if secret.version == version), None)

    def _must_be_active(self, secret: SealedSecret) -> None:
        key = self._keys.get(secret.dek_id)
        if key is None or not key.is_active or key.tenant_id != secret.tenant_id:
            raise StaleKey(secret.dek_id)


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
            raise AliasTaken(connection.alias)
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
            raise AliasTaken(alias)
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


class MemoryRegistrationStore:
    """Keeps `oauth.connections.registrations.RegistrationStore`."""

    def __init__(self) -> None:
        self._registrations: dict[tuple[str, str], Registration] = {}

    async def load(self) -> Sequence[Registration]:
        return list(self._registrations.values())

    async def put(self, registration: Registration) -> None:
        self._registrations[registration.tenant_id, registration.provider] = registration

    async def remove(self, tenant_id: str, provider: str) -> bool:
        return self._registrations.pop((tenant_id, provider), None) is not None


class MemoryConnectFlowStore:
    """Keeps `oauth.connections.connect_flow.ConnectFlowStore`."""

    def __init__(self) -> None:
        self._flows: dict[str, ConnectFlow] = {}
        self._trips: dict[str, Trip] = {}

    async def add(self, flow: ConnectFlow) -> None:
        self._flows[flow.flow_hash] = flow

    async def get(self, flow_hash: str) -> ConnectFlow | None:
        return self._flows.get(flow_hash)

    async def done(self, tenant_id: str, subject: str, client_id: str, provider: str, since: float) -> Sequence[ConnectFlow]:
        theirs = (tenant_id, subject, client_id, provider, "done")
        found = [flow for flow in self._flows.values() if flow.created_at >= since]
        found = [flow for flow in found if (flow.tenant_id, flow.subject, flow.client_id, flow.provider, flow.state) == theirs]
        return sorted(found, key=lambda flow: -flow.created_at)

    async def start(self, flow_hash: str, trip: Trip, expires_at: float) -> bool:
        flow = self._flows.get(flow_hash)
        if flow is None or flow.state not in ("new", "started"):
            return False
        self._flows[flow_hash] = replace(flow, state="started", expires_at=expires_at)
        self._trips[flow_hash] = trip
        return True

    async def take(self, trip_hash: str) -> tuple[ConnectFlow, Trip] | None:
        for flow_hash, trip in self._trips.items():
            if trip.trip_hash == trip_hash:
                del self._trips[flow_hash]
                return self._flows[flow_hash], trip
        return None

    async def finish(self, flow_hash: str, state: FlowState, account_id: str) -> None:
        self._trips.pop(flow_hash, None)
        if flow := self._flows.get(flow_hash):
            self._flows[flow_hash] = replace(flow, state=state, account_id=account_id)

    async def sweep(self, before: float) -> int:
        old = [flow_hash for flow_hash, flow in self._flows.items() if flow.expires_at < before]
        for flow_hash in old:
            self._trips.pop(flow_hash, None)
            del self._flows[flow_hash]
        return len(old)
