"""Runs and schedules of this process, loaded when there are any, or when somebody asks for one (docs/decisions/0059)."""

from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
from prometheus_client.registry import Collector

from oauth.authorization.scope_narrowing import AllowedScopes
from oauth.tenants import Tenants
from server.assembly.operations import Operations
from server.background import kept_up
from server.config.backup_folder import are_backups_kept, have_backup_keys
from server.config.settings import Settings
from server.config_versions.sections.jobs import Jobs
from server.observability.schedule_metrics import ScheduleMetrics
from server.observability.workflow_metrics import WorkflowMetrics
from server.reports.sources import Sources
from server.storage.change_feed import Change, ChangeFeed
from server.storage.database import StoreUnavailable
from server.storage.store import Store
from server.storage.workflows.use import is_needed
from tools.builtins.workflows.declared import workflow_functions
from tools.egress.client import Egress
from tools.sources.builtin import BuiltinFunction
from tools.workflows.topics import RUN_NEWS, SCHEDULE_NEWS

if TYPE_CHECKING:
    from server.assembly.workflows.durable_work import DurableWork
    from server.assembly.workflows.schedules import ScheduledWork
    from server.storage.workflows.schedules.schedules import SqlScheduleStore
    from server.storage.workflows.webhooks.deliveries import SqlDeliveryStore
    from tools.builtins.workflows.workflow_runs import WorkflowRuns
    from tools.workflows.engine.durable_workflows import DurableWorkflows
    from tools.workflows.schedules.setting import Schedules

#: between two looks whether it is needed; what somebody sets or starts is heard of at once
LOOK_S = 60.0
_RUNS, _SCHEDULES, _OPERATIONS = (
    "server.assembly.workflows.durable_work",
    "server.assembly.workflows.schedules",
    "tools.builtins.workflows.workflow_runs",
)


class LateWork:
    """The door to durable work: what a gateway without a run, a schedule or a webhook has of it."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        tenants: Tenants,
        egress: Egress,
        operations: Callable[[], Operations],
        allowed_scopes: AllowedScopes,
        reports: Sources,
        jobs: Callable[[], Jobs],
    ) -> None:
        """`operations`: asked for when a run calls something. `allowed_scopes`: what the person whom a run acts for may now. `jobs`: the
        configuration's."""
        self._settings, self._store, self._tenants, self._egress = settings, store, tenants, egress
        self._operations, self._allowed_scopes, self._reports, self._jobs = operations, allowed_scopes, reports, jobs
        self._parts: tuple[DurableWork, ScheduledWork] | None = None
        self._opened = anyio.Event()
        self._has_brought = False

    @property
    def is_open(self) -> bool:
        """Say whether anything of it is loaded."""
        return self._parts is not None

    @property
    def metrics(self) -> Sequence[Collector]:
        return (
            WorkflowMetrics(lambda: self.work.engine if self.is_open else None),
            ScheduleMetrics(lambda: self.scheduled.scheduler.counts if self.is_open else None),
        )

    @property
    def work(self) -> "DurableWork":
        return self._load()[0]

    @property
    def scheduled(self) -> "ScheduledWork":
        return self._load()[1]

    async def open(self) -> None:
        """Load it, in a thread: that takes long enough to hold everybody up."""
        if self._parts is None:
            await anyio.to_thread.run_sync(import_module, _SCHEDULES)
            await anyio.to_thread.run_sync(import_module, _OPERATIONS)
        self._load()

    async def workflows(self) -> "DurableWorkflows":
        await self.open()
        return self.work.workflows

    async def schedules(self) -> "tuple[SqlScheduleStore, Schedules]":
        """Return where they are kept and what changes them; every tenant has the built-in ones by then."""
        await self.open()
        if not self._has_brought:
            await self.scheduled.bring_builtin()
            self._has_brought = True
        return self._store.durable.schedules, self.scheduled.schedules

    async def deliveries(self) -> "SqlDeliveryStore":
        await self.open()
        return self._store.durable.deliveries

    def functions(self) -> Sequence[BuiltinFunction]:
        """Return the operations workflow_*."""
        return workflow_functions(self._people)

    def listen(self, feed: ChangeFeed) -> None:
        """Follow what is done to runs, schedules and tenants, here and on other nodes."""
        feed.listen(RUN_NEWS, self._when_open(lambda changes: self.work.changed(changes), opens=True))
        feed.listen(RUN_NEWS, self._when_open(lambda changes: self.scheduled.runs_changed(changes)))
        feed.listen(SCHEDULE_NEWS, self._when_open(lambda changes: self.scheduled.changed(changes), opens=True))
        feed.listen("tenants", self._when_open(lambda changes: self.scheduled.tenants_changed(changes)))
        feed.listen("connections", self._when_open(lambda changes: self.scheduled.connections_changed(changes), opens=True))

    async def config_changed(self) -> None:
        """Hear that jobs may come at other times."""
        if self.is_open:
            await self.scheduled.config_changed()

    async def run(self) -> None:
        """Work until cancelled, from when there is something to do."""
        while not self.is_open and not await self._is_needed():
            with anyio.move_on_after(LOOK_S):
                await self._opened.wait()
        await self.open()
        async with anyio.create_task_group() as group:
            for part in (*self.work.background(), *self.scheduled.background()):
                group.start_soon(kept_up, part)

    def _load(self) -> "tuple[DurableWork, ScheduledWork]":
        if self._parts is None:
            runs, schedules = import_module(_RUNS), import_module(_SCHEDULES)
            principal_of = runs.principals_of_runs(self._tenants, self._allowed_scopes)
            work = runs.assemble_workflows(self._store, self._operations, principal_of)
            scheduled = schedules.assemble_schedules(
                self._settings, self._store, self._tenants, self._egress, work, self._reports, lambda: self._jobs().said
            )
            self._parts = work, scheduled
            self._opened.set()
        return self._parts

    async def _people(self) -> "WorkflowRuns":
        await self.open()
        of_people: WorkflowRuns = import_module(_OPERATIONS).WorkflowRuns(self.work.workflows, self.work.registry)
        return of_people

    def _when_open(
        self, hear: Callable[[list[Change]], Awaitable[None]], *, opens: bool = False
    ) -> Callable[[list[Change]], Awaitable[None]]:
        async def heard(changes: list[Change]) -> None:
            if opens:
                await self.open()
            if self.is_open:
                await hear(changes)

        return heard

    def _has_backups(self) -> bool:
        return have_backup_keys(self._settings) or are_backups_kept(self._settings)

    async def _is_needed(self) -> bool:
        try:
            return await is_needed(self._store.database, self._store.history) or self._has_backups()
        except StoreUnavailable:
            # Whoever else needs the store says so.
            return False
