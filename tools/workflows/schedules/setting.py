"""What an operator does to schedules: sets, removes, pauses, resumes and runs them."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import orjson

from tools.near_names import near
from tools.operation import Json
from tools.plain_text import written_out
from tools.workflows.errors import WaitsForConnection, WorkflowRefused
from tools.workflows.ingestion.accounts import WITH_ACCOUNT
from tools.workflows.run_keys import slot_key
from tools.workflows.schedules.builtin import BUILTIN, TimesSaid, as_brought, builtin_schedules
from tools.workflows.schedules.cron import Cron, cron_faults, whole_expression
from tools.workflows.schedules.schedule import Schedule, ScheduleRun
from tools.workflows.schedules.stores import ScheduleStore
from tools.workflows.schedules.with_connection import resting
from tools.workflows.stores import ActsFor
from tools.workflows.workflow import MAX_GIVEN_BYTES, is_workflow_name


class KnownWorkflows(Protocol):
    """Which workflows a tenant has: the gateway's own and those that it declared."""

    async def names(self, tenant_id: str) -> Sequence[str]: ...

    async def given_faults(self, tenant_id: str, workflow: str, given: Mapping[str, Json]) -> Sequence[Mapping[str, Json]]:
        """Say how `given` does not fit what the workflow takes: [{path, value, rule, example}]."""
        ...


@dataclass(frozen=True, slots=True)
class WantedSchedule:
    """What somebody asks for, unchecked. `cron`: five fields or a short form like @daily."""

    name: str
    workflow: str
    cron: str
    zone: str = "UTC"
    given: Mapping[str, Json] = field(default_factory=dict)
    acts_for: ActsFor | None = None


