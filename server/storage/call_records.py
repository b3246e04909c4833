"""Call records and usage examples in SQL: written in batches, read by whose they are."""

from collections.abc import Sequence

from sqlalchemy import and_, delete, insert, select, update

from oauth.principal import Principal
from server.storage.database import Database, now_us
from server.storage.schema.tool_tables import call_records, usage_examples
from tools.stores import CallRecord, UsageExample


class SqlCallRecords:
    """The durable side of the recorder, and CallHistory."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append_calls(self, records: Sequence[CallRecord]) -> None:
        """Write all of `records` in one transaction, or none."""
        if not records:
            return
        async with self._database.write() as connection:
            await connection.execute(insert(call_records), [_row(record) for record in records])

    async def recent(self, principal: Principal, limit: int, *, failures_only: bool = False) -> Sequence[CallRecord]:
        """Return the principal's own last calls, newest first."""
        query = select(call_records).where(call_records.c.tenant == principal.tenant_id, call_records.c.subject == principal.subject)
        if failures_only:
            query = query.where(call_records.c.success.is_(False))
        async with self._database.read() as connection:
            rows = await connection.execute(query.order_by(call_records.c.seq.desc()).limit(limit))
            return [
                CallRecord(
                    tenant_id=row.tenant,
                    tool=row.tool,
                    operation=row.operation,
                    auth_method=row.auth_method,
                    duration_ms=row.duration_ms,
                    success=row.success,
                    error_code=row.error_code,
                    trace_id=row.trace_id,
                    subject=row.subject,
                    client_id=row.client,
                    called_at_us=row.time,
                )
                for row in rows
            ]

    async def forget_before(self, time_us: int) -> int:
        """Delete the records of all tenants that are older than `time_us`; return how many went."""
        async with self._database.write() as connection:
            return (await connection.execute(delete(call_records).where(call_records.c.time < time_us))).rowcount


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
            return [UsageExample(row.tenant_id, row.operation_id, row.intent, row.uses) for row in rows]


def _row(record: CallRecord) -> dict[str, object]:
    return {
        "tenant": record.tenant_id,
        "tool": record.tool,
        "operation": record.operation,
        "auth_method": record.auth_method,
        "duration_ms": record.duration_ms,
        "success": record.success,
        "error_code": record.error_code,
        "trace_id": record.trace_id,
        "subject": record.subject,
        "client": record.client_id,
        "time": record.called_at_us,
    }
