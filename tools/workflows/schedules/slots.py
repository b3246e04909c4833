"""Takes slots that have come, and hears how what they started ended. Any number of nodes may; each slot is one node's."""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import anyio.lowlevel

from tools.workflows.ingestion.accounts import WITH_ACCOUNT
from tools.workflows.run_keys import slot_key
from tools.workflows.schedules.builtin import BUILTIN
from tools.workflows.schedules.schedule import LateSchedule, Schedule, ScheduleRun, ended
from tools.workflows.schedules.stores import ScheduleStore
from tools.workflows.stores import RunView

#: a start that is so late is called a catch-up, and is said
LATE_US = 60 * 1_000_000
#: an expression or a zone that this node does not understand is tried again so much later
BROKEN_US = 3600 * 1_000_000
MOST_DUE, MOST_UNENDED, MOST_LATE = 500, 1_000, 1_000
#: in metrics, for schedules that tenants named themselves
CUSTOM = "custom"

log = logging.getLogger("ascend.schedules")

#: says whether a schedule that the gateway brought has anything to look at in this tenant
Lookout = Callable[[str], Awaitable[bool]]
#: told of a slot that was skipped, or of how many came while nobody was there
Missed = Callable[[Schedule, ScheduleRun], None]


class ShowsRuns(Protocol):
    """The part of `Workflows` that tells how a run is."""

    async def show(self, tenant_id: str, run_id: str) -> RunView | None: ...


@dataclass(slots=True)
class SlotCounts:
    """What this process did; names of schedules only where the gateway brought them, whose number is bounded."""

    #: of the schedules that the gateway brought along, and CUSTOM
    names: tuple[str, ...] = ()
    #: outcome -> slots: started, caught_up, skipped, missed, idle, failed
    slots: Counter[str] = field(default_factory=Counter)
    #: name of a schedule, or CUSTOM -> slots that came and started nothing: passed while nobody was there, skipped, failed
    missed: Counter[str] = field(default_factory=Counter)
    #: the same names -> since when one of them has been late, as of the last look
    late_since_us: dict[str, int] = field(default_factory=dict)
    #: name of a schedule -> when something was started for it
    last_started_us: dict[str, int] = field(default_factory=dict)
    #: of any schedule
    next_due_us: int | None = None


