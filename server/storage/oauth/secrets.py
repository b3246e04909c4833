"""Sealed secrets, wrapped keys and their audit in SQL. Tables: vault_keys, vault_secrets, vault_events, vault_marks."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from oauth.vault.checksum import Checksum, Entry, Marker
from oauth.vault.envelope import WrappedKey
from oauth.vault.secrets import SealedSecret, SecretEvent
from server.storage.database import Database, now_us
from server.storage.oauth.checksums import change_mark, inventory_of, must_be_active
from server.storage.row_removal import remove_rows
from server.storage.schema.connection_tables import connect_flows, vault_events, vault_keys, vault_marks, vault_secrets


class SqlSecretStore:
    """Keeps `oauth.vault.secrets.SecretStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keys(self, tenant_id: str | None = None) -> Sequence[WrappedKey]:
        query = select(vault_keys).order_by(vault_keys.c.created_at)
        if tenant_id is not None:
            query = query.where(vault_keys.c.tenant_id == tenant_id)
        async with self._database.read() as connection:
            return [_key(row) for row in await connection.execute(query)]

    async def add_key(self, key: WrappedKey) -> WrappedKey:
        try:
            async with self._database.write() as connection:
                await connection.execute(insert(vault_keys).values(**_columns(key)))
            return key
        except IntegrityError:  # another process made the tenant's key first
            return next(found for found in await self.keys(key.tenant_id) if found.is_active)

    async def replace_active_key(self, key: WrappedKey) -> None:
        async with self._database.write() as connection:
            await connection.execute(update(vault_keys).where(vault_keys.c.tenant_id == key.tenant_id).values(is_active=False))
            await connection.execute(insert(vault_keys).values(**_columns(key)))

    async def rewrap(self, key: WrappedKey, former_kek_id: str) -> bool:
        statement = update(vault_keys).values(kek_id=key.kek_id, wrapped=key.wrapped)
        mine = (vault_keys.c.tenant_id == key.tenant_id) & (vault_keys.c.dek_id == key.dek_id)
        async with self._database.write() as connection:
            return (await connection.execute(statement.where(mine, vault_keys.c.kek_id == former_kek_id))).rowcount == 1

    async def remove_unused_keys(self, tenant_id: str) -> int:
        used = select(vault_secrets.c.dek_id).where(vault_secrets.c.tenant_id == tenant_id)
        trips = select(connect_flows.c.trip_dek_id).where(connect_flows.c.tenant_id == tenant_id, connect_flows.c.trip_dek_id.is_not(None))
        mine = (vault_keys.c.tenant_id == tenant_id) & ~vault_keys.c.is_active
        marks = select(vault_marks.c.dek_id).where(vault_marks.c.tenant_id == tenant_id)
        needed = used.union(trips, marks)
        unused = delete(vault_keys).where(mine, vault_keys.c.dek_id.not_in(needed))
        async with self._database.write() as connection:
            return (await connection.execute(unused)).rowcount

    async def put(self, secret: SealedSecret, *, keep_versions: int, event: SecretEvent) -> bool:
        mine = (vault_secrets.c.tenant_id == secret.tenant_id) & (vault_secrets.c.name == secret.name)
        newest = select(vault_secrets.c.version).where(mine).order_by(vault_secrets.c.version.desc()).limit(1).with_for_update()
        try:
            async with self._database.write() as connection:
                if (await connection.scalar(newest) or 0) + 1 != secret.version:
                    return False
                await write_secret(connection, secret, keep_versions, event)
        except IntegrityError:  # PostgreSQL: two first versions at once, with no row to lock yet
            return False
        return True

    async def reseal(self, secret: SealedSecret, former_dek_id: str) -> bool:
        same = (
            (vault_secrets.c.tenant_id == secret.tenant_id)
            & (vault_secrets.c.name == secret.name)
            & (vault_secrets.c.version == secret.version)
            & (vault_secrets.c.dek_id == former_dek_id)
        )
        async with self._database.write() as connection:
            await must_be_active(connection, secret.tenant_id, secret.dek_id)
            changed = await connection.execute(update(vault_secrets).where(same).values(dek_id=secret.dek_id, sealed=secret.sealed))
            return changed.rowcount == 1

    async def newest(self, tenant_id: str, name: str) -> SealedSecret | None:
        query = select(vault_secrets).where(vault_secrets.c.tenant_id == tenant_id, vault_secrets.c.name == name)
        async with self._database.read() as connection:
            row = (await connection.execute(query.order_by(vault_secrets.c.version.desc()).limit(1))).first()
        return None if row is None else sealed_secret(row)

    async def sealed_with(self, tenant_id: str, dek_id: str, limit: int) -> Sequence[SealedSecret]:
        query = select(vault_secrets).where(vault_secrets.c.tenant_id == tenant_id, vault_secrets.c.dek_id == dek_id).limit(limit)
        async with self._database.read() as connection:
            return [sealed_secret(row) for row in await connection.execute(query)]

    async def delete(self, tenant_id: str, name: str, event: SecretEvent, marker: Marker | None = None) -> None:
        async with self._database.write() as connection:
            await record_event(connection, event)
            await drop_secret(connection, tenant_id, name, marker)

    async def inventory(self, tenant_id: str) -> tuple[Checksum | None, Sequence[Entry]]:
        async with self._database.read() as connection:
            return await inventory_of(connection, tenant_id)

    async def remark(self, tenant_id: str, marker: Marker, *, afresh: bool = False) -> None:
        async with self._database.write() as connection:
            await change_mark(connection, tenant_id, marker, (), (), afresh=afresh)

    async def record(self, event: SecretEvent) -> None:
        async with self._database.write() as connection:
            await record_event(connection, event)

    async def sweep_events(self, actor: str, before: float) -> int:
        """Forget the records of one actor from before; the refresher leaves one for each token it renews."""
        old = (vault_events.c.actor == actor) & (vault_events.c.at < int(before * 1e6))
        return await remove_rows(self._database, vault_events, old)

    async def events(self, tenant_id: str, limit: int) -> Sequence[SecretEvent]:
        query = select(vault_events).where(vault_events.c.tenant_id == tenant_id).order_by(vault_events.c.seq.desc()).limit(limit)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return [
            SecretEvent(
                at=row.at / 1e6,
                tenant_id=row.tenant_id,
                actor=row.actor,
                action=row.action,
                name=row.name,
                version=row.version,
                purpose=row.purpose,
            )
            for row in rows
        ]


async def write_secret(connection: AsyncConnection, secret: SealedSecret, keep_versions: int, event: SecretEvent | None) -> None:
    """Add a version, drop the oldest and record it where there is something to record, in the caller's transaction. Raises StaleKey."""
    await must_be_active(connection, secret.tenant_id, secret.dek_id)
    if event is not None:
        await record_event(connection, event)
    await connection.execute(
        insert(vault_secrets).values(
            tenant_id=secret.tenant_id,
            name=secret.name,
            version=secret.version,
            dek_id=secret.dek_id,
            sealed=secret.sealed,
            created_at=now_us(),
        )
    )
    old = (
        (vault_secrets.c.tenant_id == secret.tenant_id)
        & (vault_secrets.c.name == secret.name)
        & (vault_secrets.c.version <= secret.version - keep_versions)
    )
    gone = (await connection.execute(select(vault_secrets.c.name, vault_secrets.c.version).where(old))).all()
    await connection.execute(delete(vault_secrets).where(old))
    if secret.marker is not None:
        await change_mark(connection, secret.tenant_id, secret.marker, [(secret.name, secret.version)], _entries(gone))


async def drop_secret(connection: AsyncConnection, tenant_id: str, name: str, marker: Marker | None) -> None:
    """Remove every version of a secret in the caller's transaction. Raises StaleKey."""
    mine = (vault_secrets.c.tenant_id == tenant_id) & (vault_secrets.c.name == name)
    gone = (await connection.execute(select(vault_secrets.c.name, vault_secrets.c.version).where(mine))).all()
    await connection.execute(delete(vault_secrets).where(mine))
    if marker is not None and gone:
        await change_mark(connection, tenant_id, marker, (), _entries(gone))


async def record_event(connection: AsyncConnection, event: SecretEvent) -> None:
    """Append an audit record in the caller's transaction."""
    await connection.execute(
        insert(vault_events).values(
            at=int(event.at * 1e6),
            tenant_id=event.tenant_id,
            actor=event.actor,
            action=event.action,
            name=event.name,
            version=event.version,
            purpose=event.purpose,
        )
    )


def sealed_secret(row: Row[Any]) -> SealedSecret:
    """Return a row of vault_secrets as a value."""
    return SealedSecret(tenant_id=row.tenant_id, name=row.name, version=row.version, dek_id=row.dek_id, sealed=row.sealed)


def _entries(rows: Iterable[Any]) -> list[Entry]:
    return [(row.name, row.version) for row in rows]


def _key(row: Row[Any]) -> WrappedKey:
    return WrappedKey(dek_id=row.dek_id, tenant_id=row.tenant_id, kek_id=row.kek_id, wrapped=row.wrapped, is_active=row.is_active)


def _columns(key: WrappedKey) -> dict[str, Any]:
    return {
        "dek_id": key.dek_id,
        "tenant_id": key.tenant_id,
        "kek_id": key.kek_id,
        "wrapped": key.wrapped,
        "is_active": key.is_active,
        "created_at": now_us(),
    }
