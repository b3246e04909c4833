"""Write calls into the history: the rows and what sums them up, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Table, insert

from server.storage.history.adding import add_rows, insert_many
from server.storage.history.rollups import Rollups, Sum, SumKey, operation_of, rollups_of
from server.storage.history.tables import BUCKETS, call_days, call_hours, call_records, decision_log, error_ledger, operation_days
from server.storage.insertion import insert_in_thread
from tools.stores import CallRecord

#: of a name, an alias, a reason
MAX_TEXT_CHARS = 200
_NAMES = tuple(column.name for column in call_records.columns if column.name != "seq")
_INSERT = insert(call_records)
_ADDED = ("calls", "sum_ms", "sum_upstream_ms", *(f"b{place}" for place in range(BUCKETS)))


def append(connection: Connection, records: Sequence[CallRecord], node: str) -> None:
    """Write a batch of calls with their sums."""
    records = [_storable(record) for record in records]
    rows = [_row(record, node) for record in records]
    if connection.dialect.name == "sqlite":
        insert_many(connection, _INSERT, _NAMES, rows)
    else:
        insert_in_thread(connection, call_records, [dict(zip(_NAMES, row, strict=True)) for row in rows])
    add_up(connection, rollups_of(records))


def add_up(connection: Connection, found: Rollups) -> None:
    """Add what a batch sums up to; rows in one order, so that two nodes never wait for each other crosswise."""
    _add(connection, call_hours, [_sum_row("hour", key, total) for key, total in sorted(found.hours.items(), key=lambda each: each[0])])
    _add(connection, call_days, [_sum_row("day", key, total) for key, total in sorted(found.days.items(), key=lambda each: each[0])])
    uses = [
        {"day": day, "tenant": tenant, "operation": operation, "calls": calls, "failures": failures}
        for (day, tenant, operation), (calls, failures) in sorted(found.operations.items())
    ]
    add_rows(connection, operation_days, uses, added=("calls", "failures"))
    errors = [
        {
            "fingerprint": mark,
            "tenant": total.record.tenant_id,
            "operation": operation_of(total.record),
            "code": total.record.error_code or "error",
            "error_class": total.record.error_class,
            "reason": total.record.reason,
            "count": total.count,
            "first_at": total.first_at,
            "last_at": total.last_at,
            "last_trace_id": total.last_trace_id,
            "state": "open",
            "changed_by": "",
        }
        for mark, total in sorted(found.errors.items())
    ]
    # What comes again after it was resolved is open again; who has only acknowledged it knows that it goes on.
    add_rows(connection, error_ledger, errors, added=("count",), newest=("last_at", "last_trace_id"), reopens=True)
    decisions = [
        {
            "decision_id": mark,
            "tenant": total.record.tenant_id,
            "subject": total.record.subject,
            "client": total.record.client_id[:MAX_TEXT_CHARS],
            "operation": operation_of(total.record),
            "decision": total.record.error_code or "error",
            "reason": total.record.reason,
            "count": total.count,
            "first_at": total.first_at,
            "last_at": total.last_at,
            "last_trace_id": total.last_trace_id,
        }
        for mark, total in sorted(found.decisions.items())
    ]
    add_rows(connection, decision_log, decisions, added=("count",), newest=("last_at", "last_trace_id"))


def _add(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    add_rows(connection, table, rows, added=_ADDED, largest=("max_ms",))


def _sum_row(unit: str, key: SumKey, total: Sum) -> dict[str, Any]:
    moment, tenant, tool, code = key
    counts = {f"b{place}": count for place, count in enumerate(total.buckets)}
    return {
        unit: moment,
        "tenant": tenant,
        "tool": tool,
        "code": code,
        "error_class": total.error_class,
        "calls": total.calls,
        "sum_ms": total.sum_ms,
        "max_ms": total.max_ms,
        "sum_upstream_ms": total.sum_upstream_ms,
        **counts,
    }


def _row(record: CallRecord, node: str) -> tuple[object, ...]:
    """Return the values of `_NAMES`."""
    return (
        record.called_at_us,
        record.tenant_id,
        record.subject,
        record.client_id,
        record.auth_method,
        record.tool,
        record.operation,
        record.account,
        record.step,
        record.duration_ms,
        record.upstream_ms,
        record.upstream_status,
        record.success,
        record.error_code,
        record.error_class,
        record.reason,
        record.trace_id,
        node,
    )


def _storable(record: CallRecord) -> CallRecord:
    """Return a record whose texts, some of which clients choose, every store takes."""
    chosen = (record.tool, record.operation, record.account, record.step, record.reason)
    whose = (record.subject, record.client_id)
    if all(text.isascii() and "\0" not in text for text in (*chosen, *whose)) and max(map(len, chosen)) <= MAX_TEXT_CHARS:
        return record
    return replace(
        record,
        # Whole: who looks for somebody's calls names them as they are.
        subject=_encodable(record.subject),
        client_id=_encodable(record.client_id),
        tool=_cleaned(record.tool),
        operation=_cleaned(record.operation),
        account=_cleaned(record.account),
        step=_cleaned(record.step),
        reason=_cleaned(record.reason),
    )


def _cleaned(text: str) -> str:
    """Return a text that is not long, without zeros and without half characters."""
    return _encodable(text[:MAX_TEXT_CHARS])


def _encodable(text: str) -> str:
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()
