"""Remove what has expired, every few minutes, and keep trying when the store is away."""

import logging
import time
from collections.abc import Awaitable, Callable

import anyio
import anyio.lowlevel

from server.assembly.authorization import AuthorizationServer
from server.storage.change_feed import ChangeFeed
from server.storage.database import StoreUnavailable, now_us
from server.storage.history.moving import move_old_calls
from server.storage.store import Store
from server.storage.tools.kept_calls import sweep_calls
from tools.catalog.search_feedback import SearchFeedback
from tools.workflows.schedules.stores import SLOTS_KEPT_US

EVERY_S = 300.0
FLUSH_USAGE_S = 30.0
CALLS_KEPT_US = 30 * 24 * 3600 * 1_000_000
#: a quarter's bill can be looked into when it comes
MODEL_CALLS_KEPT_US = 120 * 24 * 3600 * 1_000_000
#: operations contract, "Retention": hours and kinds of errors, days
HOURS_KEPT_US, DAYS_KEPT_US = 90 * 24 * 3600 * 1_000_000, 400 * 24 * 3600 * 1_000_000
AUDIT_KEPT_US = 400 * 24 * 3600 * 1_000_000
#: runs after their end; those that webhooks brought, which are others' data, go earlier
RUNS_KEPT_US, WEBHOOK_RUNS_KEPT_US = 30 * 24 * 3600 * 1_000_000, 7 * 24 * 3600 * 1_000_000
#: longer than an index's file may lie unread (tools/context_plane/indexing/live_index.py)
GONE_KEPT_US = 90 * 24 * 3600 * 1_000_000
TOMBSTONE_STEPS = 20

log = logging.getLogger("ascend")


class Housekeeping:
    """One sweep over all that expires: tokens, sessions, challenges, results, plans, old changes."""

    def __init__(self, store: Store, feed: ChangeFeed, authorization: AuthorizationServer, usage: SearchFeedback) -> None:
        self._store, self._feed, self._authorization, self._usage = store, feed, authorization, usage

    async def run(self) -> None:
        """Work until cancelled; what fails is logged and tried again at its next turn."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._regularly, "sweep", EVERY_S, self.sweep)
            group.start_soon(self._regularly, "usage", FLUSH_USAGE_S, self._usage.flush)

    async def _regularly(self, name: str, every_s: float, work: Callable[[], Awaitable[object]]) -> None:
        while True:
            await anyio.sleep(every_s)
            try:
                await work()
            except StoreUnavailable as error:
                log.error("housekeeping_failed", exc_info=error, extra={"facts": {"work": name}})

    async def sweep(self) -> None:
        """Remove what has expired by now."""
        now = time.time()
        await self._authorization.sweep()
        await self._store.browser_sessions.sweep(now)
        await self._store.passkeys.sweep(now)
        await self._store.admin_invites.sweep(now)
        await self._store.admin_sessions.sweep(now)
        await self._store.identities.sweep(now)
        await sweep_calls(self._store.database)
        while await move_old_calls(self._store.database, self._store.history):
            await anyio.lowlevel.checkpoint()
        await self._store.calls.make_room()
        await self._store.calls.forget_before(now_us() - CALLS_KEPT_US)
        await self._store.calls.forget_sums_before(now_us() - HOURS_KEPT_US, now_us() - DAYS_KEPT_US)
        await self._store.model_calls.forget_before(now_us() - MODEL_CALLS_KEPT_US)
        await self._store.operation_charges.forget_before(now_us() - MODEL_CALLS_KEPT_US)
        await self._store.comparisons.forget_before(now_us() - MODEL_CALLS_KEPT_US)
        await self._store.feedback.forget_before(now_us() - MODEL_CALLS_KEPT_US)
        await self._store.documents.forget_gone_before(now_us() - GONE_KEPT_US)
        await self._forget_tombstones()
        await self._store.audit_trail.sweep(now_us() - AUDIT_KEPT_US)
        await self._store.run_records.sweep(now_us() - RUNS_KEPT_US, now_us() - WEBHOOK_RUNS_KEPT_US)
        await self._store.deliveries.forget_old()
        await self._store.schedules.forget_before(now_us() - SLOTS_KEPT_US)
        await self._store.budgets.sweep()
        await self._feed.sweep()
        await self._store.sizes.measure()

    async def _forget_tombstones(self) -> None:
        """A forgotten tenant may have left millions: some of them at a time, and not all of them now."""
        for _ in range(TOMBSTONE_STEPS):
            if await self._store.context.forget_tombstones_before(now_us() - GONE_KEPT_US):
                return
