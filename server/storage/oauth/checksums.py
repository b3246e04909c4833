"""The tenants' marks in SQL, read and changed in other statements' transactions. Tables: vault_marks, vault_secrets, vault_keys."""

from collections.abc import Sequence

from sqlalchemy import and_, cast, insert, null, select, union_all, update
from sqlalchemy.ext.asyncio import AsyncConnection

from oauth.vault.checksum import Checksum, Entry, Marker
from oauth.vault.errors import StaleKey
from server.storage.schema.connection_tables import vault_keys, vault_marks, vault_secrets


async def change_mark(
    connection: AsyncConnection, tenant_id: str, marker: Marker, came: Sequence[Entry], gone: Sequence[Entry], *, afresh: bool = False
) -> None:
    """Change a tenant's mark with its secrets; a first mark, or one made `afresh`, covers what is there now. Raises StaleKey."""
    mine = vault_marks.c.tenant_id == tenant_id
    row = (await connection.execute(select(vault_marks).where(mine).with_for_update())).first()
    if row is None or afresh:
        _, everything = await inventory_of(connection, tenant_id)
        if row is None and not everything:
            return
        is_first = afresh or set(everything) <= set(came)
        mark = marker.marked(tenant_id, None, everything, (), is_first=is_first)
    else:
        mark = marker.marked(tenant_id, Checksum(tenant_id=row.tenant_id, dek_id=row.dek_id, sealed=row.sealed), came, gone)
    if mark is None:
        return
    await must_be_active(connection, tenant_id, mark.dek_id)
    values = {"dek_id": mark.dek_id, "sealed": mark.sealed}
    if row is None:
        await connection.execute(insert(vault_marks).values(tenant_id=tenant_id, **values))
    else:
        await connection.execute(update(vault_marks).where(mine).values(**values))


async def inventory_of(connection: AsyncConnection, tenant_id: str) -> tuple[Checksum | None, Sequence[Entry]]:
    """Return a tenant's mark and all names and versions: one statement, so that both are of one moment."""
    nothing = [cast(null(), column.type) for column in (vault_marks.c.dek_id, vault_marks.c.sealed)]
    secrets = select(vault_secrets.c.name, vault_secrets.c.version, *nothing).where(vault_secrets.c.tenant_id == tenant_id)
    nameless = [cast(null(), column.type) for column in (vault_secrets.c.name, vault_secrets.c.version)]
    marks = select(*nameless, vault_marks.c.dek_id, vault_marks.c.sealed).where(vault_marks.c.tenant_id == tenant_id)
    mark, entries = None, []
    for row in await connection.execute(union_all(marks, secrets)):
        name, version, dek_id, sealed = row
        if sealed is not None:
            mark = Checksum(tenant_id=tenant_id, dek_id=dek_id, sealed=bytes(sealed))
        else:
            entries.append((name, version))
    return mark, entries


async def must_be_active(connection: AsyncConnection, tenant_id: str, dek_id: str) -> None:
    """Raise StaleKey where a data key is not the tenant's active one, or is gone.

    In the same transaction: a key that was rotated away is removed once nothing needs it, and nothing may start to.
    """
    mine = and_(vault_keys.c.tenant_id == tenant_id, vault_keys.c.dek_id == dek_id)
    if not await connection.scalar(select(vault_keys.c.is_active).where(mine).with_for_update(read=True)):
        raise StaleKey(dek_id)
