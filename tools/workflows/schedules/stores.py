"""What schedules must remember, as a Protocol; `server/storage` keeps the promise."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from tools.operation import Json
from tools.workflows.schedules.schedule import Schedule, ScheduleRun, SlotState

MAX_SCHEDULES = 200
#: of one schedule, the newest
MAX_RUNS = 2_500
#: with reports that are longer than this
MAX_LONG_REPORTS, LONG_REPORT_CHARS = 50, 4_096


class ScheduleStore(Protocol):
    """Schedules and what became of their slots, by tenant. Every change that a scheduler must know of is announced (topic "schedules")."""

    async def add_missing(self, schedules: Sequence[Schedule]) -> None:
        """Add those whose names their tenants do not have; built-in ones that are there get workflow and times of these."""
        ...

    async def put(self, schedule: Schedule) -> bool:
        """Add or replace a schedule; True where it is new. Raises QuotaExceeded above MAX_SCHEDULES of a tenant."""
        ...

    async def remove(self, tenant_id: str, name: str) -> bool:
        """Forget a schedule. What became of its slots stays, so that none is started again if it comes back."""
        ...

    async def pause(self, tenant_id: str, name: str) -> bool: ...

    async def of(self, tenant_id: str) -> Sequence[Schedule]:
        """Return a tenant's schedules, by name."""
        ...

    async def get(self, tenant_id: str, name: str) -> Schedule | None: ...

    async def due(self, now_us: int, limit: int) -> Sequence[Schedule]:
        """Return schedules of all tenants whose slot has come, those that waited longest first."""
        ...

    async def passed_over(self, limit: int) -> Sequence[tuple[Schedule, int]]:
        """Return schedules of all tenants, not paused, that started something which goes on and had to skip slots since; with the first."""
        ...

    async def next_due_us(self) -> int | None:
        """Return when the next slot of any schedule comes; None where there is none."""
        ...

    async def ahead(self, time_us: int) -> Sequence[Schedule]:
        """Return schedules of all tenants whose next slot is later than `time_us`: for clocks that went back."""
        ...

    async def begin(self, schedule: Schedule, run: ScheduleRun, next_at_us: int | None) -> bool:
        """Take the slot `schedule.next_at_us`, and move on to `next_at_us`; with it, where `run` is "started", its start.

        One transaction; False, and nothing happened, where another node took it or somebody changed the schedule meanwhile. Where the
        slot was taken before, the schedule moves on and nothing is started.
        """
        ...

    async def begin_now(self, schedule: Schedule, run: ScheduleRun) -> bool:
        """Start a run beside the slots; False where one of the same instant is there, or the schedule is gone."""
        ...

    async def move(self, schedule: Schedule, next_at_us: int | None) -> bool:
        """Go on to another slot and start nothing; False where the schedule is another by now."""
        ...

    async def taken(self, tenant_id: str, name: str, from_us: int, to_us: int) -> Collection[int]:
        """Return the slots from `from_us` to before `to_us` that are on record."""
        ...

    async def unended(self, tenant_id: str, name: str) -> Sequence[ScheduleRun]:
        """Return what a schedule has started and not heard the end of, oldest first."""
        ...

    async def all_unended(self, limit: int) -> Sequence[ScheduleRun]:
        """The same, of all tenants."""
        ...

    async def end(
        self, run: ScheduleRun, state: SlotState, ended_at_us: int, reason: str = "", report: Mapping[str, Json] | None = None
    ) -> bool:
        """Note how a started run ended; False where that is known already. Older long reports go where there are too many of them."""
        ...

    async def run(self, tenant_id: str, name: str, slot_us: int) -> ScheduleRun | None: ...

    async def runs(self, tenant_id: str, name: str | None, limit: int, before_us: int | None = None) -> Sequence[ScheduleRun]:
        """Return what became of slots, newest first."""
        ...

    async def last_runs(self, tenant_id: str) -> Mapping[str, ScheduleRun]:
        """Return what became of the last slot of each schedule, by name."""
        ...

    async def last_started_us(self, names: Collection[str], since_us: int) -> Mapping[str, int]:
        """Return when schedules of these names last started something since then, for whichever tenant."""
        ...

    async def forget_before(self, time_us: int) -> int:
        """Forget what became of slots that ended or were skipped earlier, of all tenants; say how many there were."""
        ...
