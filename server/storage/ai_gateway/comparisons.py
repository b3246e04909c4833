"""Keep what shadows came to: ComparisonStore on SQL. Table: ai_shadow_comparisons."""

from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal

from sqlalchemy import func, select

from server.storage.database import Database
from server.storage.insertion import insert_once
from server.storage.row_removal import remove_rows
from server.storage.schema.ai_gateway_tables import ai_shadow_comparisons
from tools.ai_gateway.shadows.comparison import Comparison, ShadowFigures

_MEANS = ("similarity", "chars", "shadow_chars", "ms", "shadow_ms", "cost_nano_usd", "shadow_cost_nano_usd")


class SqlComparisonStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, comparison: Comparison) -> None:
        values = asdict(comparison)
        values["at"] = values.pop("at_us")
        async with self._database.write() as connection:
            await insert_once(connection, ai_shadow_comparisons, values)

    async def figures(self, experiment: str, since_us: int) -> Sequence[ShadowFigures]:
        """Return the means over all tenants: an experiment is the operator's."""
        table = ai_shadow_comparisons.c
        means = [func.avg(table[name]).label(name) for name in _MEANS]
        query = select(table.arm, func.count().label("compared"), *means).where(table.experiment == experiment, table.at >= since_us)
        async with self._database.read() as connection:
            rows = (await connection.execute(query.group_by(table.arm).order_by(table.arm))).all()
        return [
            ShadowFigures(
                arm=row.arm,
                compared=row.compared,
                similarity=_mean(row.similarity),
                chars=float(row.chars),
                shadow_chars=float(row.shadow_chars),
                ms=row.ms,
                shadow_ms=row.shadow_ms,
                cost_nano_usd=_mean(row.cost_nano_usd),
                shadow_cost_nano_usd=_mean(row.shadow_cost_nano_usd),
            )
            for row in rows
        ]

    async def forget_before(self, time_us: int) -> None:
        """Delete what is older, of all tenants."""
        await remove_rows(self._database, ai_shadow_comparisons, ai_shadow_comparisons.c.at < time_us)


def _mean(value: Decimal | float | None) -> float | None:
    """Return an average as a number, of which PostgreSQL makes decimals; None where there was nothing to average."""
    return None if value is None else float(value)
