"""Remove what has expired, every few minutes, and keep trying when the store is away."""

import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module

import anyio
import anyio.lowlevel

from server.assembly.authorization import AuthorizationServer
from server.assembly.context_plane.context_plane import ContextPlane
from server.assembly.workflows.late_work import LateWork
from server.config_versions.sections.retention import Retention
from server.storage.change_feed import Change, ChangeFeed
from server.storage.database import StoreUnavailable, now_us
from server.storage.history.moving import move_old_calls
from server.storage.leases import SqlLeases
from server.storage.store import Store
from server.storage.tools.kept_calls import sweep_calls
from tools.catalog.search_feedback import SearchFeedback

EVERY_S = 300.0
#: Of whoever sweeps: over two turns, so that it keeps it, and another takes it up soon where it is gone.
LEASE, LEASE_US = "housekeeping", 660 * 1_000_000
FLUSH_USAGE_S = 30.0
DAY_US = 24 * 3600 * 1_000_000
RELEASE_S = 2.0
#: longer than an index's file may lie unread (tools/context_plane/indexing/live_index.py)
GONE_KEPT_DAYS = 90
TOMBSTONE_STEPS = 20

log = logging.getLogger("ascend")


class Housekeeping:
    """One sweep over all that expires: tokens, sessions, challenges, results, plans, old changes; and over what is kept for days.

    Rows go in steps of some milliseconds (server/storage/row_removal.py): the contract allows a lock of 50 ms. Of all processes on a
    store one sweeps, by lease; what each process has in memory is its own.
    """

    def __init__(
        self,
        store: Store,
        feed: ChangeFeed,
        authorization: AuthorizationServer,
        usage: SearchFeedback,
        retention: Callable[[], Retention],
        work: LateWork,
        context: ContextPlane,
    ) -> None:
        self._store, self._feed, self._authorization, self._usage = store, feed, authorization, usage
        self._retention, self._work, self._context = retention, work, context
        self._leases, self._holder = SqlLeases(store.database), secrets.token_hex(8)
        self._tenants_changed = anyio.Event()

    def listen(self, feed: ChangeFeed) -> None:
        """Hear of tenants that leave."""
        feed.listen("tenants", self._hear)

    async def _hear(self, _changes: Sequence[Change]) -> None:
        self._tenants_changed.set()

    async def run(self) -> None:
        """Work until cancelled; what fails is logged and tried again at its next turn."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._regularly, "sweep", EVERY_S, self.sweep_for_all)
            group.start_soon(self._regularly, "usage", FLUSH_USAGE_S, self._usage.flush)
            group.start_soon(self._remove_tenants)
            try:
                await anyio.sleep_forever()
            finally:
                with anyio.move_on_after(RELEASE_S, shield=True):
                    await self._give_back()

    async def sweep_for_all(self) -> bool:
        """Sweep, unless another process does; return whether this one did."""
        is_mine = await self._leases.take(LEASE, self._holder, LEASE_US)
        if is_mine:
            await self.sweep()
        return is_mine

    async def _give_back(self) -> None:
        try:
            await self._leases.release(LEASE, self._holder)
        except StoreUnavailable:
            return  # It runs out.

    async def _regularly(self, name: str, every_s: float, work: Callable[[], Awaitable[object]]) -> None:
        while True:
            await anyio.sleep(every_s)
            await _tried(name, work)

    async def _remove_tenants(self) -> None:
        # At once: whoever was killed over a removal has left one.
        while True:
            self._tenants_changed = anyio.Event()
            await _tried("tenants", self.remove_tenants)
            with anyio.move_on_after(EVERY_S):
                await self._tenants_changed.wait()

    async def remove_tenants(self) -> None:
        """Take away what tenants own that are leaving, and what nodes keep in files of those that have gone."""
        leaving = [each.tenant_id for each in await self._store.tenants.all() if each.leaving]
        if leaving:
            # Loaded when there is one (docs/decisions/0059): it knows every table.
            removal = import_module("server.storage.tenant_removal.removal").TenantRemoval(self._store.database, self._store.history)
            for tenant_id in leaving:
                await removal.finish(tenant_id)
        # Read again: somebody was added meanwhile, and has files by now.
        await self._context.keep_only({each.tenant_id for each in await self._store.tenants.all() if not each.leaving})

    async def sweep(self) -> None:
        """Remove what has expired by now."""
        now = time.time()
        await self._authorization.sweep()
        await self._store.browser_sessions.sweep(now)
        await self._store.passkeys.sweep(now)
        await self._store.admin_invites.sweep(now)
        await self._store.admin_sessions.sweep(now)
        await self._store.share_links.sweep(now)
        await self._store.identities.sweep(now)
        await sweep_calls(self._store.database)
        while await move_old_calls(self._store.database, self._store.history):
            await anyio.lowlevel.checkpoint()
        await self._store.calls.make_room()
        await self._keep_to(self._retention())
        await self._store.documents.forget_gone_before(_days_ago(GONE_KEPT_DAYS))
        await self._forget_tombstones()
        await self._store.budgets.sweep()
        await self._store.alerts.forget_old(now_us())
        await self._feed.sweep()

    async def _keep_to(self, kept: Retention) -> None:
        """Remove what is older than the configuration says."""
        store = self._store
        await store.calls.forget_before(_days_ago(kept.calls_days))
        await store.calls.forget_sums_before(
            hours_us=_days_ago(kept.hourly_sums_days),
            errors_us=_days_ago(kept.errors_days),
            days_us=_days_ago(kept.daily_sums_days),
            decisions_us=_days_ago(kept.decisions_days),
        )
        await store.event_lines.sweep(_days_ago(kept.lines_days))
        await store.sink_cursors.forget_before(_days_ago(kept.calls_days))
        models_us = _days_ago(kept.model_calls_days)
        await store.model_calls.forget_before(models_us)
        await store.operation_charges.forget_before(models_us)
        await store.comparisons.forget_before(models_us)
        await store.feedback.forget_before(models_us)
        await store.audit_trail.sweep(_days_ago(kept.audit_days))
        await store.config_versions.sweep(_days_ago(kept.audit_days))
        if self._work.is_open:  # While it is not, there is nothing of it (docs/decisions/0059).
            bodies_us = _days_ago(kept.webhook_bodies_days)
            await store.durable.run_records.sweep(_days_ago(kept.runs_days), bodies_us)
            await store.durable.deliveries.forget_old(bodies_us)
            await store.durable.schedules.forget_before(_days_ago(kept.job_runs_days))

    async def _forget_tombstones(self) -> None:
        """A forgotten tenant may have left millions: some of them at a time, and not all of them now."""
        for _ in range(TOMBSTONE_STEPS):
            if await self._store.context.forget_tombstones_before(_days_ago(GONE_KEPT_DAYS)):
                return


async def _tried(name: str, work: Callable[[], Awaitable[object]]) -> None:
    try:
        await work()
    except Exception as error:  # also a fault of ours: neither the other work nor the gateway ends by it
        log.error("housekeeping_failed", exc_info=error, extra={"facts": {"work": name}})


def _days_ago(days: int) -> int:
    return now_us() - days * DAY_US
