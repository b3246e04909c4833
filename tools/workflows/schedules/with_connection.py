"""Schedules that come with an account: what it reaches is read from when it is connected until none is any more."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from oauth.scopes import CONNECT
from tools.workflows.ingestion.accounts import INGESTIONS, WITH_ACCOUNT, Ingestion
from tools.workflows.jobs.report import finding, report
from tools.workflows.schedules.builtin import minute_of
from tools.workflows.schedules.cron import Cron
from tools.workflows.schedules.schedule import Schedule, ScheduleRun
from tools.workflows.schedules.stores import ScheduleStore
from tools.workflows.stores import EVERYBODY, ActsFor

#: before anything is read, so that whoever connects can say no
FIRST_AFTER_US = 2 * 60 * 1_000_000


class ConnectionSchedules:
    """Keeps them as the accounts are; any number of nodes may, and may do so at the same time."""

    def __init__(self, store: ScheduleStore, clock_us: Callable[[], int] = lambda: time.time_ns() // 1000) -> None:
        self._store, self._clock_us = store, clock_us

    async def follow(self, tenant_id: str, holders: Mapping[str, Sequence[str]]) -> None:
        """Start or rest the schedules of a tenant. `holders`: by provider, whose accounts are ready, the one to use first; "": everybody's.

        What somebody paused stays paused. What somebody set in its place, or under another name for the same workflow, is theirs.
        """
        there = await self._store.of(tenant_id)
        for ingestion in INGESTIONS:
            present = next((each for each in there if each.name == ingestion.name), None)
            others = [each for each in there if each.workflow == ingestion.name and each.origin == "custom"]
            subjects = [subject or EVERYBODY for subject in holders.get(ingestion.provider, ())]
            if others:
                await self._rest(present, ingestion, f"schedule '{others[0].name}' of this tenant reads {ingestion.title}")
            elif subjects:
                await self._begin(present or resting(tenant_id, ingestion.name), ingestion, subjects)
            else:
                await self._rest(present, ingestion, f"no account of {ingestion.title} is ready any more")

    async def _begin(self, schedule: Schedule, ingestion: Ingestion, subjects: Sequence[str]) -> None:
        is_kept = schedule.acts_for is not None and schedule.acts_for.subject in subjects
        if is_kept and (schedule.is_paused or schedule.next_at_us is not None):
            return
        whom = ActsFor(subjects[0], frozenset({CONNECT, f"{ingestion.provider}:read"}))
        next_at_us = None if schedule.is_paused else schedule.cron.next_after(self._clock_us() + FIRST_AFTER_US)
        await self._store.put(replace(schedule, acts_for=whom, next_at_us=next_at_us))

    async def _rest(self, schedule: Schedule | None, ingestion: Ingestion, reason: str) -> None:
        """Start nothing until there is an account again, and leave a report of why."""
        if schedule is None or schedule.origin != "builtin" or schedule.next_at_us is None:
            return
        now_us = self._clock_us()
        found = finding("resting", ingestion.provider, reason, f"connect an account of {ingestion.title}, and it goes on by itself")
        told = report(f"{ingestion.title} is not read", [found], {}, now_us)
        run = ScheduleRun(schedule.tenant_id, schedule.name, now_us, "slot", "skipped", "", now_us, now_us, reason=reason, report=told)
        await self._store.begin(schedule, run, None)


def resting(tenant_id: str, name: str) -> Schedule:
    """Return the schedule of WITH_ACCOUNT of this name as it is before there is an account."""
    every_minutes = WITH_ACCOUNT[name].every_minutes
    cron = Cron(f"{minute_of(tenant_id, name, every_minutes)}-59/{every_minutes} * * * *", "UTC")
    return Schedule(tenant_id, name, name, cron, origin="builtin")
