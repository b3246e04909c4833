"""Waits for the next slot of any schedule and takes it; any number of nodes may, and each slot is one node's."""

import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import anyio
import anyio.lowlevel

from tools.workflows.schedules.schedule import Schedule, ScheduleRun, ended, run_key
from tools.workflows.schedules.stores import ScheduleStore
from tools.workflows.stores import RunView

#: without a look at the store: how soon a clock that was set forward is noticed
LONGEST_WAIT_S = 30.0
#: between two looks at runs that have not ended; doubles up to the longest
FIRST_LOOK_S, LONGEST_LOOK_S = 1.0, 60.0
RETRY_S, LONGEST_RETRY_S = 1.0, 60.0
#: a clock that is corrected by less is no clock that was set back
SET_BACK_US = 1_000_000
#: a start that is so late is called a catch-up, and is said
LATE_US = 60 * 1_000_000
#: an expression or a zone that this node does not understand is tried again so much later
BROKEN_US = 3600 * 1_000_000
#: between two looks at what other nodes are taking
SHORTEST_WAIT_S = 0.05
MOST_DUE, MOST_UNENDED = 500, 1_000

log = logging.getLogger("ascend.schedules")

#: says whether a schedule that the gateway brought has anything to look at in this tenant
Lookout = Callable[[str], Awaitable[bool]]


class ShowsRuns(Protocol):
    """The part of `Workflows` that tells how a run is."""

    async def show(self, tenant_id: str, run_id: str) -> RunView | None: ...


@dataclass(slots=True)
class SchedulerCounts:
    """What this process did; names of schedules only where the gateway brought them, whose number is bounded."""

    #: outcome -> slots: started, caught_up, skipped, missed, idle, failed
    slots: Counter[str] = field(default_factory=Counter)
    #: name of a schedule -> when something was started for it
    last_started_us: dict[str, int] = field(default_factory=dict)
    #: of any schedule
    next_due_us: int | None = None


