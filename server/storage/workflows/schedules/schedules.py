"""Schedules in SQL. Tables: schedules, schedule_runs, workflow_runs."""

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Row, Select, delete, func, select, tuple_, update

from server.storage.database import Database, announce, announce_in_thread, now_us
from server.storage.insertion import insert_in_thread, insert_once_in_thread
from server.storage.schema.workflows.schedule_tables import schedule_runs, schedules
from server.storage.workflows.acting import acting, acts_for_of
from server.storage.workflows.runs.new_runs import QueuedRun, enqueue
from server.storage.workflows.schedules.schedule_runs import STARTED, ScheduleRuns, keep_newest_runs, values_of
from tools.errors import QuotaExceeded
from tools.workflows.run_keys import slot_key
from tools.workflows.schedules.cron import Cron
from tools.workflows.schedules.schedule import Schedule, ScheduleRun
from tools.workflows.schedules.stores import MAX_SCHEDULES
from tools.workflows.topics import SCHEDULE_NEWS


class SqlScheduleStore(ScheduleRuns):
    """Keeps `tools.workflows.schedules.stores.ScheduleStore`."""

    def __init__(self, database: Database, quota_scale: float = 1.0) -> None:
        super().__init__(database)
        self._most = max(1, round(MAX_SCHEDULES * quota_scale))

    async def add_missing(self, given: Sequence[Schedule]) -> None:
        s = schedules.c

        def there(connection: Connection) -> dict[tuple[str, str], Row[Any]]:
            mine = tuple_(s.tenant_id, s.name).in_([(each.tenant_id, each.name) for each in given])
            return {(row.tenant_id, row.name): row for row in connection.execute(select(schedules).where(mine))}

        def work(connection: Connection) -> None:
            for each, row in wanting:
                if row is None:
                    insert_once_in_thread(connection, schedules, _values_of(each))
                    continue
                values = _values_of(each) | {"is_paused": row.is_paused, "next_at": None if row.is_paused else each.next_at_us}
                as_it_was = (s.tenant_id == each.tenant_id, s.name == each.name, s.changed_at == row.changed_at)
                connection.execute(update(schedules).where(*as_it_was).values(**values))

        known = await self._database.look(there)
        rows = [(each, known.get((each.tenant_id, each.name))) for each in given]
        if wanting := [(each, row) for each, row in rows if row is None or _is_outdated(row, each)]:
            await self._database.transact(work)

    async def put(self, schedule: Schedule) -> bool:
        s = schedules.c

        def work(connection: Connection) -> bool:
            was_there = connection.execute(delete(schedules).where(*_one(schedule.tenant_id, schedule.name))).rowcount == 1
            others = select(func.count()).where(s.tenant_id == schedule.tenant_id, s.origin == "custom")
            if schedule.origin == "custom" and connection.execute(others).scalar_one() >= self._most:
                raise QuotaExceeded(f"schedules of your whole tenant ({self._most})", "remove one that nobody needs any more")
            insert_in_thread(connection, schedules, [_values_of(schedule)])
            announce_in_thread(connection, SCHEDULE_NEWS, schedule.tenant_id, schedule.name)
            return not was_there

        return await self._database.transact(work)

    async def remove(self, tenant_id: str, name: str) -> bool:
        async with self._database.write() as connection:
            gone = (await connection.execute(delete(schedules).where(*_one(tenant_id, name)))).rowcount == 1
            await announce(connection, SCHEDULE_NEWS, tenant_id, name)
        return gone

    async def pause(self, tenant_id: str, name: str) -> bool:
        values = {"is_paused": True, "next_at": None, "changed_at": now_us()}
        async with self._database.write() as connection:
            changed = await connection.execute(update(schedules).where(*_one(tenant_id, name)).values(**values))
            await announce(connection, SCHEDULE_NEWS, tenant_id, name)
        return changed.rowcount == 1

    async def of(self, tenant_id: str) -> Sequence[Schedule]:
        return await self._schedules(select(schedules).where(schedules.c.tenant_id == tenant_id).order_by(schedules.c.name))

    async def page(self, tenant_id: str | None, after: tuple[str, str] | None, limit: int) -> Sequence[Schedule]:
        """Return schedules in the order of tenant and name, those after a place; `tenant_id` None: of all tenants, for operators."""
        s = schedules.c
        query = select(schedules).order_by(s.tenant_id, s.name).limit(limit)
        if tenant_id is not None:
            query = query.where(s.tenant_id == tenant_id)
        if after is not None:
            query = query.where(tuple_(s.tenant_id, s.name) > after)
        return await self._schedules(query)

    async def get(self, tenant_id: str, name: str) -> Schedule | None:
        found = await self._schedules(select(schedules).where(*_one(tenant_id, name)))
        return found[0] if found else None

    async def due(self, time_us: int, limit: int) -> Sequence[Schedule]:
        # Of all tenants, on purpose, as in the next two: one clock serves them all.
        s = schedules.c
        return await self._schedules(select(schedules).where(s.next_at <= time_us).order_by(s.next_at).limit(limit))

    async def passed_over(self, limit: int) -> Sequence[tuple[Schedule, int]]:
        # Of all tenants, too: from the few runs that go on to what had to be skipped for them.
        s, going_on, skipped = schedules.c, schedule_runs.alias("going_on").c, schedule_runs.alias("skipped").c
        same = ((s.tenant_id == each.tenant_id) & (s.name == each.name) for each in (going_on, skipped))
        query = (
            select(schedules, func.min(skipped.slot).label("since"))
            .where(*same, going_on.state == STARTED, skipped.slot > going_on.slot, skipped.state == "skipped", s.next_at.is_not(None))
            .group_by(s.tenant_id, s.name)
            .order_by(s.tenant_id, s.name)
            .limit(limit)
        )
        return await self._database.look(lambda connection: [(_schedule_of(row), row.since) for row in connection.execute(query)])

    async def next_due_us(self) -> int | None:
        # of all tenants
        async with self._database.read() as connection:
            earliest: int | None = await connection.scalar(select(func.min(schedules.c.next_at)))
        return earliest

    async def ahead(self, time_us: int) -> Sequence[Schedule]:
        # of all tenants
        return await self._schedules(select(schedules).where(schedules.c.next_at > time_us))

    async def begin(self, schedule: Schedule, run: ScheduleRun, next_at_us: int | None) -> bool:
        def work(connection: Connection) -> bool:
            moved = connection.execute(update(schedules).where(*_as_it_was(schedule)).values(next_at=next_at_us))
            return moved.rowcount == 1 and _note(connection, schedule, run)

        return await self._database.transact(work)

    async def begin_now(self, schedule: Schedule, run: ScheduleRun) -> bool:
        def work(connection: Connection) -> bool:
            mine = select(schedules.c.name).where(*_one(schedule.tenant_id, schedule.name)).with_for_update()
            if connection.execute(mine).first() is None:
                return False
            announce_in_thread(connection, SCHEDULE_NEWS, schedule.tenant_id, schedule.name)
            return _note(connection, schedule, run)

        return await self._database.transact(work)

    async def move(self, schedule: Schedule, next_at_us: int | None) -> bool:
        async with self._database.write() as connection:
            moved = await connection.execute(update(schedules).where(*_as_it_was(schedule)).values(next_at=next_at_us))
        return moved.rowcount == 1

    async def _schedules(self, query: Select[Any]) -> Sequence[Schedule]:
        # In a thread: of thousands of tenants these are many.
        return await self._database.look(lambda connection: [_schedule_of(row) for row in connection.execute(query)])


