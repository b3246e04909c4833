"""Schedules put together: what takes their slots, the workflows that the gateway brings along for them, and what they are kept in."""

from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from oauth.connections.connection import Connection
from oauth.tenants import Tenants
from server.assembly.workflows.backup_jobs import BackupJobs
from server.assembly.workflows.durable_work import DurableWork
from server.assembly.workflows.report_jobs import report_jobs
from server.assembly.workflows.schedule_lookouts import ScheduleLookouts, ready_accounts
from server.config.settings import Settings
from server.reports.sources import Sources
from server.storage.change_feed import Change
from server.storage.database import StoreUnavailable, now_us
from server.storage.history.call_figures import SqlCallFigures
from server.storage.history.rollups import DAY_US
from server.storage.store import Store
from tools.egress.client import Egress
from tools.operation import Json
from tools.workflows.engine.given_faults import given_faults
from tools.workflows.ingestion.accounts import AT_PROVIDER, WITH_ACCOUNT
from tools.workflows.jobs.backup import Backup
from tools.workflows.jobs.backup_verify import BackupVerify
from tools.workflows.jobs.docs_freshness import DocsFreshness
from tools.workflows.jobs.document_version import DocumentVersions
from tools.workflows.jobs.error_pattern import ErrorPattern
from tools.workflows.jobs.token_health import TokenHealth
from tools.workflows.registry import WorkflowRegistry
from tools.workflows.run_keys import is_slot_key, key_of
from tools.workflows.schedules.builtin import BUILTIN, OtherTimes, TimesSaid, builtin_schedules
from tools.workflows.schedules.scheduler import Scheduler
from tools.workflows.schedules.setting import Schedules
from tools.workflows.schedules.slots import Slots
from tools.workflows.schedules.with_connection import ConnectionSchedules

#: tenants whose built-in schedules are looked for at once: working out their slots takes a dozen milliseconds
_TENANTS = 20


@dataclass(frozen=True, slots=True)
class ScheduledWork:
    """The scheduler of this process; it sleeps until a slot comes or the change feed says that something is another."""

    store: Store
    schedules: Schedules
    scheduler: Scheduler
    with_connection: ConnectionSchedules
    said: TimesSaid

    async def bring_builtin(self) -> None:
        """See that every tenant has the built-in schedules."""
        await bring_builtin_schedules(sorted(await self._staying()), self.store, self.said())

    async def follow_accounts(self, tenant_ids: Iterable[str]) -> None:
        """See that what comes with an account is read where there is one, and rests where there is none."""
        for tenant_id in sorted(tenant_ids):
            await self.with_connection.follow(tenant_id, await ready_accounts(self.store, tenant_id))

    def background(self) -> Sequence[Callable[[], Coroutine[Any, Any, None]]]:
        return (self.scheduler.run,)

    async def changed(self, changes: Sequence[Change]) -> None:
        """Hear that the next slot may be another, and that what somebody set may stand in for what comes with an account."""
        await self.connections_changed(changes)
        self.scheduler.wake()

    async def connections_changed(self, changes: Sequence[Change]) -> None:
        """Hear that accounts came, ended or went."""
        await self.follow_accounts({change.tenant_id for change in changes if change.tenant_id})

    async def runs_changed(self, changes: Sequence[Change]) -> None:
        """Hear of what is done to runs."""
        if any(is_slot_key(key_of(change.item)) for change in changes):
            self.scheduler.runs_changed()

    async def config_changed(self) -> None:
        """See that every tenant has the times that are said now."""
        await self.bring_builtin()
        self.scheduler.wake()

    async def tenants_changed(self, changes: Sequence[Change]) -> None:
        """See that new tenants have the built-in schedules."""
        await bring_builtin_schedules(sorted({change.item for change in changes} & await self._staying()), self.store, self.said())
        self.scheduler.wake()

    async def _staying(self) -> set[str]:
        """Return the tenants that there are; one that is leaving gets nothing anew."""
        return {tenant.tenant_id for tenant in await self.store.tenants.all() if not tenant.leaving}


def assemble_schedules(
    settings: Settings, store: Store, tenants: Tenants, egress: Egress, work: DurableWork, reports: Sources, said: TimesSaid
) -> ScheduledWork:
    """Put the parts together, and bring the workflows of the built-in schedules along. `said`: of the configuration's `[jobs]`."""
    figures, making = SqlCallFigures(store.history), BackupJobs(settings)
    freshness = DocsFreshness(store.operations, store.quarantine, DocumentVersions(egress))
    for job in (TokenHealth(_ConnectionsInUse(store, figures)), ErrorPattern(figures), freshness, Backup(making), BackupVerify(making)):
        work.registry.add(job.workflow())
    for made_regularly in report_jobs(reports):
        work.registry.add(made_regularly.workflow())

    async def prepare() -> None:
        await scheduled.bring_builtin()
        await scheduled.follow_accounts(await store.connections.tenants_at(AT_PROVIDER))
        names = [*BUILTIN, *WITH_ACCOUNT]
        slots.counts.last_started_us.update(await store.durable.schedules.last_started_us(names, now_us() - 2 * DAY_US))

    slots = Slots(
        store.durable.schedules,
        work.workflows,
        is_live=lambda tenant_id: tenant_id in tenants.live,
        lookouts=ScheduleLookouts(settings, store, tenants, figures, freshness).by_schedule(),
        unavailable=(StoreUnavailable, OSError),
    )
    kept = store.durable.schedules
    schedules = Schedules(kept, _KnownWorkflows(work.registry), said=said)
    scheduled = ScheduledWork(store, schedules, Scheduler(slots, prepare), ConnectionSchedules(kept), said)
    return scheduled


async def bring_builtin_schedules(tenant_ids: Sequence[str], store: Store, said: Mapping[str, OtherTimes]) -> None:
    """See that tenants have the built-in schedules, at the times that are said."""
    for start in range(0, len(tenant_ids), _TENANTS):
        some = tenant_ids[start : start + _TENANTS]
        await store.durable.schedules.add_missing([each for tenant_id in some for each in builtin_schedules(tenant_id, now_us(), said)])


@dataclass(frozen=True, slots=True)
class _ConnectionsInUse:
    store: Store
    figures: SqlCallFigures

    async def of_tenant(self, tenant_id: str) -> Sequence[Connection]:
        return await self.store.connections.of_tenant(tenant_id)

    async def called_since(self, tenant_id: str, time_us: int) -> Collection[tuple[str, str]]:
        return await self.figures.called_since(tenant_id, time_us)


@dataclass(frozen=True, slots=True)
class _KnownWorkflows:
    registry: WorkflowRegistry

    async def names(self, tenant_id: str) -> Sequence[str]:
        return [each.name for each in await self.registry.of(tenant_id)]

    async def given_faults(self, tenant_id: str, workflow: str, given: Mapping[str, Json]) -> Sequence[Mapping[str, Json]]:
        found = await self.registry.find(tenant_id, workflow)
        if found is None or found.input_schema is None:
            return []
        return [fault.as_json() for fault in given_faults(found.input_schema, given)]
