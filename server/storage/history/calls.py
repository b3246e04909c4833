"""The calls that were made: written in batches, read by whose they are, by trace and by what went wrong."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, Select, false, func, select

from oauth.principal import Principal
from server.storage.database import Database, now_us
from server.storage.history import partitions
from server.storage.history.call_rows import append
from server.storage.history.rollups import DAY_US, HOUR_US, UNKNOWN
from server.storage.history.shipped_removal import remove_shipped
from server.storage.history.tables import call_days, call_hours, call_records, decision_log, error_ledger, operation_days, token_hours
from server.storage.row_removal import remove_rows
from tools.stores import CallRecord

#: so many old rows go at a time: nobody waits for longer than some milliseconds
SWEPT_ROWS = 2_000
#: so much later than its neighbours a row may be written
SLACK_US = 60 * 1_000_000


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls; None and False: whichever. Times in microseconds since the epoch."""

    since_us: int
    until_us: int | None = None
    tenant_id: str | None = None
    subject: str | None = None
    client_id: str | None = None
    operation: str | None = None
    error_class: str | None = None
    error_code: str | None = None
    at_least_ms: float | None = None
    failures_only: bool = False
    #: what clients asked, and none of the steps that it took
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class KeptCall:
    """A call as it is kept: its number in the order of writing, its record, and the node that answered it."""

    seq: int
    record: CallRecord
    node: str


