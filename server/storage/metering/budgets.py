"""Keep budgets: BudgetStore on SQL (decision 0036).

Rows are locked in one order everywhere, reservations before counters and each by its name, so that no two transactions wait for each
other. SQLite has one writer at a time, which comes to the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import orjson
from sqlalchemy import Connection, Row, Select, bindparam, func, insert, or_, select, update

from server.storage.database import Database, now_us
from server.storage.insertion import upsert
from server.storage.metering.settling import counters_for_update, give_back, settle
from server.storage.row_removal import remove_rows
from server.storage.schema.metering_tables import budget_counters, budget_reservations
from tools.metering.admission import admit
from tools.metering.spending import Amount, BudgetAlert, Charge, Settlement
from tools.metering.stores import Ask, Counter

#: in one tenant of one budget that counts each by itself: users are whatever callers say
MAX_COUNTERS = 10_000
#: counters that this process knows to be there
MAX_KNOWN = 20_000
#: at once; the rest waits for the next second
MAX_RELEASED = 1_000
KEEP_COUNTERS_US = 62 * 24 * 3600 * 1_000_000
KEEP_RESERVATIONS_US = 2 * 24 * 3600 * 1_000_000

_TAKE = (
    update(budget_counters)
    .where(budget_counters.c.counter_id == bindparam("id"))
    .values(
        reserved_nano_usd=budget_counters.c.reserved_nano_usd + bindparam("more_nano_usd"),
        reserved_tokens=budget_counters.c.reserved_tokens + bindparam("more_tokens"),
    )
)
_IS_OPEN = budget_reservations.c.state == "open"
_KEEP = insert(budget_reservations).values({column.name: bindparam(column.name) for column in budget_reservations.c})


class SqlBudgetStore:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: set[str] = set()

    async def reserve(self, asks: Sequence[Ask]) -> Sequence[Charge | None]:
        if not asks:
            return []
        charge_by_id = {charge.counter_id: charge for ask in asks for charge in ask.reservation.charges}
        if missing := charge_by_id.keys() - self._known:
            # In a transaction of its own: who makes a counter must not hold another meanwhile.
            made = await self._database.transact(partial(_open, {each: charge_by_id[each] for each in missing}), survives_power_cut=False)
            if len(self._known) > MAX_KNOWN:
                self._known.clear()
            self._known |= made
        # A power cut may lose it, and with it the call that it was for; the death of a process loses nothing.
        return await self._database.transact(partial(_reserve, asks, charge_by_id.keys()), survives_power_cut=False)

    async def settle(self, settlements: Sequence[Settlement]) -> Sequence[BudgetAlert]:
        return await self._database.transact(partial(settle, settlements=settlements))

    async def release(self, reservation_ids: Sequence[str]) -> None:
        open_ones = budget_reservations.c.reservation_id.in_(reservation_ids)
        await self._database.transact(partial(_release, select(budget_reservations).where(open_ones, _IS_OPEN)))

    async def release_expired(self, now_us: int) -> int:
        expired = select(budget_reservations).where(_IS_OPEN, budget_reservations.c.expires_at < now_us)
        async with self._database.read() as connection:
            if (await connection.execute(expired.limit(1))).first() is None:
                return 0
        return await self._database.transact(partial(_release, expired.limit(MAX_RELEASED)))

    async def counters(self, now_us: int) -> Sequence[Counter]:
        present = or_(budget_counters.c.window_end.is_(None), budget_counters.c.window_end > now_us)
        query = (
            select(budget_counters).where(present).order_by(budget_counters.c.budget, budget_counters.c.tenant_id, budget_counters.c.whose)
        )
        async with self._database.read() as connection:
            return [_counter(row) for row in await connection.execute(query)]

    async def sweep(self) -> None:
        """Forget windows that ended two months ago, and reservations that ended two days ago, of all tenants."""
        now = now_us()
        old = (budget_reservations.c.state != "open", budget_reservations.c.expires_at < now - KEEP_RESERVATIONS_US)
        await remove_rows(self._database, budget_counters, budget_counters.c.window_end < now - KEEP_COUNTERS_US)
        await remove_rows(self._database, budget_reservations, *old)


def _open(charge_by_id: Mapping[str, Charge], connection: Connection) -> set[str]:
    """Make the counters that are not there yet, and return those that are; one that goes beyond the quota is not made."""
    there = connection.execute(select(budget_counters.c.counter_id).where(budget_counters.c.counter_id.in_(charge_by_id)))
    known = set(there.scalars())
    for counter_id, charge in sorted(charge_by_id.items()):
        if counter_id not in known and (not charge.whose or _has_room(connection, charge)):
            connection.execute(upsert(connection.dialect.name, budget_counters).values(_new(counter_id, charge)).on_conflict_do_nothing())
            known.add(counter_id)
    return known


def _has_room(connection: Connection, charge: Charge) -> bool:
    its_own = (budget_counters.c.budget == charge.budget, budget_counters.c.tenant_id == charge.tenant_id)
    same_window = budget_counters.c.window_start == charge.window_start_us
    return (connection.scalar(select(func.count()).where(*its_own, same_window)) or 0) < MAX_COUNTERS


def _reserve(asks: Sequence[Ask], counter_ids: Iterable[str], connection: Connection) -> list[Charge | None]:
    rows = counters_for_update(connection, counter_ids)
    before = {row.counter_id: Amount(row.spent_nano_usd + row.reserved_nano_usd, row.spent_tokens + row.reserved_tokens) for row in rows}
    # A counter that there is no room for holds nothing.
    refused = [next((each for each in ask.reservation.charges if each.counter_id not in before), None) for ask in asks]
    after = dict(before)
    admitted = iter(admit([ask for ask, full in zip(asks, refused, strict=True) if full is None], after))
    outcomes = [next(admitted) if full is None else full for full in refused]
    taken = [
        {
            "id": counter_id,
            "more_nano_usd": used.nano_usd - before[counter_id].nano_usd,
            "more_tokens": used.tokens - before[counter_id].tokens,
        }
        for counter_id, used in after.items()
        if used != before[counter_id]
    ]
    if taken:
        connection.execute(_TAKE, taken)
    if kept := [_values(ask) for ask, full in zip(asks, outcomes, strict=True) if full is None]:
        connection.execute(_KEEP, kept)
    return outcomes


def _release(found: Select[Any], connection: Connection) -> int:
    rows = connection.execute(found.order_by(budget_reservations.c.reservation_id).with_for_update(skip_locked=True)).all()
    if rows:
        ids = [row.reservation_id for row in rows]
        connection.execute(update(budget_reservations).where(budget_reservations.c.reservation_id.in_(ids)).values(state="released"))
        give_back(connection, rows)
    return len(rows)


def _new(counter_id: str, charge: Charge) -> dict[str, object]:
    return {
        "counter_id": counter_id,
        "tenant_id": charge.tenant_id,
        "budget": charge.budget,
        "whose": charge.whose,
        "window_start": charge.window_start_us,
        "window_end": charge.window_end_us,
        "spent_nano_usd": 0,
        "spent_tokens": 0,
        "reserved_nano_usd": 0,
        "reserved_tokens": 0,
        "alerted": "[]",
    }


def _values(ask: Ask) -> dict[str, object]:
    reservation = ask.reservation
    return {
        "reservation_id": reservation.reservation_id,
        "tenant_id": ask.tenant_id,
        "counters": orjson.dumps([charge.counter_id for charge in reservation.charges]).decode(),
        "nano_usd": reservation.amount.nano_usd,
        "tokens": reservation.amount.tokens,
        "expires_at": ask.expires_at_us,
        "state": "open",
        "spent_nano_usd": 0,
        "spent_tokens": 0,
    }


def _counter(row: Row[Any]) -> Counter:
    return Counter(
        charge=Charge(
            budget=row.budget,
            whose=row.whose,
            window_start_us=row.window_start,
            window_end_us=row.window_end,
            tenant_id=row.tenant_id,
        ),
        spent=Amount(row.spent_nano_usd, row.spent_tokens),
        reserved=Amount(row.reserved_nano_usd, row.reserved_tokens),
        alerted=tuple(Amount(*each) for each in orjson.loads(row.alerted)),
    )
