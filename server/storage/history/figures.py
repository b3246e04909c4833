"""What the sums of the history say: calls by hour, uses by operation, failures by kind."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, false, func, literal_column, select, tuple_, update

from server.storage.database import Database
from server.storage.history.operation_uses import OperationUse, OperationUses
from server.storage.history.rollups import DAY_US, HOUR_US, UNKNOWN
from server.storage.history.tables import BUCKETS, call_days, call_hours, call_records, error_ledger


@dataclass(frozen=True, slots=True)
class CallSum:
    """Calls of one hour or day: `at_us` is where it begins; `code` "": those that were ok."""

    at_us: int
    tenant_id: str
    tool: str
    code: str
    error_class: str
    calls: int
    sum_ms: float
    max_ms: float
    sum_upstream_ms: float
    buckets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """Failures of one kind; times in microseconds since the epoch."""

    fingerprint: str
    tenant_id: str
    operation: str
    code: str
    error_class: str
    reason: str
    count: int
    first_at_us: int
    last_at_us: int
    last_trace_id: str
    state: str
    changed_by: str


class HistoryFigures:
    """Reads the sums; every question is bounded by time. Tables: call_hours, call_days, operation_days, error_ledger."""

    def __init__(self, database: Database) -> None:
        self._database, self._uses = database, OperationUses(database)

    async def sums(self, since_us: int, until_us: int, tenant_id: str | None = None, *, by_day: bool = False) -> Sequence[CallSum]:
        """Return the calls by hour, or by day, from the one that holds `since_us` on, in order of time."""
        table, unit, unit_us = (call_days, "day", DAY_US) if by_day else (call_hours, "hour", HOUR_US)
        moment = table.c[unit]
        query = select(table).where(moment >= since_us // unit_us, moment <= until_us // unit_us).order_by(moment)
        if tenant_id is not None:
            query = query.where(table.c.tenant == tenant_id)
        async with self._database.read() as connection:
            return [
                CallSum(
                    at_us=row._mapping[unit] * unit_us,
                    tenant_id=row.tenant,
                    tool=row.tool,
                    code=row.code,
                    error_class=row.error_class,
                    calls=row.calls,
                    sum_ms=row.sum_ms,
                    max_ms=row.max_ms,
                    sum_upstream_ms=row.sum_upstream_ms,
                    buckets=tuple(row._mapping[f"b{place}"] for place in range(BUCKETS)),
                )
                for row in await connection.execute(query)
            ]

    async def uses(self, since_us: int, tenant_id: str | None = None, *, until_us: int | None = None) -> Sequence[OperationUse]:
        """Return how often each operation was used on these days, the most used first.

        With `until_us` and of all tenants, what the days before the last one came to may be a minute old.
        """
        return await self._uses.of(since_us, until_us, tenant_id)

    async def errors(
        self,
        since_us: int,
        tenant_id: str | None = None,
        *,
        until_us: int | None = None,
        states: Sequence[str] = ("open", "acknowledged"),
        error_class: str | None = None,
        operation: str | None = None,
        before: tuple[int, str] | None = None,
        limit: int = 50,
    ) -> Sequence[ErrorKind]:
        """Return kinds of failures that came since, those of last first; `before`: time and fingerprint of the last one of a page."""
        c = error_ledger.c
        query = (
            select(error_ledger).where(c.last_at >= since_us, c.state.in_(states)).order_by(c.last_at.desc(), c.fingerprint).limit(limit)
        )
        for column, wanted in ((c.tenant, tenant_id), (c.error_class, error_class), (c.operation, operation)):
            if wanted is not None:
                query = query.where(column == wanted)
        if until_us is not None:
            query = query.where(c.last_at < until_us)
        if before is not None:
            query = query.where((c.last_at < before[0]) | ((c.last_at == before[0]) & (c.fingerprint > before[1])))
        async with self._database.read() as connection:
            return [_kind(row._mapping) for row in await connection.execute(query)]

    async def error(self, fingerprint: str, tenant_id: str | None = None) -> ErrorKind | None:
        """Return one kind of failure; None: there is none, or it is another tenant's."""
        query = select(error_ledger).where(error_ledger.c.fingerprint == fingerprint)
        if tenant_id is not None:
            query = query.where(error_ledger.c.tenant == tenant_id)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).first()
        return None if row is None else _kind(row._mapping)

    async def has_error(self, fingerprint: str) -> bool:
        """Say whether failures of that kind are on record, whatever became of them."""
        async with self._database.read() as connection:
            found = await connection.execute(select(error_ledger.c.fingerprint).where(error_ledger.c.fingerprint == fingerprint))
            return found.first() is not None

    async def failures_by_hour(self, kinds: Sequence[ErrorKind], first_us: int, hours: int) -> Sequence[Sequence[int]]:
        """Return for each kind how often its operation failed with its code in each of so many hours from `first_us` on, for whichever
        reason."""
        c, found = call_records.c, dict[tuple[Any, ...], int]()
        # Written out: with parameters PostgreSQL would see two expressions where one is grouped by.
        first, length = literal_column(str(first_us), BigInteger), literal_column(str(HOUR_US), BigInteger)
        place = ((c.time - first) // length).label("place")
        # What is no operation is one kind, whatever it was called.
        async with self._database.read() as connection:
            for columns in ((c.tenant, c.error_code, c.operation), (c.tenant, c.error_code)):
                wanted = {_place_of(kind) for kind in kinds if len(_place_of(kind)) == len(columns)}
                if not wanted:
                    continue
                query = select(*columns, place, func.count()).where(
                    c.success == false(), tuple_(*columns).in_(wanted), c.time >= first_us, c.time < first_us + hours * HOUR_US
                )
                for *key, hour, failures in await connection.execute(query.group_by(*columns, place)):
                    found[*key, hour] = failures
        return [[found.get((*_place_of(kind), hour), 0) for hour in range(hours)] for kind in kinds]

    async def set_error_state(self, fingerprint: str, state: str, by: str, tenant_id: str | None = None) -> bool:
        """Acknowledge or resolve a kind of failure; False: there is none, or it is another tenant's."""
        change = update(error_ledger).where(error_ledger.c.fingerprint == fingerprint).values(state=state, changed_by=by)
        if tenant_id is not None:
            change = change.where(error_ledger.c.tenant == tenant_id)
        async with self._database.write() as connection:
            return (await connection.execute(change)).rowcount == 1


def _place_of(kind: ErrorKind) -> tuple[str, ...]:
    whole = kind.tenant_id, kind.code, kind.operation
    return whole[:2] if kind.operation == UNKNOWN else whole


def _kind(values: Any) -> ErrorKind:
    return ErrorKind(
        fingerprint=values["fingerprint"],
        tenant_id=values["tenant"],
        operation=values["operation"],
        code=values["code"],
        error_class=values["error_class"],
        reason=values["reason"],
        count=values["count"],
        first_at_us=values["first_at"],
        last_at_us=values["last_at"],
        last_trace_id=values["last_trace_id"],
        state=values["state"],
        changed_by=values["changed_by"],
    )
