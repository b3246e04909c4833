"""What a slot costs beside a bare transaction of the same store in the same run, and what a scheduler asks that only waits.

    python -m benchmarks.schedule_slots

Goal: taking a slot (the schedule moves on, the slot and its run are on record, durably) costs at most 4 bare durable transactions of one
row, on SQLite with full sync; a scheduler with a thousand schedules that wait asks the store nothing for ten seconds.
"""

import sys
import tempfile
import time
from pathlib import Path

import anyio
from sqlalchemy import event, insert
from sqlalchemy.engine import Engine

from server.config.store import sqlite_url
from server.storage.database import Database, now_us
from server.storage.migrate import migrate
from server.storage.schema.platform_tables import changes
from server.storage.workflows.forgetting import forget_durable_work
from server.storage.workflows.runs.records import SqlRunRecords
from server.storage.workflows.schedules.schedules import SqlScheduleStore
from tests.waiting import until
from tools.workflows.schedules.cron import Cron
from tools.workflows.schedules.schedule import Schedule
from tools.workflows.schedules.scheduler import Scheduler
from tools.workflows.schedules.slots import Slots

ROUNDS, TENANTS = 3, 100
WAITING, WAITED_S = 1_000, 10.0
MOST_TRANSACTIONS = 4.0
HOUR_US = 3600 * 1_000_000


def hourly(tenant: int, due_us: int) -> Schedule:
    return Schedule(f"tenant{tenant}", "hourly", "report", Cron("0 * * * *", "UTC"), next_at_us=due_us)


async def bare_ms(database: Database) -> float:
    """Return what a transaction of one row takes, in ms."""
    row = insert(changes).values(topic="measured", tenant_id="", item="", changed_at=now_us())
    began = time.perf_counter()
    for _ in range(TENANTS):
        await database.transact(lambda connection: connection.execute(row))
    return (time.perf_counter() - began) * 1e3 / TENANTS


async def slot_ms(database: Database, store: SqlScheduleStore) -> float:
    """Return what taking a slot takes, of a schedule that has no run under way, in ms."""
    slots = Slots(store, SqlRunRecords(database))
    now = now_us()
    for tenant in range(TENANTS):
        await forget_durable_work(database, f"tenant{tenant}")
        await store.put(hourly(tenant, now))
    began = time.perf_counter()
    await slots.take_due(now + 1)
    spent = time.perf_counter() - began
    if slots.counts.slots["started"] != TENANTS:
        raise SystemExit(f"{slots.counts.slots['started']} of {TENANTS} slots were taken")
    return spent * 1e3 / TENANTS


async def statements_while_waiting(database: Database, store: SqlScheduleStore) -> int:
    """Return how many statements a scheduler sends that has nothing to do, once it has begun."""
    for tenant in range(TENANTS):
        await forget_durable_work(database, f"tenant{tenant}")
    await store.add_missing([hourly(tenant, now_us() + HOUR_US) for tenant in range(WAITING)])
    scheduler, sent = Scheduler(Slots(store, SqlRunRecords(database))), 0

    def counted(*_given: object) -> None:
        nonlocal sent
        sent += 1

    async with anyio.create_task_group() as group:
        group.start_soon(scheduler.run)
        await until(lambda: scheduler.counts.next_due_us is not None)
        await anyio.sleep(1)
        event.listen(Engine, "before_cursor_execute", counted)
        await anyio.sleep(WAITED_S)
        event.remove(Engine, "before_cursor_execute", counted)
        group.cancel_scope.cancel()
    return sent


async def measured(folder: Path) -> int:
    url = sqlite_url(folder / "store.sqlite3")
    await migrate(url)
    database = Database(url)
    store = SqlScheduleStore(database)
    rounds = [(await bare_ms(database), await slot_ms(database, store)) for _ in range(ROUNDS)]
    bare, slot = min(rounds, key=lambda each: each[1] / each[0])
    sent = await statements_while_waiting(database, store)
    await database.close()
    print(f"a slot takes {slot:.2f} ms, {slot / bare:.1f} bare transactions of {bare:.2f} ms (at most {MOST_TRANSACTIONS:g})")
    print(f"{WAITING:,} schedules that wait: {sent} statements in {WAITED_S:g} s (none)")
    return 0 if slot / bare <= MOST_TRANSACTIONS and sent == 0 else 1


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        return anyio.run(measured, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