class SqlCallHistory:
    """The durable side of the recorder, and CallHistory. Tables: call_records, call_hours, call_days, operation_days, error_ledger."""

    def __init__(self, database: Database, node: str = "") -> None:
        self._database, self._node = database, node or socket.gethostname()

    async def append_calls(self, records: Sequence[CallRecord]) -> None:
        """Write all of `records` and what sums them up in one transaction, or none."""
        if records:
            await self._database.transact(partial(append, records=records, node=self._node), survives_power_cut=False)

    async def recent(self, principal: Principal, limit: int, *, failures_only: bool = False) -> Sequence[CallRecord]:
        """Return the principal's own last calls, newest first."""
        c = call_records.c
        query = select(call_records).where(c.tenant == principal.tenant_id, c.subject == principal.subject)
        if failures_only:
            query = query.where(c.success == false())
        return [kept.record for kept in await self._read(query.order_by(c.time.desc(), c.seq.desc()).limit(limit))]

    async def calls(self, which: CallFilter, limit: int, before: tuple[int, int] | None = None) -> Sequence[KeptCall]:
        """Return calls, newest first; `before`: time and number of the last one of the page before."""
        c = call_records.c
        query, by_number = await self._where(select(call_records), which)
        if by_number:
            query = query if before is None else query.where(c.seq < before[1])
            return await self._read(query.order_by(c.seq.desc()).limit(limit))
        if before is not None:
            query = query.where((c.time < before[0]) | ((c.time == before[0]) & (c.seq < before[1])))
        return await self._read(query.order_by(c.time.desc(), c.seq.desc()).limit(limit))

    async def count(self, which: CallFilter, most: int) -> int:
        """Return how many calls there are; nobody counts further than `most`."""
        some, _by_number = await self._where(select(call_records.c.seq), which)
        query = select(func.count()).select_from(some.limit(most).subquery())
        return await self._database.look(lambda connection: connection.execute(query).scalar_one())

    async def _where(self, query: Select[Any], which: CallFilter) -> tuple[Select[Any], bool]:
        """Return the query narrowed to `which`, and whether rows stand in the order of their numbers then."""
        c = call_records.c
        query = query.where(c.time >= which.since_us)
        # In SQLite rows have no index over their time alone: they are numbered in its order, but for seconds.
        by_number = self._database.is_sqlite and which.tenant_id is None and not which.failures_only
        if by_number:
            numbers = await self._database.look(partial(_numbers, which=which))
            query = query.where(false() if numbers is None else c.seq.between(*numbers))
        for column, wanted in (
            (c.tenant, which.tenant_id),
            (c.subject, which.subject),
            (c.client, which.client_id),
            (c.operation, which.operation),
            (c.error_class, which.error_class),
            (c.error_code, which.error_code),
        ):
            if wanted is not None:
                query = query.where(column == wanted)
        if which.until_us is not None:
            query = query.where(c.time < which.until_us)
        if which.at_least_ms is not None:
            query = query.where(c.duration_ms >= which.at_least_ms)
        if which.failures_only:
            query = query.where(c.success == false())
        if which.is_whole:
            query = query.where(c.step == "")
        return query, by_number

    async def trace(self, trace_id: str, tenant_id: str | None = None, limit: int = 1_000) -> Sequence[KeptCall]:
        """Return the calls of one trace in the order in which they ended."""
        query = select(call_records).where(call_records.c.trace_id == trace_id)
        if tenant_id is not None:
            query = query.where(call_records.c.tenant == tenant_id)
        return await self._read(query.order_by(call_records.c.time, call_records.c.seq).limit(limit))

    async def forget_before(self, time_us: int) -> int:
        """Delete the rows of all tenants that are older than `time_us`, in steps; return how many rows, or whole days, went."""
        removed = 0
        if not self._database.is_sqlite:
            removed = await self._database.transact(partial(partitions.drop_before, time_us=time_us))
        while step := await self._database.transact(partial(_swept, time_us=time_us), survives_power_cut=False):
            removed += step
        return removed

    async def forget_sums_before(self, *, hours_us: int, errors_us: int, days_us: int, decisions_us: int) -> None:
        """Delete sums of hours and of days before these times, and kinds of failures and decisions that came last before, in steps."""
        for table, moment, before in (
            (call_hours, call_hours.c.hour, hours_us // HOUR_US),
            (token_hours, token_hours.c.hour, hours_us // HOUR_US),
            (error_ledger, error_ledger.c.last_at, errors_us),
            (call_days, call_days.c.day, days_us // DAY_US),
            (operation_days, operation_days.c.day, days_us // DAY_US),
            (decision_log, decision_log.c.last_at, decisions_us),
        ):
            await remove_rows(self._database, table, moment < before)

    async def make_room(self) -> None:
        """Make ready for the days to come, where the store keeps days apart."""
        if not self._database.is_sqlite:
            await self._database.transact(partial(partitions.make_ahead, now_us=now_us()))

    async def _read(self, query: Select[Any]) -> list[KeptCall]:
        async with self._database.read() as connection:
            return [_kept(row) for row in await connection.execute(query)]


def first_number(connection: Connection, since_us: int) -> int:
    """Return the number of about the first row since then, by halves."""
    seq = call_records.c.seq
    # Asked apart: SQLite looks through all rows for both at once.
    first, last = (connection.execute(select(end(seq))).scalar() for end in (func.min, func.max))
    if first is None or last is None:
        return 0
    while first < last:
        middle = (first + last) // 2
        # Said as it is: twenty of them, and to put such a statement together takes longer than to run it.
        found = connection.exec_driver_sql("SELECT time FROM call_records WHERE seq >= ? ORDER BY seq LIMIT 1", (middle,)).scalar_one()
        if found < since_us:
            first = middle + 1
        else:
            last = middle
    return int(first)


def _numbers(connection: Connection, which: CallFilter) -> tuple[int, int] | None:
    """Return about the first and the last number of the rows to look through, in SQLite; None: there is no such call."""
    since_us, until_us = which.since_us, which.until_us
    if which.operation is not None and (oldest := connection.execute(select(func.min(operation_days.c.day))).scalar()) is not None:
        c, first = operation_days.c, since_us // DAY_US
        # Rows may be kept for longer than their sums: these say nothing of the days before the oldest.
        if oldest <= first:
            named = c.operation.in_((which.operation, UNKNOWN))
            query = select(func.min(c.day), func.max(c.day)).where(c.day >= first, named)
            if until_us is not None:
                query = query.where(c.day <= until_us // DAY_US)
            used_first, used_last = connection.execute(query).one()
            if used_first is None:
                return None
            end_us = (used_last + 1) * DAY_US
            since_us, until_us = max(since_us, used_first * DAY_US), end_us if until_us is None else min(until_us, end_us)
    newest = connection.execute(select(func.max(call_records.c.seq))).scalar() or 0
    return (
        first_number(connection, since_us - SLACK_US),
        newest if until_us is None else first_number(connection, until_us + SLACK_US),
    )


def _swept(connection: Connection, time_us: int) -> int:
    c = call_records.c
    # Numbers are in the order of time, but for batches of nodes: what is old stands at the beginning.
    oldest = select(c.time, c.seq).order_by(c.seq if connection.dialect.name == "sqlite" else c.time).limit(SWEPT_ROWS)
    rows = [(row.time, row.seq) for row in connection.execute(oldest)]
    old = [seq for time, seq in rows if time < time_us]
    if not old:
        return 0
    remove_shipped(connection, "calls", call_records, c.seq.in_(old), c.time < time_us)
    # With young ones among them the end of the old ones is near.
    return len(old)


def _kept(row: Row[Any]) -> KeptCall:
    values = row._mapping
    record = CallRecord(
        tenant_id=values["tenant"],
        tool=values["tool"],
        operation=values["operation"],
        auth_method=values["auth_method"],
        duration_ms=values["duration_ms"],
        success=values["success"],
        error_code=values["error_code"],
        trace_id=values["trace_id"],
        subject=values["subject"],
        client_id=values["client"],
        called_at_us=values["time"],
        error_class=values["error_class"],
        upstream_ms=values["upstream_ms"],
        upstream_status=values["upstream_status"],
        reason=values["reason"],
        account=values["account"],
        step=values["step"],
    )
    return KeptCall(values["seq"], record, values["node"])
