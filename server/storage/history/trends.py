"""How calls and tokens went over a stretch of time: sums of even steps, added up where they are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, case, func, literal_column, select

from server.storage.database import Database
from server.storage.history.calls import SLACK_US, first_number
from server.storage.history.rollups import DAY_US, HOUR_US
from server.storage.history.tables import BUCKETS, BUCKETS_MS, call_days, call_hours, call_records, token_hours

#: what the token endpoint's sums call an exchange that went well
ISSUED = "issued"
_BUCKETS = tuple(f"b{place}" for place in range(BUCKETS))


@dataclass(frozen=True, slots=True)
class Steps:
    """Even steps of time from `from_us` on; `step_us`: whole hours or days, or less than an hour, then rows are looked through."""

    from_us: int
    to_us: int
    step_us: int

    @property
    def moments(self) -> Sequence[int]:
        """Return where each step begins, microseconds since the epoch."""
        return range(self.from_us, self.to_us, self.step_us)


@dataclass(frozen=True, slots=True)
class CallStep:
    """Calls of one step and class; `place`: which step, from 0; class "": those that went well."""

    place: int
    error_class: str
    calls: int
    sum_ms: float
    sum_upstream_ms: float
    buckets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TokenStep:
    """Requests of one step for one grant type; `is_good`: a token was issued."""

    place: int
    grant_type: str
    is_good: bool
    requests: int


class HistoryTrends:
    """Every question is bounded by time; answers have at most so many rows as there are steps, classes and buckets."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def calls(self, steps: Steps, tenant_id: str | None = None) -> Sequence[CallStep]:
        """Return what the calls of each step came to."""
        if steps.step_us < HOUR_US:
            return await self._database.look(partial(_calls_by_row, steps=steps, tenant_id=tenant_id))
        table, unit_us = (call_days, DAY_US) if steps.step_us % DAY_US == 0 else (call_hours, HOUR_US)
        c = table.c
        place = _place(c.day if table is call_days else c.hour, steps, unit_us)
        sums: list[ColumnElement[Any]] = [func.sum(c[name]).label(name) for name in _BUCKETS]
        of = [func.sum(c[name]).label(name) for name in ("calls", "sum_ms", "sum_upstream_ms")]
        query = select(place, c.error_class, *of, *sums)
        query = _within(query, c.day if table is call_days else c.hour, steps, unit_us)
        if tenant_id is not None:
            query = query.where(c.tenant == tenant_id)

        def look(connection: Connection) -> Sequence[CallStep]:
            found = connection.execute(query.group_by(place, c.error_class)).all()
            return [
                CallStep(
                    place=row.place,
                    error_class=row.error_class,
                    calls=int(row.calls),
                    sum_ms=row.sum_ms,
                    sum_upstream_ms=row.sum_upstream_ms,
                    buckets=tuple(int(row._mapping[name]) for name in _BUCKETS),
                )
                for row in found
            ]

        return await self._database.look(look)

    async def count(self, since_us: int, until_us: int) -> int:
        """Return how many calls of all tenants there were, in whole hours: what looking through their rows would cost."""
        c = call_hours.c
        query = select(func.coalesce(func.sum(c.calls), 0)).where(c.hour >= since_us // HOUR_US, c.hour <= until_us // HOUR_US)
        return await self._database.look(lambda connection: int(connection.execute(query).scalar_one()))

    async def tokens(self, steps: Steps, tenant_id: str | None = None) -> Sequence[TokenStep]:
        """Return what the token endpoint was asked in each step, of whole hours; of a tenant: what was issued there."""
        c = token_hours.c
        place = _place(c.hour, steps, HOUR_US)
        is_good = case((c.outcome == ISSUED, 1), else_=0).label("is_good")
        query = _within(select(place, c.grant_type, is_good, func.sum(c.requests).label("requests")), c.hour, steps, HOUR_US)
        if tenant_id is not None:
            query = query.where(c.tenant == tenant_id)

        def look(connection: Connection) -> Sequence[TokenStep]:
            found = connection.execute(query.group_by(place, c.grant_type, literal_column("is_good")))
            return [
                TokenStep(place=row.place, grant_type=row.grant_type, is_good=bool(row.is_good), requests=int(row.requests))
                for row in found
            ]

        return await self._database.look(look)


def _place(unit: ColumnElement[int], steps: Steps, unit_us: int = 1) -> ColumnElement[int]:
    """Return which step a row belongs to; `unit`: when it was, counted in `unit_us`."""
    return ((unit - _number(steps.from_us // unit_us)) // _number(steps.step_us // unit_us)).label("place")


def _number(value: int) -> ColumnElement[int]:
    """Return a number of ours, written out: with parameters PostgreSQL would see two expressions where one is grouped by."""
    return literal_column(str(value), BigInteger)


def _within(query: Select[Any], unit: ColumnElement[int], steps: Steps, unit_us: int = 1) -> Select[Any]:
    return query.where(unit >= steps.from_us // unit_us, unit < -(-steps.to_us // unit_us))


def _calls_by_row(connection: Connection, steps: Steps, tenant_id: str | None) -> Sequence[CallStep]:
    c = call_records.c
    place = _place(c.time, steps)
    within = [(c.duration_ms <= _number(most), _number(at)) for at, most in enumerate(BUCKETS_MS)]
    bucket = case(*within, else_=_number(BUCKETS - 1)).label("bucket")
    sums = (func.count(), func.sum(c.duration_ms), func.coalesce(func.sum(c.upstream_ms), 0.0))
    query = _within(select(place, c.error_class, bucket, *sums), c.time, steps)
    if tenant_id is not None:
        query = query.where(c.tenant == tenant_id)
    elif connection.dialect.name == "sqlite":
        # Rows have no index over their time alone there: they are numbered in its order, but for seconds.
        query = query.where(c.seq >= first_number(connection, steps.from_us - SLACK_US))
    found: dict[tuple[int, str], list[Any]] = {}
    for row in connection.execute(query.group_by(place, c.error_class, bucket)):
        calls, sum_ms, sum_upstream_ms, buckets = found.get((row[0], row[1])) or (0, 0.0, 0.0, [0] * BUCKETS)
        buckets[row[2]] += row[3]
        found[row[0], row[1]] = [calls + row[3], sum_ms + row[4], sum_upstream_ms + row[5], buckets]
    return [
        CallStep(place=place, error_class=of, calls=calls, sum_ms=ms, sum_upstream_ms=up, buckets=tuple(counts))
        for (place, of), (calls, ms, up, counts) in sorted(found.items())
    ]
