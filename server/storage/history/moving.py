"""Take over the calls that the state's own store kept before there was a history: a batch at a time, each row once."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select, update

from server.storage.database import Database
from server.storage.history.call_rows import append
from server.storage.history.tables import history_facts
from server.storage.schema.tool_tables import call_records_before
from tools.stores import CallRecord

BATCH_ROWS = 2_000
_MOVED = "moved_seq"


async def move_old_calls(state: Database, history: Database) -> int:
    """Move one batch and return how many rows it had; 0: nothing is left.

    How far it came is written with the rows, so that a process that dies between writing here and deleting there moves none twice.
    """
    moved = await history.look(_moved)
    rows = await state.look(lambda connection: _read(connection, moved))
    if rows:
        records, last = [record for _seq, record in rows], rows[-1][0]
        if not await history.transact(lambda connection: _append(connection, records, moved, last)):
            return len(rows)  # Another node was faster.
        moved = last
    await state.transact(lambda connection: _delete(connection, moved))
    return len(rows)


def _delete(connection: Connection, moved: int) -> None:
    connection.execute(delete(call_records_before).where(call_records_before.c.seq <= moved))


def _moved(connection: Connection) -> int:
    return int(connection.scalar(select(history_facts.c.value).where(history_facts.c.name == _MOVED)) or 0)


def _append(connection: Connection, records: Sequence[CallRecord], before: int, last: int) -> bool:
    known = connection.scalar(select(history_facts.c.value).where(history_facts.c.name == _MOVED).with_for_update())
    if known is None:
        connection.execute(insert(history_facts).values(name=_MOVED, value=str(last)))
    elif int(known) != before:
        return False
    else:
        connection.execute(update(history_facts).where(history_facts.c.name == _MOVED).values(value=str(last)))
    append(connection, records, "")
    return True


def _read(connection: Connection, after: int) -> list[tuple[int, CallRecord]]:
    c = call_records_before.c
    query = select(call_records_before).where(c.seq > after).order_by(c.seq).limit(BATCH_ROWS)
    return [
        (
            row.seq,
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
            ),
        )
        for row in connection.execute(query)
    ]
