"""Settle reservations in the transaction of whoever keeps the record of what was done: counter, ledger and log agree, always."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, Row, bindparam, select, update

from server.storage.schema.metering_tables import budget_counters, budget_reservations
from tools.metering.spending import Amount, BudgetAlert, Charge, Settlement

#: nano-dollars and tokens spent, nano-dollars and tokens given back
Deltas = defaultdict[str, list[int]]

#: Rows are locked in the order of their names. Statements are made once: to make one costs more than to run it.
_COUNTERS = (
    select(budget_counters)
    .where(budget_counters.c.counter_id.in_(bindparam("ids", expanding=True)))
    .order_by(budget_counters.c.counter_id)
    .with_for_update()
)
_UNSETTLED = (
    select(budget_reservations)
    .where(budget_reservations.c.reservation_id.in_(bindparam("ids", expanding=True)), budget_reservations.c.state != "settled")
    .order_by(budget_reservations.c.reservation_id)
    .with_for_update()
)
_CHANGE = (
    update(budget_counters)
    .where(budget_counters.c.counter_id == bindparam("id"))
    .values(
        spent_nano_usd=bindparam("new_spent_nano_usd"),
        spent_tokens=bindparam("new_spent_tokens"),
        reserved_nano_usd=bindparam("new_reserved_nano_usd"),
        reserved_tokens=bindparam("new_reserved_tokens"),
        alerted=bindparam("new_alerted"),
    )
)
_SETTLED = (
    update(budget_reservations)
    .where(budget_reservations.c.reservation_id == bindparam("id"))
    .values(state="settled", spent_nano_usd=bindparam("new_nano_usd"), spent_tokens=bindparam("new_tokens"))
)


def settle(connection: Connection, settlements: Sequence[Settlement]) -> list[BudgetAlert]:
    """Do what BudgetStore.settle promises, in the transaction of `connection`."""
    by_id = {each.reservation.reservation_id: each for each in settlements}
    if not by_id:
        return []
    rows = connection.execute(_UNSETTLED, {"ids": list(by_id)}).all()
    if not rows:
        return []
    deltas: Deltas = defaultdict(lambda: [0, 0, 0, 0])
    charge_by_id: dict[str, Charge] = {}
    for row in rows:
        settlement = by_id[row.reservation_id]
        _give_back(row, deltas)
        for charge in settlement.charges:
            charge_by_id[charge.counter_id] = charge
            delta = deltas[charge.counter_id]
            delta[0] += settlement.spent.nano_usd
            delta[1] += settlement.spent.tokens
    spent = [(row.reservation_id, by_id[row.reservation_id].spent) for row in rows]
    connection.execute(_SETTLED, [{"id": each, "new_nano_usd": amount.nano_usd, "new_tokens": amount.tokens} for each, amount in spent])
    return _change(connection, deltas, charge_by_id)


def give_back(connection: Connection, rows: Sequence[Row[Any]]) -> None:
    """Take what these reservations hold from their counters."""
    deltas: Deltas = defaultdict(lambda: [0, 0, 0, 0])
    for row in rows:
        _give_back(row, deltas)
    _change(connection, deltas, {})


def counters_for_update(connection: Connection, counter_ids: Iterable[str]) -> Sequence[Row[Any]]:
    """Return these counters, locked until the transaction ends, always in the same order."""
    return connection.execute(_COUNTERS, {"ids": sorted(counter_ids)}).all()


def _give_back(row: Row[Any], deltas: Deltas) -> None:
    # What was released because its time was up holds nothing any more.
    if row.state == "open":
        for counter_id in orjson.loads(row.counters):
            deltas[counter_id][2] += row.nano_usd
            deltas[counter_id][3] += row.tokens


def _change(connection: Connection, deltas: Deltas, charge_by_id: dict[str, Charge]) -> list[BudgetAlert]:
    alerts, changes = [], []
    for row in counters_for_update(connection, deltas):
        delta = deltas[row.counter_id]
        spent = Amount(row.spent_nano_usd + delta[0], row.spent_tokens + delta[1])
        told = [Amount(*each) for each in orjson.loads(row.alerted)]
        charge = charge_by_id.get(row.counter_id)
        fresh = [] if charge is None else [each for each in charge.alerts if each not in told and _is_reached(each, spent)]
        alerts += [BudgetAlert(charge, each, spent) for each in fresh if charge is not None]
        changes.append(
            {
                "id": row.counter_id,
                "new_spent_nano_usd": spent.nano_usd,
                "new_spent_tokens": spent.tokens,
                "new_reserved_nano_usd": row.reserved_nano_usd - delta[2],
                "new_reserved_tokens": row.reserved_tokens - delta[3],
                "new_alerted": orjson.dumps([[each.nano_usd, each.tokens] for each in (*told, *fresh)]).decode(),
            }
        )
    if changes:
        connection.execute(_CHANGE, changes)
    return alerts


def _is_reached(threshold: Amount, spent: Amount) -> bool:
    return spent.nano_usd >= threshold.nano_usd and spent.tokens >= threshold.tokens
