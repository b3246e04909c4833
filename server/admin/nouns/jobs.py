"""Jobs: what is started by itself and when, what became of it, and what it reported."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from server.admin.administrators import Administrator
from server.admin.refusals import AdminRefused
from server.admin.resource import Change, Column, Done, Filter, ListQuery, Resource, Row, Rows
from tools.operation import Json
from tools.workflows.errors import WorkflowRefused

if TYPE_CHECKING:
    from server.storage.workflows.schedules.schedules import SqlScheduleStore
    from tools.workflows.schedules.schedule import Schedule, ScheduleRun
    from tools.workflows.schedules.setting import Schedules

#: slots that the page of a job shows
SHOWN_RUNS = 20
STATES = ("waiting", "paused", "running", "succeeded", "failed", "skipped", "cancelled", "lost")
_STATUS = {"not_found": 404, "conflict": 409, "quota_exceeded": 429, "rate_limited": 429}


@dataclass(frozen=True, slots=True)
class Jobs:
    """Those of the default tenant are the gateway's, since they report of every tenant (server/assembly/workflows/report_jobs.py)."""

    #: schedules are loaded when somebody looks at them (docs/decisions/0059)
    opens: "Callable[[], Awaitable[tuple[SqlScheduleStore, Schedules]]]"

    def resource(self) -> Resource:
        return Resource(
            name="jobs",
            title="Jobs",
            about="What the gateway and its people have started at times: the last slot of each, and what it found.",
            columns=(
                Column(name="name", title="Job"),
                Column(name="tenant", title="Tenant", link="tenants"),
                Column(name="state", title="State", kind="state"),
                Column(name="findings", title="Findings", kind="number"),
                Column(name="last_at", title="Last", kind="time"),
                Column(name="next_at", title="Next", kind="time"),
                Column(name="cron", title="When", is_aside=True),
                Column(name="zone", title="Zone", is_aside=True),
                Column(name="workflow", title="Workflow", is_aside=True),
            ),
            facts=(
                Column(name="origin", title="Comes from"),
                Column(name="reason", title="Why"),
                Column(name="report", title="Last report"),
                Column(name="runs", title="Slots"),
            ),
            rows=self.rows,
            one=self.one,
            filters=(Filter(name="state", title="State", choices=STATES),),
            changes=(
                Change("run", "Run now", self._of(self._start)),
                Change("pause", "Pause", self._of(self._pause), confirm="Nothing is started by it until it is resumed."),
                Change("resume", "Resume", self._of(self._resume)),
            ),
            when_empty="No such jobs. Every tenant has some from the start: `ascend schedule list`.",
        )

    async def rows(self, administrator: Administrator, query: ListQuery) -> Rows:
        if query.tenant_id is not None and not administrator.reaches_upkeep(query.tenant_id):
            return Rows([])
        store, _ = await self.opens()
        wanted, found, after = query.filters.get("state"), list[Row](), _place(query.cursor)
        while len(found) <= query.limit:
            schedules = await store.page(query.tenant_id, after, query.limit + 1)
            last = {tenant: await store.last_runs(tenant) for tenant in {each.tenant_id for each in schedules}}
            rows = [_row(each, last[each.tenant_id].get(each.name)) for each in schedules]
            found += [row for row in rows if wanted in (None, row["state"])]
            if len(schedules) <= query.limit:
                break
            after = (schedules[-1].tenant_id, schedules[-1].name)
        shown = found[: query.limit]
        return Rows(shown, str(shown[-1]["id"]) if len(found) > query.limit else None)

    async def one(self, administrator: Administrator, key: str) -> Row | None:
        store, _ = await self.opens()
        tenant_id, _, name = key.partition(":")
        schedule = await store.get(tenant_id, name) if administrator.reaches_upkeep(tenant_id) else None
        if schedule is None:
            return None
        runs = await store.runs(tenant_id, name, SHOWN_RUNS)
        row = _row(schedule, runs[0] if runs else None)
        report = next((dict(run.report) for run in runs if run.report is not None), None)
        told: list[Json] = [_run(run) for run in runs]
        return {**row, "origin": schedule.origin, "given": dict(schedule.given), "report": report, "runs": told}

    def _of(self, change: Callable[[str, str], Awaitable[Done]]) -> Callable[[Administrator, str, Mapping[str, str]], Awaitable[Done]]:
        """Return a change of one job, which is within reach and there, or is refused."""

        async def apply(administrator: Administrator, key: str, _values: Mapping[str, str]) -> Done:
            tenant_id, _, name = key.partition(":")
            with as_refusals():
                if not administrator.reaches_upkeep(tenant_id):
                    raise WorkflowRefused("not_found", f"there is no job {key[:80]!r}")
                return await change(tenant_id, name)

        return apply

    async def _start(self, tenant_id: str, name: str) -> Done:
        _, schedules = await self.opens()
        run = await schedules.start(tenant_id, name)
        return Done(f"{name} was started.", {"run": run.run_id})

    async def _pause(self, tenant_id: str, name: str) -> Done:
        _, schedules = await self.opens()
        await schedules.pause(tenant_id, name)
        return Done(f"{name} is paused.", {"name": name, "state": "paused"})

    async def _resume(self, tenant_id: str, name: str) -> Done:
        _, schedules = await self.opens()
        schedule = await schedules.resume(tenant_id, name)
        return Done(f"{name} goes on.", {"name": name, "next_at": schedule.next_at_us})


@contextmanager
def as_refusals() -> Iterator[None]:
    """Have what durable work refuses told as the administration tells it, with every fault."""
    try:
        yield
    except WorkflowRefused as refused:
        failure = refused.failure
        faults = [{"place": str(each.get("path", "")), "message": f"wanted: {each.get('rule', '')}"} for each in failure.faults]
        raise AdminRefused(_STATUS.get(failure.code, 422), failure.code, failure.message, failure.hint or "", faults=faults) from refused


def _place(cursor: str | None) -> tuple[str, str] | None:
    if cursor is None:
        return None
    tenant_id, _, name = cursor.partition(":")
    return tenant_id, name


def _row(schedule: "Schedule", last: "ScheduleRun | None") -> dict[str, Json]:
    ran = "waiting" if last is None else "running" if last.state == "started" else last.state
    return {
        "id": f"{schedule.tenant_id}:{schedule.name}",
        "name": schedule.name,
        "tenant": schedule.tenant_id,
        "state": "paused" if schedule.is_off else ran,
        "findings": _findings(last),
        "last_at": last.started_at_us if last else None,
        "next_at": schedule.next_at_us,
        "cron": schedule.cron.expression,
        "zone": schedule.cron.zone,
        "workflow": schedule.workflow,
        "reason": last.reason if last else "",
    }


def _run(run: "ScheduleRun") -> dict[str, Json]:
    return {
        "slot_us": run.slot_us,
        "cause": run.cause,
        "state": run.state,
        "findings": _findings(run),
        "took_ms": None if run.ended_at_us is None else (run.ended_at_us - run.started_at_us) / 1_000,
        "missed": run.missed,
        "reason": run.reason,
        "run": run.run_id,
    }


def _findings(run: "ScheduleRun | None") -> Json:
    counts = run.report.get("counts") if run is not None and run.report else None
    return counts.get("findings") if isinstance(counts, Mapping) else None
