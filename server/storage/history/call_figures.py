"""What calls on record say of a tenant: how many there were, which failed in which way, whose connections they used."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Row, case, func, literal_column, select

from server.storage.database import Database
from server.storage.history.tables import call_records
from tools.workflows.jobs.error_pattern import FailureKind


class SqlCallFigures:
    """Keeps `tools.workflows.jobs.error_pattern.FailedCalls`, and tells which providers were called."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def failures(self, tenant_id: str, from_us: int, to_us: int, most: int) -> Sequence[FailureKind]:
        c = call_records.c
        # Clients may invent any number of names that there are not: they are one kind. Constants, or PostgreSQL sees two expressions.
        name = case((c.error_code == literal_column("'unknown_operation'"), literal_column("''")), else_=c.operation)
        count = func.count().label("failures")
        example = (func.max(c.error_class).label("error_class"), func.min(c.time).label("first_at"), func.max(c.trace_id).label("trace_id"))
        query = select(name.label("name"), c.error_code, count, *example).where(
            c.tenant == tenant_id, c.time >= from_us, c.time < to_us, c.success.is_(False)
        )

        def look(connection: Connection) -> Sequence[FailureKind]:
            rows = connection.execute(query.group_by(name, c.error_code).order_by(count.desc(), name).limit(most))
            return [_kind(row) for row in rows]

        return await self._database.look(look)

    async def calls(self, tenant_id: str, from_us: int, to_us: int) -> int:
        c = call_records.c
        query = select(func.count()).where(c.tenant == tenant_id, c.time >= from_us, c.time < to_us)
        return await self._database.look(lambda connection: connection.execute(query).scalar_one())

    async def any_since(self, tenant_id: str, time_us: int) -> bool:
        c = call_records.c
        query = select(c.seq).where(c.tenant == tenant_id, c.time >= time_us).limit(1)
        async with self._database.read() as connection:
            return (await connection.execute(query)).first() is not None

    async def called_since(self, tenant_id: str, time_us: int) -> Collection[tuple[str, str]]:
        """Return (subject, provider) of the calls since then; the provider is how an operation's name begins."""
        c = call_records.c
        query = select(c.subject, c.operation).where(c.tenant == tenant_id, c.time >= time_us, c.success).distinct()

        def look(connection: Connection) -> Collection[tuple[str, str]]:
            return {(row.subject, row.operation.partition(".")[0]) for row in connection.execute(query)}

        return await self._database.look(look)


def _kind(row: Row[Any]) -> FailureKind:
    return FailureKind(
        operation=row.name,
        code=row.error_code or "error",
        error_class=row.error_class,
        count=row.failures,
        first_at_us=row.first_at,
        trace_id=row.trace_id,
    )
