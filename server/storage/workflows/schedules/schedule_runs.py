"""What became of the slots of schedules, in SQL. Table: schedule_runs."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Row, Select, delete, func, literal_column, select, tuple_, update

from server.storage.database import Database
from server.storage.row_removal import remove_rows
from server.storage.schema.workflows.schedule_tables import schedule_runs
from tools.operation import Json
from tools.workflows.schedules.schedule import ScheduleRun, SlotState
from tools.workflows.schedules.stores import LONG_REPORT_CHARS, MAX_LONG_REPORTS, MAX_RUNS

#: as a constant of the statement: SQLite takes the index of unended runs for nothing else
STARTED: ColumnElement[str] = literal_column("'started'")


class ScheduleRuns:
    """The part of `tools.workflows.schedules.stores.ScheduleStore` that tells of slots."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def taken(self, tenant_id: str, name: str, from_us: int, to_us: int) -> Collection[int]:
        r = schedule_runs.c
        query = select(r.slot).where(r.tenant_id == tenant_id, r.name == name, r.slot >= from_us, r.slot < to_us)
        async with self._database.read() as connection:
            return frozenset((await connection.execute(query)).scalars())

    async def unended(self, tenant_id: str, name: str) -> Sequence[ScheduleRun]:
        r = schedule_runs.c
        return await self._read(select(schedule_runs).where(r.tenant_id == tenant_id, r.name == name, r.state == STARTED).order_by(r.slot))

    async def all_unended(self, limit: int) -> Sequence[ScheduleRun]:
        # Of all tenants, on purpose: each is looked up as its own tenant's.
        r = schedule_runs.c
        return await self._read(select(schedule_runs).where(r.state == STARTED).order_by(r.tenant_id, r.name, r.slot).limit(limit))

    async def end(
        self, run: ScheduleRun, state: SlotState, ended_at_us: int, reason: str = "", report: Mapping[str, Json] | None = None
    ) -> bool:
        r = schedule_runs.c
        mine = (r.tenant_id == run.tenant_id, r.name == run.name, r.slot == run.slot_us, r.state == STARTED)
        kept = None if report is None else orjson.dumps(report).decode()
        values = {"state": state, "ended_at": ended_at_us, "reason": reason, "report": kept}

        def work(connection: Connection) -> bool:
            is_news = connection.execute(update(schedule_runs).where(*mine).values(**values)).rowcount == 1
            if kept is not None and len(kept) > LONG_REPORT_CHARS:
                long = (r.tenant_id == run.tenant_id, r.name == run.name, func.length(r.report) > LONG_REPORT_CHARS)
                newest = select(r.slot).where(*long).order_by(r.slot.desc()).offset(MAX_LONG_REPORTS - 1).limit(1).scalar_subquery()
                connection.execute(update(schedule_runs).where(*long, r.slot < newest).values(report=None))
            return is_news

        return await self._database.transact(work)

    async def run(self, tenant_id: str, name: str, slot_us: int) -> ScheduleRun | None:
        r = schedule_runs.c
        found = await self._read(select(schedule_runs).where(r.tenant_id == tenant_id, r.name == name, r.slot == slot_us))
        return found[0] if found else None

    async def runs(self, tenant_id: str, name: str | None, limit: int, before_us: int | None = None) -> Sequence[ScheduleRun]:
        r = schedule_runs.c
        query = select(schedule_runs).where(r.tenant_id == tenant_id)
        if name is not None:
            query = query.where(r.name == name)
        if before_us is not None:
            query = query.where(r.slot < before_us)
        return await self._read(query.order_by(r.slot.desc(), r.name).limit(limit))

    async def last_runs(self, tenant_id: str) -> Mapping[str, ScheduleRun]:
        r = schedule_runs.c
        newest = select(r.name, func.max(r.slot)).where(r.tenant_id == tenant_id).group_by(r.name)
        found = await self._read(select(schedule_runs).where(r.tenant_id == tenant_id, tuple_(r.name, r.slot).in_(newest)))
        return {run.name: run for run in found}

    async def last_started_us(self, names: Collection[str], since_us: int) -> Mapping[str, int]:
        # Of all tenants, on purpose: a heartbeat of the gateway.
        r = schedule_runs.c
        query = select(r.name, func.max(r.started_at).label("at")).where(r.started_at >= since_us, r.name.in_(names), r.run_id != "")
        async with self._database.read() as connection:
            return {row.name: row.at for row in await connection.execute(query.group_by(r.name))}

    async def forget_before(self, time_us: int) -> int:
        """Forget what became of slots of all tenants that came earlier; what has not ended stays."""
        r = schedule_runs.c
        return await remove_rows(self._database, schedule_runs, r.started_at < time_us, r.state != STARTED)

    async def _read(self, query: Select[Any]) -> Sequence[ScheduleRun]:
        return await self._database.look(lambda connection: [_run_of(row) for row in connection.execute(query)])


def values_of(run: ScheduleRun) -> dict[str, Any]:
    return {
        "tenant_id": run.tenant_id,
        "name": run.name,
        "slot": run.slot_us,
        "cause": run.cause,
        "state": run.state,
        "run_id": run.run_id,
        "started_at": run.started_at_us,
        "ended_at": run.ended_at_us,
        "missed": run.missed,
        "reason": run.reason,
        "report": None if run.report is None else orjson.dumps(run.report).decode(),
    }


def keep_newest_runs(connection: Connection, tenant_id: str, name: str) -> None:
    """Forget all but the newest MAX_RUNS slots of a schedule."""
    r = schedule_runs.c
    mine = (r.tenant_id == tenant_id, r.name == name)
    oldest_kept = select(r.slot).where(*mine).order_by(r.slot.desc()).offset(MAX_RUNS - 1).limit(1).scalar_subquery()
    connection.execute(delete(schedule_runs).where(*mine, r.slot < oldest_kept, r.state != STARTED))


def _run_of(row: Row[Any]) -> ScheduleRun:
    return ScheduleRun(
        tenant_id=row.tenant_id,
        name=row.name,
        slot_us=row.slot,
        cause=row.cause,
        state=row.state,
        run_id=row.run_id,
        started_at_us=row.started_at,
        ended_at_us=row.ended_at,
        missed=row.missed,
        reason=row.reason,
        report=None if row.report is None else orjson.loads(row.report),
    )
