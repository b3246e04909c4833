"""Call records and usage examples in SQL: written in batches, read by whose they are."""

from collections.abc import Sequence

import orjson
from sqlalchemy import Insert, and_, bindparam, delete, func, insert, select, update

from oauth.principal import Principal
from server.storage.database import Database, now_us
from server.storage.insertion import insert_rows
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
        rows = [_row(record) for record in records]
        async with self._database.write() as connection:
            if self._database.is_sqlite:
                await connection.execute(_INSERT_FROM_JSON, {"rows": orjson.dumps(rows).decode()})
            else:
                await insert_rows(connection, call_records, [dict(zip(_NAMES, row, strict=True)) for row in rows])

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
            return [UsageExample(tenant_id=row.tenant_id, operation_id=row.operation_id, intent=row.intent, uses=row.uses) for row in rows]


_COLUMNS = (
    call_records.c.tenant,
    call_records.c.tool,
    call_records.c.operation,
    call_records.c.auth_method,
    call_records.c.duration_ms,
    call_records.c.success,
    call_records.c.error_code,
    call_records.c.trace_id,
    call_records.c.subject,
    call_records.c.client,
    call_records.c.time,
)

_NAMES = [each.name for each in _COLUMNS]


def _row(record: CallRecord) -> tuple[object, ...]:
    """Return the values of `_COLUMNS`."""
    operation = record.operation
    return (
        record.tenant_id,
        record.tool,
        # Clients choose it, and PostgreSQL has no text with a zero in it.
        operation.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in operation else operation,
        record.auth_method,
        record.duration_ms,
        record.success,
        record.error_code,
        record.trace_id,
        record.subject,
        record.client_id,
        record.called_at_us,
    )


def _insert_from_json() -> Insert:
    """Return a statement of SQLite's that takes all rows as one JSON text: to bind each value by itself costs a tenth of a call."""
    rows = func.json_each(bindparam("rows")).table_valued("value")
    values = [func.json_extract(rows.c.value, f"$[{place}]") for place in range(len(_COLUMNS))]
    return insert(call_records).from_select(_NAMES, select(*values))


_INSERT_FROM_JSON = _insert_from_json()
