"""Keep what priced operations cost: OperationChargeStore on SQL. Rows and the settlement of their reservations are one transaction."""

from collections.abc import Sequence

from sqlalchemy import Connection, case, func, select

from server.storage.database import Database
from server.storage.insertion import upsert
from server.storage.metering.settling import settle
from server.storage.row_removal import remove_rows
from server.storage.schema.metering_tables import operation_charges
from tools.metering.spending import BudgetAlert
from tools.metering.stores import ClosedCharge, OperationUsage

MAX_ROWS = 1_000


class SqlOperationCharges:
    def __init__(self, database: Database) -> None:
        self._database = database
        insert = upsert(database.dialect, operation_charges)
        # Who does not know whether a batch was written writes it again.
        self._insert = insert.on_conflict_do_nothing(index_elements=[operation_charges.c.tenant_id, operation_charges.c.charge_id])

    async def append(self, charges: Sequence[ClosedCharge]) -> Sequence[BudgetAlert]:
        if not charges:
            return []
        rows = [_values(each) for each in charges]
        settlements = [each.settlement for each in charges if each.settlement is not None]

        def written(connection: Connection) -> list[BudgetAlert]:
            alerts = settle(connection, settlements)
            connection.execute(self._insert, rows)
            return alerts

        return await self._database.transact(written)

    async def usage(self, tenant_id: str | None, since_us: int, until_us: int | None = None) -> Sequence[OperationUsage]:
        table = operation_charges.c
        cost = func.sum(table.cost_nano_usd).label("cost")
        errors = func.sum(case((table.outcome == "ok", 0), else_=1)).label("errors")
        query = select(table.operation, func.count().label("calls"), errors, cost).where(table.at >= since_us)
        if tenant_id is not None:
            query = query.where(table.tenant_id == tenant_id)
        if until_us is not None:
            query = query.where(table.at < until_us)
        query = query.group_by(table.operation).order_by(cost.desc(), table.operation).limit(MAX_ROWS)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return [
            OperationUsage(operation=row.operation, calls=row.calls, errors=int(row.errors), cost_nano_usd=int(row.cost)) for row in rows
        ]

    async def forget_before(self, time_us: int) -> int:
        return await remove_rows(self._database, operation_charges, operation_charges.c.at < time_us)


def _values(charge: ClosedCharge) -> dict[str, object]:
    return {
        "tenant_id": charge.tenant_id,
        "charge_id": charge.charge_id,
        "at": charge.at_us,
        "provider": charge.provider,
        "operation": charge.operation,
        "subject": charge.subject,
        "outcome": charge.outcome,
        "cost_nano_usd": charge.cost_nano_usd,
        "trace_id": charge.trace_id,
    }
