"""Plans that wait for an account, by who sent what, sealed. Table: pending_plans."""

from sqlalchemy import Connection, delete, select

from server.storage.database import Database
from server.storage.insertion import insert_or_replace_in_thread
from server.storage.schema.tool_tables import pending_plans


class SqlPendingPlans:
    """PendingPlanStore of server/mcp/pending_plans.py on the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, tenant_id: str, call_hash: str, sealed: bytes, expires_at_us: int, most: int) -> None:
        c = pending_plans.c
        row = {"call_hash": call_hash, "tenant_id": tenant_id, "sealed": sealed, "expires_at": expires_at_us}

        def keep(connection: Connection) -> None:
            insert_or_replace_in_thread(connection, pending_plans, row)
            newest = select(c.call_hash).where(c.tenant_id == tenant_id).order_by(c.expires_at.desc(), c.call_hash)
            older = newest.offset(most).limit(most)
            connection.execute(delete(pending_plans).where(c.tenant_id == tenant_id, c.call_hash.in_(older)))

        await self._database.transact(keep)

    async def take(self, tenant_id: str, call_hash: str, now_us: int) -> bytes | None:
        c = pending_plans.c

        def is_there(connection: Connection) -> bool:
            found = select(c.call_hash).where(c.tenant_id == tenant_id, c.call_hash == call_hash)
            return connection.execute(found).first() is not None

        # A plan that waits is rare: the others cost a read, not a write.
        if not await self._database.look(is_there):
            return None

        def take(connection: Connection) -> bytes | None:
            mine = delete(pending_plans).where(c.tenant_id == tenant_id, c.call_hash == call_hash)
            taken = connection.execute(mine.returning(c.sealed, c.expires_at)).first()
            return bytes(taken.sealed) if taken is not None and taken.expires_at > now_us else None

        return await self._database.transact(take)