class Slots:
    """A slot is taken by its name, at most once, whatever the time is said to be."""

    def __init__(
        self,
        store: ScheduleStore,
        runs: ShowsRuns,
        *,
        is_live: Callable[[str], bool] = lambda _tenant_id: True,
        lookouts: Mapping[str, Lookout] | None = None,
        missed: Missed = lambda _schedule, _run: None,
        unavailable: tuple[type[Exception], ...] = (OSError,),
    ) -> None:
        """`is_live`: of a tenant. `lookouts`: by name of a built-in schedule. `unavailable`: what the store raises where it is away."""
        self._store, self._runs, self._is_live, self._lookouts = store, runs, is_live, lookouts or {}
        self._missed, self.unavailable = missed, unavailable
        self.counts = SlotCounts((*sorted(self._lookouts), CUSTOM))
        #: whether something may be under way that was started here or elsewhere
        self.has_unended = True

    async def take_due(self, now_us: int) -> int | None:
        """Take every slot that has come, and return when the next one comes; None where there is none."""
        while due := await self._store.due(now_us, MOST_DUE):
            moved = [await self._take_safely(schedule, now_us) for schedule in due]
            if not any(moved):
                break  # Other nodes are at them.
        self.counts.next_due_us = await self._store.next_due_us()
        return self.counts.next_due_us

    async def look_at_runs(self, now_us: int) -> None:
        """Note which runs have ended, and how."""
        unended = await self._store.all_unended(MOST_UNENDED)
        self.has_unended = not all([await self._has_ended(run, now_us) for run in unended])

    async def late(self, now_us: int) -> Sequence[LateSchedule]:
        """Return schedules of live tenants whose slot came and started nothing, by tenant and name; reads the store."""
        late = [
            LateSchedule(each.tenant_id, each.name, each.next_at_us, "not_taken", _next_after(each, each.next_at_us))
            for each in await self._store.due(now_us - LATE_US, MOST_LATE)
            if each.next_at_us is not None and self._is_live(each.tenant_id)
        ]
        waiting = {(each.tenant_id, each.name) for each in late}
        for passed, since_us in await self._store.passed_over(MOST_LATE):
            if self._is_live(passed.tenant_id) and (passed.tenant_id, passed.name) not in waiting:
                late.append(LateSchedule(passed.tenant_id, passed.name, since_us, "still_running", _next_after(passed, since_us)))
        self.counts.late_since_us = {}
        for each in sorted(late, key=lambda each: each.due_since_us):
            self.counts.late_since_us.setdefault(_counted_as(each.name), each.due_since_us)
        return sorted(late, key=lambda each: (each.tenant_id, each.name))

    async def return_to(self, now_us: int) -> None:
        """Put schedules whose next slot lies too far ahead, since it was worked out by a clock that went wrong, back to the first slot that
        nothing was started for."""
        for schedule in await self._store.ahead(now_us):
            await anyio.lowlevel.checkpoint()
            slot_us = _next_after(schedule, now_us)
            if slot_us is None or schedule.next_at_us is None or slot_us >= schedule.next_at_us:
                continue
            taken = await self._store.taken(schedule.tenant_id, schedule.name, slot_us, schedule.next_at_us)
            while slot_us is not None and slot_us in taken:
                slot_us = _next_after(schedule, slot_us)
            if slot_us is not None and slot_us < schedule.next_at_us:
                await self._store.move(schedule, slot_us)

    async def _take_safely(self, schedule: Schedule, now_us: int) -> bool:
        """Take a slot; what is wrong with one schedule is no reason to leave others alone."""
        try:
            return await self._take(schedule, now_us)
        except self.unavailable:
            raise
        except Exception as error:  # whatever it is, the next slot of this one is later
            log.error("schedule_not_taken", exc_info=error, extra={"facts": _facts(schedule)})
            return await self._fail(schedule, now_us, error)

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
            run_id=f"{schedule.tenant_id}:{schedule.workflow}:{slot_key(schedule.name, slot_us)}",
            started_at_us=now_us,
            missed=passed,
        )
        if before := await self._still_running(schedule, now_us):
            reason = f"its predecessor {before.run_id} still runs"
            run = replace(run, state="skipped", run_id="", ended_at_us=now_us, reason=reason)
        if not await self._store.begin(schedule, run, next_us):
            return False
        self._note(schedule, run)
        return True

    async def _fail(self, schedule: Schedule, now_us: int, error: Exception) -> bool:
        """Put on record that nothing was started, and go on to the next slot."""
        slot_us, reason = schedule.next_at_us or now_us, f"it could not be started: {type(error).__name__}; the log says more"
        run = ScheduleRun(schedule.tenant_id, schedule.name, slot_us, "slot", "failed", "", now_us, now_us, reason=reason)
        if not await self._store.begin(schedule, run, _next_after(schedule, now_us)):
            return False
        self.counts.slots["failed"] += 1
        self.counts.missed[_counted_as(schedule.name)] += 1
        return True

    async def _still_running(self, schedule: Schedule, now_us: int) -> ScheduleRun | None:
        """Return a run of this schedule that has not ended; how the others ended is noted."""
        for run in await self._store.unended(schedule.tenant_id, schedule.name):
            if not await self._has_ended(run, now_us):
                return run
        return None

    def _note(self, schedule: Schedule, run: ScheduleRun) -> None:
        counts = self.counts
        counts.slots["skipped" if run.state == "skipped" else "caught_up" if run.cause == "catch_up" else "started"] += 1
        if run.state == "started":
            self.has_unended = True
            if schedule.origin == "builtin":
                counts.last_started_us[schedule.name] = run.started_at_us
        if run.missed or run.state == "skipped":
            counts.slots["missed"] += run.missed
            counts.missed[_counted_as(schedule.name)] += run.missed + (run.state == "skipped")
            facts = {**_facts(schedule), "missed": run.missed, "reason": run.reason or "nobody was there when they came"}
            log.warning("schedule_slots_missed", extra={"facts": facts})
            self._missed(schedule, run)

    async def _has_ended(self, run: ScheduleRun, now_us: int) -> bool:
        try:
            how = ended(run, await self._runs.show(run.tenant_id, run.run_id), now_us)
        except self.unavailable:
            raise
        except Exception as error:  # an engine that cannot say is no reason to end the scheduler
            log.error("scheduled_run_not_shown", exc_info=error, extra={"facts": {"tenant": run.tenant_id, "run": run.run_id}})
            return False
        if how is None:
            return False
        await self._store.end(run, *how)
        return True


def _next_after(schedule: Schedule, time_us: int) -> int | None:
    """Return the next slot; where zone or expression mean nothing here any more, a time when that may have been mended."""
    try:
        return schedule.cron.next_after(time_us)
    except Exception as error:  # what cronsim and zoneinfo raise is no promise of theirs
        log.error("schedule_without_slots", exc_info=error, extra={"facts": _facts(schedule)})
        return time_us + BROKEN_US


def _counted_as(name: str) -> str:
    return name if name in BUILTIN or name in WITH_ACCOUNT else CUSTOM


def _facts(schedule: Schedule) -> dict[str, object]:
    return {"tenant": schedule.tenant_id, "schedule": schedule.name, "workflow": schedule.workflow}
