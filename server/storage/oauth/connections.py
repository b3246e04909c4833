"""Connections and the leases of their refresh in SQL. Tables: connections, vault_secrets."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, delete, insert, or_, select, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from oauth.connections.connection import Connection
from oauth.connections.connection_store import Lease, leased_event
from oauth.errors import AlreadyTaken
from oauth.vault.checksum import Marker
from oauth.vault.secrets import SealedSecret, SecretEvent
from server.storage.database import Database, announce
from server.storage.oauth.secrets import drop_secret, record_event, sealed_secret, write_secret
from server.storage.schema.connection_tables import connections, vault_secrets

TOPIC = "connections"
#: what a tenant's secrets of connections keep of former versions: none, a used refresh token is of no use
KEEP_VERSIONS = 1
_NOBODY: dict[str, None] = {"lease_owner": None, "lease_until": None}


class SqlConnectionStore:
    """Keeps `oauth.connections.connection_store.ConnectionStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> Sequence[Connection]:
        return await self._all(select(connections))

    async def of_tenant(self, tenant_id: str) -> Sequence[Connection]:
        """Return every connection of a tenant."""
        return await self._all(select(connections).where(connections.c.tenant_id == tenant_id))

    async def _all(self, query: Select[Any]) -> Sequence[Connection]:
        c = connections.c
        ordered = query.order_by(c.tenant_id, c.provider, c.alias, c.account_id)
        # In one thread: of all tenants there are many, and the loop has others to see to.
        return await self._database.look(lambda sql: [_connection(row) for row in sql.execute(ordered)])

    async def at_providers(self, tenant_id: str, providers: Collection[str]) -> Sequence[Connection]:
        """Return a tenant's connections at these providers, oldest first."""
        c = connections.c
        async with self._database.read() as connection:
            found = await connection.execute(
                select(connections).where(c.tenant_id == tenant_id, c.provider.in_(providers)).order_by(c.created_at, c.account_id)
            )
            return [_connection(row) for row in found]

    async def tenants_at(self, providers: Collection[str]) -> Sequence[str]:
        """Return the tenants that have a connection at one of these providers."""
        c = connections.c
        async with self._database.read() as connection:
            query = select(c.tenant_id).where(c.provider.in_(providers)).distinct().order_by(c.tenant_id)
            return list((await connection.execute(query)).scalars())

    async def kin(self, tenant_id: str, subject: str, provider: str) -> Sequence[Connection]:
        theirs = (connections.c.tenant_id == tenant_id, connections.c.subject == subject, connections.c.provider == provider)
        async with self._database.read() as connection:
            found = await connection.execute(select(connections).where(*theirs).order_by(connections.c.created_at))
            return [_connection(row) for row in found]

    async def get(self, tenant_id: str, account_id: str) -> tuple[Connection, SealedSecret] | None:
        async with self._database.read() as connection:
            row = (await connection.execute(select(connections).where(*_one(tenant_id, account_id)))).first()
            if row is None:
                return None
            secret = await _secret_of(connection, found := _connection(row))
        return None if secret is None else (found, secret)

    async def put(self, connection: Connection, secret: SealedSecret, event: SecretEvent) -> bool:
        values = columns_of(connection)
        mine = _one(connection.tenant_id, connection.account_id)
        try:
            async with self._database.write() as sql:
                version = await sql.scalar(select(connections.c.version).where(*mine).with_for_update())
                if (version or 0) + 1 != connection.version:
                    return False
                kin = [connections.c.tenant_id == connection.tenant_id, connections.c.subject == connection.subject]
                kin.append(connections.c.provider == connection.provider)
                first = (await sql.scalar(select(connections.c.account_id).where(*kin, connections.c.is_default))) is None
                values["is_default"] = connection.is_default or first
                if version is None:
                    await sql.execute(insert(connections).values(**values))
                else:
                    await sql.execute(update(connections).where(*mine).values(**values, **_NOBODY))
                await write_secret(sql, secret, KEEP_VERSIONS, event)
                await announce(sql, TOPIC, connection.tenant_id, connection.account_id)
        except IntegrityError:
            raise AlreadyTaken(connection.alias) from None
        return True

    async def rename(self, tenant_id: str, account_id: str, alias: str) -> bool:
        try:
            return await self._change(tenant_id, account_id, alias=alias)
        except IntegrityError:
            raise AlreadyTaken(alias) from None

    async def make_default(self, tenant_id: str, account_id: str) -> bool:
        async with self._database.write() as sql:
            row = (await sql.execute(select(connections).where(*_one(tenant_id, account_id)).with_for_update())).first()
            if row is None:
                return False
            await sql.execute(update(connections).where(*_kin(row)).values(is_default=connections.c.account_id == account_id))
            for kin in (await sql.execute(select(connections.c.account_id).where(*_kin(row)))).scalars().all():
                await announce(sql, TOPIC, tenant_id, kin)
        return True

    async def remove(self, tenant_id: str, account_id: str, event: SecretEvent, marker: Marker | None = None) -> bool:
        async with self._database.write() as sql:
            row = (await sql.execute(select(connections).where(*_one(tenant_id, account_id)).with_for_update())).first()
            if row is None:
                return False
            await record_event(sql, event)
            await sql.execute(delete(connections).where(*_one(tenant_id, account_id)))
            await drop_secret(sql, tenant_id, _connection(row).secret_name, marker)
            await announce(sql, TOPIC, tenant_id, account_id)
            heir = select(connections.c.account_id).where(*_kin(row)).order_by(connections.c.created_at).limit(1)
            if row.is_default and (heir_id := await sql.scalar(heir)):
                await sql.execute(update(connections).where(*_one(tenant_id, heir_id)).values(is_default=True))
                await announce(sql, TOPIC, tenant_id, heir_id)
        return True

    async def lease_due(self, now: float, owner: str, until: float, limit: int, busy: frozenset[tuple[str, str]]) -> Sequence[Lease]:
        free = or_(connections.c.lease_until.is_(None), connections.c.lease_until < _us(now))
        due = [connections.c.refresh_due_at <= _us(now), connections.c.state == "ready", free]
        due.append(tuple_(connections.c.registered_by, connections.c.provider).not_in(busy))
        query = select(connections).where(and_(*due)).order_by(connections.c.refresh_due_at).limit(limit)
        async with self._database.read() as sql:
            if (await sql.execute(query.limit(1))).first() is None:
                return []  # Most looks find nothing: they take no write lock.
        async with self._database.write() as sql:
            rows = (await sql.execute(query.with_for_update(skip_locked=True))).all()
            leases = []
            for row in rows:
                held = {"lease_owner": owner, "lease_until": _us(until), "fence": row.fence + 1}
                await sql.execute(update(connections).where(*_one(row.tenant_id, row.account_id)).values(**held))
                if secret := await _secret_of(sql, found := _connection(row)):
                    await record_event(sql, leased_event(now, found))
                    leases.append(Lease(connection=found, secret=secret, fence=row.fence + 1, until=until))
        return leases

    async def finish_refresh(self, lease: Lease, connection: Connection, secret: SealedSecret) -> bool:
        async with self._database.write() as sql:
            if not await _give_back(sql, lease, connection):
                return False
            await write_secret(sql, secret, KEEP_VERSIONS, None)
            await announce(sql, TOPIC, connection.tenant_id, connection.account_id)
        return True

    async def fail_refresh(self, lease: Lease, connection: Connection) -> bool:
        async with self._database.write() as sql:
            if not await _give_back(sql, lease, connection):
                return False
            await announce(sql, TOPIC, connection.tenant_id, connection.account_id)
        return True

    async def ask_refresh(self, tenant_id: str, account_id: str, now: float) -> None:
        later = [connections.c.refresh_due_at > _us(now), connections.c.fail_count == 0]
        async with self._database.write() as sql:
            await sql.execute(update(connections).where(*_one(tenant_id, account_id), *later).values(refresh_due_at=_us(now)))

    async def earliest_expiry(self, now: float) -> float | None:
        query = select(connections.c.expires_at).where(connections.c.state == "ready", connections.c.refresh_due_at.is_not(None))
        async with self._database.read() as sql:
            first = await sql.scalar(query.order_by(connections.c.expires_at).limit(1))
        return None if first is None else first / 1e6

    async def _change(self, tenant_id: str, account_id: str, **values: Any) -> bool:
        async with self._database.write() as sql:
            changed = await sql.execute(update(connections).where(*_one(tenant_id, account_id)).values(**values))
            await announce(sql, TOPIC, tenant_id, account_id)
            return changed.rowcount == 1


async def _give_back(sql: AsyncConnection, lease: Lease, connection: Connection) -> bool:
    mine = [*_one(connection.tenant_id, connection.account_id), connections.c.fence == lease.fence]
    mine.append(connections.c.version == lease.connection.version)
    values = columns_of(connection)
    # Alias and default may have changed while the provider was asked: they are not the refresh's to write.
    for name in ("alias", "is_default", "account_id", "tenant_id"):
        del values[name]
    return (await sql.execute(update(connections).where(*mine).values(**values, **_NOBODY))).rowcount == 1


async def _secret_of(sql: AsyncConnection, connection: Connection) -> SealedSecret | None:
    query = select(vault_secrets).where(
        vault_secrets.c.tenant_id == connection.tenant_id,
        vault_secrets.c.name == connection.secret_name,
        vault_secrets.c.version == connection.version,
    )
    row = (await sql.execute(query)).first()
    return None if row is None else sealed_secret(row)


def _one(tenant_id: str, account_id: str) -> tuple[ColumnElement[bool], ...]:
    return connections.c.tenant_id == tenant_id, connections.c.account_id == account_id


def _kin(row: Row[Any]) -> tuple[ColumnElement[bool], ...]:
    return connections.c.tenant_id == row.tenant_id, connections.c.subject == row.subject, connections.c.provider == row.provider


def _connection(row: Row[Any]) -> Connection:
    fields = {name: getattr(row, name) for name in Connection.__slots__}
    fields["scopes"] = None if row.scopes is None else frozenset(row.scopes.split())
    for name in ("created_at", "expires_at", "refresh_due_at"):
        fields[name] = None if fields[name] is None else fields[name] / 1e6
    return Connection(**fields)


def columns_of(connection: Connection) -> dict[str, Any]:
    values = {name: getattr(connection, name) for name in Connection.__slots__}
    values["scopes"] = None if connection.scopes is None else " ".join(sorted(connection.scopes))
    for name in ("created_at", "expires_at", "refresh_due_at"):
        values[name] = None if values[name] is None else _us(values[name])
    return values


def _us(seconds: float) -> int:
    return int(seconds * 1e6)
