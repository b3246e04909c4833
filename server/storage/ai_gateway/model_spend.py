"""What model calls cost over a stretch of time, in even steps. Table: model_calls."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, Connection, func, literal_column, select

from server.storage.database import Database
from server.storage.schema.ai_gateway_tables import model_calls


@dataclass(frozen=True, slots=True)
class SpendStep:
    """Model calls of one step; `place`: which, from 0."""

    place: int
    calls: int
    cost_nano_usd: int


class SqlModelSpend:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def steps(self, from_us: int, to_us: int, step_us: int, tenant_id: str | None = None) -> Sequence[SpendStep]:
        """Return what each step cost; calls without a price count as calls that cost nothing."""
        c = model_calls.c
        # Written out: with parameters PostgreSQL would see two expressions where one is grouped by.
        first, length = (literal_column(str(value), BigInteger) for value in (from_us, step_us))
        place = ((c.at - first) // length).label("place")
        cost = func.coalesce(func.sum(c.cost_nano_usd), 0).label("cost")
        query = select(place, func.count().label("calls"), cost).where(c.at >= from_us, c.at < to_us)
        if tenant_id is not None:
            query = query.where(c.tenant_id == tenant_id)

        def look(connection: Connection) -> Sequence[SpendStep]:
            found = connection.execute(query.group_by(place).order_by(place))
            return [SpendStep(place=row.place, calls=row.calls, cost_nano_usd=int(row.cost)) for row in found]

        return await self._database.look(look)