class Scheduler:
    """`run` until cancelled; `look` is one look. The clock may jump: a slot is taken by its name, at most once, whatever the time is."""

    def __init__(
        self,
        store: ScheduleStore,
        runs: ShowsRuns,
        *,
        prepare: Callable[[], Awaitable[None]] | None = None,
        is_live: Callable[[str], bool] = lambda _tenant_id: True,
        lookouts: Mapping[str, Lookout] | None = None,
        missed: Callable[[Schedule, ScheduleRun], None] = lambda _schedule, _run: None,
        unavailable: tuple[type[Exception], ...] = (OSError,),
        clock_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        """`prepare`: is done before the first look. `lookouts`: by name of a built-in schedule. `missed`: told of slots that nothing was
        started for. `unavailable`: what the store raises where it is away."""
        self._store, self._runs, self._prepare, self._is_live, self._lookouts = store, runs, prepare, is_live, lookouts or {}
        self._missed, self._unavailable, self._clock_us = missed, unavailable, clock_us
        self._woken = anyio.Event()
        self._drift_us = self._drift()
        #: monotonic, and how long it was waited last
        self._look_at_runs_s, self._pause_s = 0.0, FIRST_LOOK_S
        self._has_unended = True
        self.counts = SchedulerCounts()

    def wake(self) -> None:
        """Look soon: a schedule was changed, or something was started beside the slots."""
        self._pause_s, self._look_at_runs_s, self._has_unended = FIRST_LOOK_S, 0.0, True
        self._woken.set()

    def runs_changed(self) -> None:
        """Look soon at how runs ended, where any is under way."""
        if self._has_unended:
            self._pause_s, self._look_at_runs_s = FIRST_LOOK_S, 0.0
            self._woken.set()

    async def run(self) -> None:
        """Work until cancelled. A store that is away costs time, not slots: what came meanwhile is caught up with once."""
        wait_s, retry_s, is_first = 0.0, RETRY_S, True
        while True:
            with anyio.move_on_after(wait_s):
                await self._woken.wait()
            is_woken, self._woken = self._woken.is_set(), anyio.Event()
            try:
                if is_first and self._prepare is not None:
                    await self._prepare()
                if self._was_set_back() or is_first:
                    await self.return_to(self._clock_us())
                if is_first or is_woken or self._is_due():
                    await self.look(self._clock_us())
                if self._has_unended and time.monotonic() >= self._look_at_runs_s:
                    await self._look_at_runs()
            except self._unavailable as error:
                log.error("schedules_not_looked_at", extra={"facts": {"kind": type(error).__name__, "again_in_s": retry_s}})
                wait_s, retry_s = retry_s, min(2 * retry_s, LONGEST_RETRY_S)
                is_first = True  # What went wrong may have been half of it.
                continue
            wait_s, retry_s, is_first = self._wait_s(), RETRY_S, False

    async def look(self, now_us: int) -> int | None:
        """Take every slot that has come, and return when the next one comes; None where there is none."""
        while due := await self._store.due(now_us, MOST_DUE):
            moved = [await self._take_safely(schedule, now_us) for schedule in due]
            if not any(moved):
                break  # Other nodes are at them.
        self.counts.next_due_us = await self._store.next_due_us()
        return self.counts.next_due_us

    async def look_at_runs(self, now_us: int) -> bool:
        """Note which runs have ended, and how; True where some go on."""
        unended = await self._store.all_unended(MOST_UNENDED)
        return not all([await self._has_ended(run, now_us) for run in unended])

    async def return_to(self, now_us: int) -> None:
        """Put schedules whose next slot lies too far ahead, since it was worked out by a clock that went wrong, back to the first slot that
        nothing was started for."""
        for schedule in await self._store.ahead(now_us):
            await anyio.lowlevel.checkpoint()
            slot_us = self._next_after(schedule, now_us)
            if slot_us is None or schedule.next_at_us is None or slot_us >= schedule.next_at_us:
                continue
            taken = await self._store.taken(schedule.tenant_id, schedule.name, slot_us, schedule.next_at_us)
            while slot_us is not None and slot_us in taken:
                slot_us = self._next_after(schedule, slot_us)
            if slot_us is not None and slot_us < schedule.next_at_us:
                await self._store.move(schedule, slot_us)

    async def _take_safely(self, schedule: Schedule, now_us: int) -> bool:
        """Take a slot; what is wrong with one schedule is no reason to leave others alone."""
        try:
            return await self._take(schedule, now_us)
        except self._unavailable:
            raise
        except Exception as error:  # whatever it is, the next slot of this one is later
            log.error("schedule_not_taken", exc_info=error, extra={"facts": _facts(schedule)})
            self.counts.slots["failed"] += 1
            return await self._store.move(schedule, self._next_after(schedule, now_us))

    async def _take(self, schedule: Schedule, now_us: int) -> bool:
        """Start what the slot is for, or say why not; False where another node was faster."""
        slot_us = schedule.next_at_us
        assert slot_us is not None
        next_us, passed = schedule.cron.next_after(now_us), schedule.cron.passed(slot_us, now_us)
        looks = self._lookouts.get(schedule.name) if schedule.origin == "builtin" else None
        if not self._is_live(schedule.tenant_id) or (looks is not None and not await looks(schedule.tenant_id)):
            self.counts.slots["idle"] += 1
            return await self._store.move(schedule, next_us)
        run = ScheduleRun(
            tenant_id=schedule.tenant_id,
            name=schedule.name,
            slot_us=slot_us,
            cause="catch_up" if passed or now_us - slot_us > LATE_US else "slot",
            state="started",
            run_id=f"{schedule.tenant_id}:{schedule.workflow}:{run_key(schedule.name, slot_us)}",
            started_at_us=now_us,
            missed=passed,
        )
        if before := await self.still_running(schedule.tenant_id, schedule.name, now_us):
            reason = f"its predecessor {before.run_id} still runs"
            run = ScheduleRun(run.tenant_id, run.name, slot_us, run.cause, "skipped", "", now_us, now_us, passed, reason)
        if not await self._store.begin(schedule, run, next_us):
            return False
        self._note(schedule, run)
        return True

    async def still_running(self, tenant_id: str, name: str, now_us: int) -> ScheduleRun | None:
        """Return a run of this schedule that has not ended; how the others ended is noted."""
        for run in await self._store.unended(tenant_id, name):
            if not await self._has_ended(run, now_us):
                return run
        return None

    def _note(self, schedule: Schedule, run: ScheduleRun) -> None:
        counts = self.counts
        counts.slots["skipped" if run.state == "skipped" else "caught_up" if run.cause == "catch_up" else "started"] += 1
        if run.state == "started":
            self._has_unended, self._pause_s, self._look_at_runs_s = True, FIRST_LOOK_S, 0.0
            if schedule.origin == "builtin":
                counts.last_started_us[schedule.name] = run.started_at_us
        if run.missed or run.state == "skipped":
            counts.slots["missed"] += run.missed
            facts = {**_facts(schedule), "missed": run.missed, "reason": run.reason or "nobody was there when they came"}
            log.warning("schedule_slots_missed", extra={"facts": facts})
            self._missed(schedule, run)

    async def _look_at_runs(self) -> None:
        self._has_unended = await self.look_at_runs(self._clock_us())
        self._look_at_runs_s = time.monotonic() + self._pause_s
        self._pause_s = min(2 * self._pause_s, LONGEST_LOOK_S)

    async def _has_ended(self, run: ScheduleRun, now_us: int) -> bool:
        try:
            how = ended(run, await self._runs.show(run.tenant_id, run.run_id), now_us)
        except self._unavailable:
            raise
        except Exception as error:  # an engine that cannot say is no reason to end the scheduler
            log.error("scheduled_run_not_shown", exc_info=error, extra={"facts": {"tenant": run.tenant_id, "run": run.run_id}})
            how = None
        if how is None:
            return False
        state, ended_at_us, reason, report = how
        await self._store.end(run, state, ended_at_us, reason, report)
        return True

    def _next_after(self, schedule: Schedule, time_us: int) -> int | None:
        """Return the next slot; where zone or expression mean nothing here any more, a time when that may have been mended."""
        try:
            return schedule.cron.next_after(time_us)
        except Exception as error:  # what cronsim and zoneinfo raise is no promise of theirs
            log.error("schedule_without_slots", exc_info=error, extra={"facts": _facts(schedule)})
            return time_us + BROKEN_US

    def _is_due(self) -> bool:
        due_us = self.counts.next_due_us
        return due_us is not None and due_us <= self._clock_us()

    def _wait_s(self) -> float:
        waits: list[float] = [LONGEST_WAIT_S]
        if self.counts.next_due_us is not None:
            waits.append((self.counts.next_due_us - self._clock_us()) / 1e6)
        if self._has_unended:
            waits.append(self._look_at_runs_s - time.monotonic())
        return max(SHORTEST_WAIT_S, min(waits))

    def _was_set_back(self) -> bool:
        before, self._drift_us = self._drift_us, self._drift()
        return self._drift_us < before - SET_BACK_US

    def _drift(self) -> int:
        """Return by how much the clock is ahead of time as it passes."""
        return self._clock_us() - time.monotonic_ns() // 1000


def _facts(schedule: Schedule) -> dict[str, object]:
    return {"tenant": schedule.tenant_id, "schedule": schedule.name, "workflow": schedule.workflow}
