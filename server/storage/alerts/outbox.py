"""Messages of alerts on their way. Table: alert_outbox."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, delete, func, select, update

from server.storage.alerts.records import AlertDelivery, DeliveryState
from server.storage.alerts.states import delivery_values
from server.storage.database import Database
from server.storage.insertion import insert_in_thread
from server.storage.schema.alert_tables import alert_outbox


class SqlAlertOutbox:
    """A message is tried by one node at a time, and again after that node died: at least once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, delivery: AlertDelivery) -> None:
        """Keep a message beside those that rules bring about."""
        await self._database.transact(lambda connection: insert_in_thread(connection, alert_outbox, [delivery_values(delivery)]))

    async def due(self, now_us: int, limit: int) -> Sequence[AlertDelivery]:
        """Return messages whose time has come, in its order."""
        c = alert_outbox.c
        query = select(alert_outbox).where(c.state == "waiting", c.next_at <= now_us).order_by(c.next_at, c.delivery_id).limit(limit)
        return await self._database.look(lambda connection: [_delivery(row) for row in connection.execute(query)])

    async def next_at_us(self) -> int | None:
        """Return when the first of those that wait is tried."""
        c = alert_outbox.c
        query = select(func.min(c.next_at)).where(c.state == "waiting")
        return await self._database.look(lambda connection: connection.execute(query).scalar())

    async def claim(self, delivery: AlertDelivery, until_us: int) -> AlertDelivery | None:
        """Take a message to try it, and return it with the try counted; nobody else tries it before `until_us`. None: another was faster.

        Counted as it begins, so that a try whose node dies is one too.
        """
        claimed = replace(delivery, attempts=delivery.attempts + 1, next_at_us=until_us)
        return claimed if await self._change(delivery, attempts=claimed.attempts, next_at=until_us) else None

    async def note(self, claimed: AlertDelivery, state: DeliveryState, next_at_us: int, error: str = "") -> bool:
        """Note what became of a try. False: somebody else tried it meanwhile, and says."""
        return await self._change(claimed, state=state, next_at=next_at_us, error=error)

    async def get(self, delivery_id: str) -> AlertDelivery | None:
        query = select(alert_outbox).where(alert_outbox.c.delivery_id == delivery_id)
        row = await self._database.look(lambda connection: connection.execute(query).first())
        return None if row is None else _delivery(row)

    async def recent(self, limit: int = 50, rule: str | None = None) -> Sequence[AlertDelivery]:
        """Return messages, newest first."""
        query = select(alert_outbox).order_by(alert_outbox.c.created_at.desc(), alert_outbox.c.delivery_id).limit(limit)
        if rule is not None:
            query = query.where(alert_outbox.c.rule == rule)
        return await self._database.look(lambda connection: [_delivery(row) for row in connection.execute(query)])

    async def forget_before(self, time_us: int) -> int:
        """Forget what has ended and is older."""
        old = delete(alert_outbox).where(alert_outbox.c.created_at < time_us, alert_outbox.c.state != "waiting")
        return await self._database.transact(lambda connection: connection.execute(old).rowcount)

    async def _change(self, as_it_was: AlertDelivery, **values: object) -> bool:
        c = alert_outbox.c
        same = (c.delivery_id == as_it_was.delivery_id, c.state == "waiting", c.attempts == as_it_was.attempts)
        change = update(alert_outbox).where(*same).values(**values)
        return await self._database.transact(lambda connection: connection.execute(change).rowcount == 1)


def _delivery(row: Row[Any]) -> AlertDelivery:
    return AlertDelivery(
        delivery_id=row.delivery_id,
        sink=row.sink,
        rule=row.rule,
        message=row.message,
        created_at_us=row.created_at,
        next_at_us=row.next_at,
        state=row.state,
        attempts=row.attempts,
        error=row.error,
    )
