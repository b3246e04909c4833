"""Usage examples in SQL: what was asked for before a successful call."""

from collections.abc import Sequence

from sqlalchemy import and_, insert, select, update

from server.storage.database import Database, now_us
from server.storage.schema.tool_tables import usage_examples
from tools.stores import UsageExample

KEEP_USES_US = 90 * 24 * 3600 * 1_000_000


class SqlUsageStore:
    """UsageStore on the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_uses(self, examples: Sequence[UsageExample]) -> None:
        async with self._database.write() as connection:
            for example in examples:
                known = and_(
                    usage_examples.c.tenant_id == example.tenant_id,
                    usage_examples.c.operation_id == example.operation_id,
                    usage_examples.c.intent == example.intent,
                )
                values = {"uses": usage_examples.c.uses + example.uses, "used_at": now_us()}
                if (await connection.execute(update(usage_examples).where(known).values(**values))).rowcount == 0:
                    await connection.execute(
                        insert(usage_examples).values(
                            tenant_id=example.tenant_id,
                            operation_id=example.operation_id,
                            intent=example.intent,
                            uses=example.uses,
                            used_at=now_us(),
                        )
                    )

    async def load_uses(self, minimum: int) -> Sequence[UsageExample]:
        async with self._database.read() as connection:
            # Of all tenants, on purpose: the index keeps a memory for each. What nobody asked for long is not learned again.
            recent = usage_examples.c.used_at >= now_us() - KEEP_USES_US
            rows = await connection.execute(
                select(usage_examples).where(usage_examples.c.uses >= minimum, recent).order_by(usage_examples.c.used_at)
            )
            return [UsageExample(tenant_id=row.tenant_id, operation_id=row.operation_id, intent=row.intent, uses=row.uses) for row in rows]
