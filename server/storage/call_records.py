"""Call records in SQL: written in batches, read by whose they are."""

from collections.abc import Sequence

from sqlalchemy import delete, insert, select

from oauth.principal import Principal
from server.storage.database import Database
from server.storage.schema.tool_tables import call_records
from tools.stores import CallRecord


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
