"""What the token endpoint was asked, summed up by the hour. Table: token_hours."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, select

from oauth.token import TokenExchange
from server.storage.database import Database
from server.storage.history.adding import add_rows
from server.storage.history.rollups import HOUR_US
from server.storage.history.tables import BUCKETS, BUCKETS_MS, token_hours

_ADDED = ("requests", "sum_ms", *(f"b{place}" for place in range(BUCKETS)))


@dataclass(frozen=True, slots=True)
class TokenSum:
    """Requests of one hour: `at_us` is where it begins; `outcome`: "issued" or the error code."""

    at_us: int
    tenant_id: str
    grant_type: str
    outcome: str
    requests: int
    sum_ms: float
    max_ms: float
    buckets: tuple[int, ...]


class SqlTokenHours:
    """Where exchanges are added up, and read from."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, exchanges: Iterable[TokenExchange]) -> None:
        """Add a batch to its hours in one transaction, or none of it."""
        if rows := _rows(exchanges):
            await self._database.transact(partial(_add, rows=rows), survives_power_cut=False)

    async def sums(self, since_us: int, until_us: int, tenant_id: str | None = None) -> Sequence[TokenSum]:
        """Return the requests by hour, from the one that holds `since_us` on, in order of time; of a tenant: what was issued there."""
        c = token_hours.c
        query = select(token_hours).where(c.hour >= since_us // HOUR_US, c.hour <= until_us // HOUR_US).order_by(c.hour)
        if tenant_id is not None:
            query = query.where(c.tenant == tenant_id)
        async with self._database.read() as connection:
            return [
                TokenSum(
                    at_us=row.hour * HOUR_US,
                    tenant_id=row.tenant,
                    grant_type=row.grant_type,
                    outcome=row.outcome,
                    requests=row.requests,
                    sum_ms=row.sum_ms,
                    max_ms=row.max_ms,
                    buckets=tuple(row._mapping[f"b{place}"] for place in range(BUCKETS)),
                )
                for row in await connection.execute(query)
            ]


def _add(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    add_rows(connection, token_hours, rows, added=_ADDED, largest=("max_ms",))


def _rows(exchanges: Iterable[TokenExchange]) -> Sequence[dict[str, Any]]:
    """Sum a batch up; rows in one order, so that two nodes never wait for each other crosswise."""
    found: dict[tuple[int, str, str, str], dict[str, Any]] = {}
    for each in exchanges:
        key = (int(each.at * 1_000_000) // HOUR_US, each.tenant_id, each.grant_type[:64], each.outcome[:64])
        row = found.get(key)
        if row is None:
            counts = {f"b{place}": 0 for place in range(BUCKETS)}
            row = dict(zip(("hour", "tenant", "grant_type", "outcome"), key, strict=True))
            row = found[key] = {**row, "requests": 0, "sum_ms": 0.0, "max_ms": 0.0, **counts}
        row["requests"] += 1
        row["sum_ms"] += each.duration_ms
        row["max_ms"] = max(row["max_ms"], each.duration_ms)
        row[f"b{bisect_left(BUCKETS_MS, each.duration_ms)}"] += 1
    return [row for _, row in sorted(found.items())]
