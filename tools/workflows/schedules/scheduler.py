"""Sleeps until the next slot of any schedule comes, or until somebody says that something is another, and has it taken."""

import logging
import time
from collections.abc import Awaitable, Callable, Sequence

import anyio

from tools.workflows.schedules.schedule import LateSchedule
from tools.workflows.schedules.slots import LATE_US, SlotCounts, Slots

#: without a look at the store: how soon a clock that was set forward is noticed
LONGEST_WAIT_S = 30.0
#: between two looks at what other nodes are taking
SHORTEST_WAIT_S = 0.05
#: between two looks at runs that have not ended, whose ends are heard of as well; doubles up to the longest
FIRST_LOOK_S, LONGEST_LOOK_S = 1.0, 60.0
RETRY_S, LONGEST_RETRY_S = 1.0, 60.0
#: a clock that is corrected by less is no clock that was set back
SET_BACK_US = 1_000_000

log = logging.getLogger("ascend.schedules")


async def _nothing() -> None:
    return None


class Scheduler:
    """Run it once in every process that may start schedules."""

    def __init__(
        self,
        slots: Slots,
        prepare: Callable[[], Awaitable[None]] = _nothing,
        clock_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        """`prepare`: is done before the first look, and again after the store was away."""
        self._slots, self._prepare, self._clock_us = slots, prepare, clock_us
        self._woken = anyio.Event()
        self._drift_us = self._drift()
        #: when runs are looked at next, and how long after that again; monotonic
        self._runs_at_s, self._pause_s = 0.0, FIRST_LOOK_S

    @property
    def counts(self) -> SlotCounts:
        return self._slots.counts

    async def late_schedules(self) -> Sequence[LateSchedule]:
        """Return every schedule that is late now, on whichever node, by tenant and name; for rules of alerts, once a minute or so.

        Late is a slot that came more than a minute ago and that no node has taken ("not_taken": the scheduler stands still everywhere), and
        one that was skipped for a run that still goes on ("still_running"). Slots that came while no gateway ran are made up for at once
        and then late no more: those are counted by `ascend_schedule_missed_total`. Paused schedules and suspended tenants are never late.
        Reads the store (two statements); raises what that raises where it is away.
        """
        return await self._slots.late(self._clock_us())

    def wake(self) -> None:
        """Look soon: a schedule was changed, or something was started beside the slots."""
        self._slots.has_unended = True
        self._look_at_runs_soon()
        self._woken.set()

    def runs_changed(self) -> None:
        """Look soon at how runs ended, where any is under way."""
        if self._slots.has_unended:
            self._look_at_runs_soon()
            self._woken.set()

    async def run(self) -> None:
        """Work until cancelled. A store that is away costs time, not slots: what came meanwhile is caught up with once."""
        wait_s, retry_s, is_first = 0.0, RETRY_S, True
        while True:
            with anyio.move_on_after(wait_s):
                await self._woken.wait()
            is_woken, self._woken = self._woken.is_set(), anyio.Event()
            try:
                await self._look(is_first=is_first, is_woken=is_woken)
            except self._slots.unavailable as error:
                log.error("schedules_not_looked_at", extra={"facts": {"kind": type(error).__name__, "again_in_s": retry_s}})
                wait_s, retry_s, is_first = retry_s, min(2 * retry_s, LONGEST_RETRY_S), True
            else:
                wait_s, retry_s, is_first = self._wait_s(), RETRY_S, False

    async def _look(self, *, is_first: bool, is_woken: bool) -> None:
        if is_first:
            await self._prepare()
        if self._was_set_back() or is_first:
            await self._slots.return_to(self._clock_us())
        if is_first or is_woken or self._is_due():
            await self._slots.take_due(self._clock_us())
        if self._slots.has_unended and time.monotonic() >= self._runs_at_s:
            await self._slots.look_at_runs(self._clock_us())
            self._runs_at_s = time.monotonic() + self._pause_s
            self._pause_s = min(2 * self._pause_s, LONGEST_LOOK_S) if self._slots.has_unended else FIRST_LOOK_S
        if self._slots.has_unended or self.counts.late_since_us or self._is_due(LATE_US):
            await self._slots.late(self._clock_us())

    def _look_at_runs_soon(self) -> None:
        self._runs_at_s, self._pause_s = 0.0, FIRST_LOOK_S

    def _is_due(self, since_us: int = 0) -> bool:
        due_us = self.counts.next_due_us
        return due_us is not None and due_us <= self._clock_us() - since_us

    def _wait_s(self) -> float:
        waits: list[float] = [LONGEST_WAIT_S]
        if self.counts.next_due_us is not None:
            waits.append((self.counts.next_due_us - self._clock_us()) / 1e6)
        if self._slots.has_unended:
            waits.append(self._runs_at_s - time.monotonic())
        return max(SHORTEST_WAIT_S, min(waits))

    def _was_set_back(self) -> bool:
        before, self._drift_us = self._drift_us, self._drift()
        return self._drift_us < before - SET_BACK_US

    def _drift(self) -> int:
        """Return by how much the clock is ahead of time as it passes."""
        return self._clock_us() - time.monotonic_ns() // 1000