def _note(connection: Connection, schedule: Schedule, run: ScheduleRun) -> bool:
    """Put a slot on record, and with it the start of its run; False where it is there already."""
    if not insert_once_in_thread(connection, schedule_runs, values_of(run)):
        return False
    keep_newest_runs(connection, run.tenant_id, run.name)
    if run.state == "started":
        key, by = slot_key(run.name, run.slot_us), "manual" if run.cause == "manual" else "schedule"
        enqueue(connection, QueuedRun(run.tenant_id, schedule.workflow, key, schedule.given, by, schedule.acts_for))
    return True


def _one(tenant_id: str, name: str) -> tuple[ColumnElement[bool], ...]:
    return schedules.c.tenant_id == tenant_id, schedules.c.name == name


def _as_it_was(schedule: Schedule) -> tuple[ColumnElement[bool], ...]:
    unchanged = (schedules.c.next_at == schedule.next_at_us, schedules.c.changed_at == schedule.changed_at_us)
    return *_one(schedule.tenant_id, schedule.name), *unchanged


def _is_outdated(row: Row[Any], schedule: Schedule) -> bool:
    """Say whether a schedule that the gateway brought is not what it brings now."""
    is_same = (row.workflow, row.cron, row.zone) == (schedule.workflow, schedule.cron.expression, schedule.cron.zone)
    # Paused for every tenant, or not any more; what somebody paused here stays so.
    is_on_or_off = row.is_paused or (row.next_at is None) == (schedule.next_at_us is None)
    return row.origin == "builtin" and not (is_same and is_on_or_off)


def _values_of(schedule: Schedule) -> dict[str, Any]:
    return {
        "tenant_id": schedule.tenant_id,
        "name": schedule.name,
        "workflow": schedule.workflow,
        "cron": schedule.cron.expression,
        "zone": schedule.cron.zone,
        "given": orjson.dumps(dict(schedule.given)).decode(),
        **acting(schedule.acts_for),
        "origin": schedule.origin,
        "is_paused": schedule.is_paused,
        "next_at": schedule.next_at_us,
        "changed_at": now_us(),
    }


def _schedule_of(row: Row[Any]) -> Schedule:
    return Schedule(
        tenant_id=row.tenant_id,
        name=row.name,
        workflow=row.workflow,
        cron=Cron(row.cron, row.zone),
        given=orjson.loads(row.given),
        acts_for=acts_for_of(row),
        origin=row.origin,
        is_paused=row.is_paused,
        next_at_us=row.next_at,
        changed_at_us=row.changed_at,
    )