class Schedules:
    """Each method is of one tenant and raises WorkflowRefused; a running gateway hears of what changed."""

    def __init__(
        self,
        store: ScheduleStore,
        workflows: KnownWorkflows,
        clock_us: Callable[[], int] = lambda: time.time_ns() // 1000,
        said: TimesSaid = as_brought,
    ) -> None:
        """`said`: what operators say of built-in schedules of all tenants."""
        self._store, self._workflows, self._clock_us, self._said = store, workflows, clock_us, said

    async def set(self, tenant_id: str, wanted: WantedSchedule) -> tuple[Schedule, bool]:
        """Add or replace a schedule, which goes on from its next slot; True where it is new. Says all that is wrong at once."""
        expression = whole_expression(wanted.cron)
        faults = [*_name_faults(wanted.name), *await self._workflow_faults(tenant_id, wanted), *cron_faults(expression, wanted.zone)]
        if faults:
            message = (
                f"schedule '{written_out(wanted.name[:80])}' has {len(faults)} fault{'s' if len(faults) > 1 else ''}; nothing was changed"
            )
            raise WorkflowRefused("invalid_arguments", message, faults=faults)
        cron = Cron(expression, wanted.zone)
        schedule = Schedule(
            tenant_id,
            wanted.name,
            wanted.workflow,
            cron,
            given=wanted.given,
            acts_for=wanted.acts_for,
            next_at_us=cron.next_after(self._clock_us()),
        )
        return schedule, await self._store.put(schedule)

    async def remove(self, tenant_id: str, name: str) -> bool:
        """Remove a schedule; one that the gateway brought and somebody changed becomes again what it was, which is False."""
        schedule = await self.get(tenant_id, name)
        if schedule.origin == "builtin":
            hint = f"`ascend schedule pause {name}` keeps it from starting anything"
            raise WorkflowRefused("conflict", f"schedule '{name}' comes with the gateway and cannot be removed", hint)
        await self._store.remove(tenant_id, name)
        await self._store.add_missing(builtin_schedules(tenant_id, self._clock_us(), self._said()))
        return name not in BUILTIN

    async def pause(self, tenant_id: str, name: str) -> None:
        schedule = await self.get(tenant_id, name)
        await self._store.add_missing([schedule])
        await self._store.pause(tenant_id, name)

    async def resume(self, tenant_id: str, name: str) -> Schedule:
        """Go on with the next slot; those of the pause are not made up for."""
        schedule = await self.get(tenant_id, name)
        if schedule.origin == "builtin" and (other := self._said().get(name)) is not None and other.paused:
            hint = f"`[jobs.{name}]` says so; `ascend config apply` changes it"
            raise WorkflowRefused("conflict", f"schedule '{name}' is paused for every tenant by the configuration", hint)
        if schedule.is_paused:
            # Where there is nobody whose calls it makes, it goes on with an account of somebody.
            is_resting = name in WITH_ACCOUNT and schedule.origin == "builtin" and schedule.acts_for is None
            next_at_us = None if is_resting else schedule.cron.next_after(self._clock_us())
            schedule = replace(schedule, is_paused=False, next_at_us=next_at_us)
            await self._store.put(schedule)
        return schedule

    async def start(self, tenant_id: str, name: str) -> ScheduleRun:
        """Start a run beside the slots, paused or not. Refused (conflict) while one that was started still runs, as far as is known."""
        schedule = await self.get(tenant_id, name)
        if name in WITH_ACCOUNT and schedule.acts_for is None:
            raise WaitsForConnection(name, WITH_ACCOUNT[name].title)
        if unended := await self._store.unended(tenant_id, name):
            hint = f"`ascend workflow show {unended[-1].run_id}` says how far it is, `ascend workflow cancel` ends it"
            raise WorkflowRefused("conflict", f"schedule '{name}' still runs: {unended[-1].run_id}; nothing was started", hint)
        now_us = self._clock_us()
        run_id = f"{tenant_id}:{schedule.workflow}:{slot_key(name, now_us)}"
        run = ScheduleRun(tenant_id, name, now_us, "manual", "started", run_id, now_us)
        if not await self._store.begin_now(schedule, run):
            raise WorkflowRefused("conflict", f"schedule '{name}' was changed or started in this moment; try again")
        return run

    async def find(self, tenant_id: str, name: str) -> Schedule | None:
        """Return a schedule as it is on record; None: it is not."""
        return await self._store.get(tenant_id, name)

    async def get(self, tenant_id: str, name: str) -> Schedule:
        """Return a schedule. Raises WorkflowRefused (not_found), with what was probably meant.

        One that comes with an account is there before the account, so that it can be paused.
        """
        schedules = {schedule.name: schedule for schedule in await self._store.of(tenant_id)}
        if name in WITH_ACCOUNT and name not in schedules:
            return resting(tenant_id, name)
        if name not in schedules:
            meant = near(name, schedules, 1)
            hint = f"did you mean '{meant[0]}'?" if meant else "`ascend schedule list` shows what there is"
            raise WorkflowRefused("not_found", f"no schedule '{written_out(name[:80])}'", hint)
        return schedules[name]

    async def _workflow_faults(self, tenant_id: str, wanted: WantedSchedule) -> Sequence[Mapping[str, Json]]:
        names = await self._workflows.names(tenant_id)
        if wanted.workflow not in names:
            example = next(iter(near(wanted.workflow, names, 1)), next(iter(sorted(names)), ""))
            shown = written_out(wanted.workflow[:80])
            return [{"path": "workflow", "value": shown, "rule": "a workflow of this tenant (`ascend workflow list`)", "example": example}]
        if len(orjson.dumps(dict(wanted.given))) > MAX_GIVEN_BYTES:
            return [{"path": "given", "value": "…", "rule": f"at most {MAX_GIVEN_BYTES} bytes of JSON", "example": "{}"}]
        return await self._workflows.given_faults(tenant_id, wanted.workflow, wanted.given)


def _name_faults(name: str) -> Sequence[Mapping[str, Json]]:
    if is_workflow_name(name):
        return []
    shown = written_out(name[:80])
    return [{"path": "name", "value": shown, "rule": "up to 64 of a-z, 0-9, '.', '_' and '-'", "example": "nightly-report"}]
