"""Keep security events: AuditLog on SQL, append only."""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import select

from oauth.audit import SecurityEvent
from server.storage.database import Database
from server.storage.insertion import insert_rows
from server.storage.oauth.rows import EVENTS
from server.storage.schema.oauth_tables import security_events


class SqlAuditLog:
    """`counts`: the events of this process by action, for its metrics."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.counts: Counter[str] = Counter()

    async def record(self, event: SecurityEvent) -> None:
        self.counts[event.action] += 1
        async with self._database.write() as connection:
            await insert_rows(connection, security_events, [EVENTS.values(event)])

    async def recent(self, tenant_id: str, limit: int = 100) -> Sequence[SecurityEvent]:
        statement = (
            select(security_events).where(security_events.c.tenant_id == tenant_id).order_by(security_events.c.seq.desc()).limit(limit)
        )
        async with self._database.read() as connection:
            return tuple(EVENTS.record(row) for row in (await connection.execute(statement)).all())
