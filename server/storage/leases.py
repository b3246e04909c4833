"""Who does what one process does for all, for how long. Table: leases."""

from sqlalchemy import Connection, update

from server.storage.database import Database, now_us
from server.storage.insertion import insert_once_in_thread
from server.storage.schema.platform_tables import leases


class SqlLeases:
    """One holder a name at a time, of all processes on this store; who dies is followed when its time is over."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, name: str, holder: str, for_us: int) -> bool:
        """Have the lease of `name` for `for_us` from now, newly or again; False: another process has it."""
        c, now = leases.c, now_us()

        def take(connection: Connection) -> bool:
            values = {"holder": holder, "until": now + for_us}
            if insert_once_in_thread(connection, leases, {"name": name, **values}):
                return True
            mine = (c.name == name, (c.holder == holder) | (c.until < now))
            return connection.execute(update(leases).where(*mine).values(**values)).rowcount == 1

        return await self._database.transact(take)

    async def release(self, name: str, holder: str) -> None:
        """Let the next process have it at once."""
        c = leases.c
        await self._database.transact(
            lambda connection: connection.execute(update(leases).where(c.name == name, c.holder == holder).values(until=0)).rowcount
        )
