"""Takes runs that are due and runs them, a few at a time, fairly among tenants; takes over from processes that are silent."""

import logging
import math
import random
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable

import anyio
from anyio.abc import TaskGroup

from tools.operation import Failure
from tools.workflows.engine.activity import Activity
from tools.workflows.engine.durable_run import Calls, Surroundings
from tools.workflows.engine.execution import run_in_hand
from tools.workflows.engine.making_way import SLICE_S, make_way
from tools.workflows.engine.records import Claim, Ending, Outlook
from tools.workflows.engine.run_store import RunLost, RunStore
from tools.workflows.engine.silence import SILENCE_S, Silence
from tools.workflows.workflow import Workflow

#: runs that one process has in hand at a time
PLACES = 8
#: between two looks while a run is open anywhere
LOOK_S = 1.0
#: between two looks where none is; whoever starts one says so
IDLE_LOOK_S = 60.0
#: places that become free one after the other are filled together: a claim costs as much as a run
GATHER_S = 0.005
#: steps under way may take so long to end before the process does
DRAIN_S = 5.0
#: a version that this process has not: another process, or the next release, may have it
DEFER_S = 5.0
UNKNOWN_S = 600.0
MAX_LOSSES = 20
#: how often a run is taken up again that the engine itself could not carry on with, and how long after
MAX_DROPS, DROPPED_S = 3, 1.0

log = logging.getLogger("ascend.workflows")

#: (tenant, workflow, version or "" for the newest) -> the workflow; None: there is none here
Resolve = Callable[[str, str, str], Awaitable[Workflow | None]]


def _wall_us() -> int:
    return time.time_ns() // 1000


class Engine:
    """Run it once in every process that may run workflows; fences share the work out."""

    def __init__(
        self,
        store: RunStore,
        resolve: Resolve,
        calls: Calls,
        *,
        places: int = PLACES,
        silence_s: float = SILENCE_S,
        slice_s: float = SLICE_S,
        clock_us: Callable[[], int] = _wall_us,
        dice: random.Random | None = None,
    ) -> None:
        self._store, self._resolve, self._places, self._silence_s, self._slice_s = store, resolve, places, silence_s, slice_s
        self._around = Surroundings(store, calls, clock_us, dice or random.Random())  # noqa: S311  spreads load, guards nothing
        self._clock_us = clock_us
        self._executor_id = secrets.token_hex(8)
        self._silence = Silence(silence_s, clock_us)
        #: (tenant, run) -> what it is doing
        self._held: dict[tuple[str, str], tuple[Claim, Activity]] = {}
        #: around each of them, until it is on record what became of it
        self._hands: set[anyio.CancelScope] = set()
        #: tenants in the order in which they were served, the last one last
        self._served: dict[str, None] = {}
        #: (run, version) that this process has not -> since when
        self._unknown: dict[tuple[str, str], float] = {}
        #: (tenant, run) -> how often it could not be carried on with
        self._dropped: Counter[tuple[str, str]] = Counter()
        self._woken = anyio.Event()
        self._is_unsure = self._is_full = False
        self._looked_at = 0.0
        #: the first place that is free since places were filled
        self._freed_at = math.inf
        self._is_behind = False
        #: whether the store knows of this process, and whether it had nothing in hand at the last look either
        self._has_beaten = self._has_rested = False
        self.outlook = Outlook(0, None, None, ())
        #: how often runs were taken; how they ended
        self.taken = 0
        self.ended: Counter[str] = Counter()

    @property
    def in_hand(self) -> int:
        """Count the runs that this process has in hand."""
        return len(self._held)

    def wake(self) -> None:
        """Have it look for runs that are due."""
        self._woken.set()

    async def heard(self, runs: Iterable[tuple[str, str]]) -> None:
        """Take over what others did to runs, by (tenant, run): a start, a signal, a wish to cancel."""
        for run in runs:
            if (held := self._held.get(run)) is not None:
                claim, activity = held
                try:
                    if await self._store.is_cancelled(claim):
                        activity.stop("cancelled")
                except RunLost:
                    activity.stop("lost", at_once=True)
                activity.poke()
        self.wake()

    async def run(self) -> None:
        """Work until cancelled; what is under way then ends, and everything else is left to others at once."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._beat)
            try:
                await self._turns(group)
            finally:
                with anyio.CancelScope(shield=True):
                    await self._drain()

    async def _turns(self, group: TaskGroup) -> None:
        while True:
            self._woken = anyio.Event()
            try:
                nap_s = await self._turn(group)
            except Exception as error:  # the store may be away for a while; runs are there when it is back
                if not self._is_behind:
                    log.error("workflows_behind", exc_info=error)
                self._is_behind, nap_s = True, LOOK_S
            else:
                if self._is_behind:
                    log.warning("workflows_caught_up")
                self._is_behind = False
            with anyio.move_on_after(nap_s):
                await self._woken.wait()

    async def _turn(self, group: TaskGroup) -> float:
        """Take what there is room for; return how long there is nothing to do."""
        if self._is_unsure:
            # A claim whose commit was not answered: what it took must not wait for us for ever.
            await self._store.keep_only(self._executor_id, list(self._held))
            self._is_unsure = False
        free = self._places - len(self._held)
        # Only where a place became free: with every place taken, who waits is looked for as ever.
        if self._is_full and 0 < free < self._places // 2 and time.monotonic() - self._freed_at < GATHER_S:
            return GATHER_S
        # Where there was more than there was room for, the next place is taken without a look; silence is looked for all the same.
        is_looked_at = time.monotonic() - self._looked_at < LOOK_S
        if self._is_full and is_looked_at and free and await self._take(group, free):
            return 0.0
        self._looked_at = time.monotonic()
        outlook = self.outlook = await self._store.outlook()
        due = outlook.due
        if silent := self._silence.silent(outlook.beats, self._executor_id):
            due += await self._store.release_silent(silent)
        if due and free and await self._take(group, free):
            return 0.0
        if outlook.waiting and not free:
            make_way(self._held, outlook.waiting, self._slice_s)
        if outlook.is_over:
            return IDLE_LOOK_S
        if self._held or due:
            self._has_rested = False
        elif self._has_rested and self._has_beaten:
            await self._store.leave(self._executor_id)
            self._has_beaten = False
        else:
            self._has_rested = True
        wait_s = LOOK_S if outlook.next_due_us is None else (outlook.next_due_us - self._clock_us()) / 1_000_000
        return min(LOOK_S, max(0.0, wait_s))

    async def _take(self, group: TaskGroup, free: int) -> int:
        busy = Counter(tenant_id for tenant_id, _run_id in self._held)
        self._is_unsure = self._has_beaten = True
        self._freed_at = math.inf
        claims = await self._store.claim(self._executor_id, free, busy, list(self._served))
        self._is_unsure = False
        for claim in claims:
            self._served.pop(claim.tenant_id, None)
            self._served[claim.tenant_id] = None
            self.taken += 1
            activity = Activity()
            self._held[claim.tenant_id, claim.run_id] = (claim, activity)
            group.start_soon(self._one, claim, activity)
        self._is_full = len(claims) == free
        return len(claims)

    async def _one(self, claim: Claim, activity: Activity) -> None:
        # A process that ends lets steps end (`_drain`).
        with anyio.CancelScope(shield=True) as hand:
            self._hands.add(hand)
            try:
                ending = await self._worked(claim, activity)
                if ending is not None:
                    self.ended[ending.state] += 1
                    facts = {"tenant": claim.tenant_id, "run_id": claim.run_id, "state": ending.state, "attempt": claim.attempt}
                    log.info("workflow_run_ended", extra={"facts": facts | ({"error": ending.failure.code} if ending.failure else {})})
                self._dropped.pop((claim.tenant_id, claim.run_id), None)
            except Exception:  # one run's trouble is not the others'
                log.exception("workflow_run_dropped", extra={"facts": {"run_id": claim.run_id}})
                await self._drop(claim)
            finally:
                self._hands.discard(hand)
                del self._held[claim.tenant_id, claim.run_id]
                self._freed_at = min(self._freed_at, time.monotonic())
                self.wake()

    async def _worked(self, claim: Claim, activity: Activity) -> Ending | None:
        try:
            if claim.losses >= MAX_LOSSES:
                message = f"{claim.losses} processes died one after the other with this run in hand"
                return await self._end(claim, Failure("process_died", message, hint="look into the log for what its step needs"))
            workflow = await self._resolve(claim.tenant_id, claim.workflow, claim.version)
            if workflow is not None:
                self._unknown.pop((claim.run_id, claim.version), None)
                return await run_in_hand(claim, workflow, activity, self._around)
            since = self._unknown.setdefault((claim.run_id, claim.version), time.monotonic())
            if claim.is_cancelled:
                return await self._end(claim, None)
            if time.monotonic() - since < UNKNOWN_S:
                await self._store.defer(claim, self._clock_us() + round(DEFER_S * 1_000_000))
                return None
            del self._unknown[claim.run_id, claim.version]
            what = f"version {claim.version} of workflow '{claim.workflow}'" if claim.version else f"workflow '{claim.workflow}'"
            return await self._end(claim, Failure("not_found", f"{what} is nowhere here", hint="bring it back and resume the run"))
        except RunLost:
            return None

    async def _drop(self, claim: Claim) -> None:
        """Put a run down that could not be carried on with; where it happens every time, taking it up again would never end."""
        run = (claim.tenant_id, claim.run_id)
        self._dropped[run] += 1
        try:
            if self._dropped[run] < MAX_DROPS:
                await self._store.defer(claim, self._clock_us() + round(DROPPED_S * 1_000_000))
                return
            del self._dropped[run]
            message = f"what became of the run could not be put on record {MAX_DROPS} times"
            await self._end(claim, Failure("internal_error", message, hint="the log of the gateway has the reason"))
        except RunLost:
            del self._dropped[run]
        except Exception:  # the store has it in our hands still
            log.exception("workflow_run_not_put_down", extra={"facts": {"run_id": claim.run_id}})
            self._is_unsure = True

    async def _end(self, claim: Claim, failure: Failure | None) -> Ending:
        ending = Ending("cancelled") if failure is None else Ending("failed", failure=failure)
        await self._store.end(claim, ending)
        return ending

    async def _beat(self) -> None:
        while True:
            await anyio.sleep(self._silence_s / 3)
            try:
                if self._held:
                    await self._store.beat(self._executor_id)
                if not self.outlook.is_over and await self._store.bring_forward():
                    self.wake()
            except Exception:  # others may take over; the fences hold
                log.exception("workflows_beat_failed")

    async def _drain(self) -> None:
        for _claim, activity in list(self._held.values()):
            activity.stop("shutdown")
        with anyio.move_on_after(DRAIN_S):
            await self._all_down()
        for _claim, activity in list(self._held.values()):
            activity.stop("shutdown", at_once=True)
        with anyio.move_on_after(DRAIN_S):
            await self._all_down()
        # What cannot be put on record, because the store is away, others take once this process is silent.
        for hand in list(self._hands):
            hand.cancel()
        await self._all_down()
        if self._has_beaten:
            try:
                await self._store.leave(self._executor_id)
            except Exception:
                log.exception("workflows_not_left")

    async def _all_down(self) -> None:
        while self._held:
            self._woken = anyio.Event()
            await self._woken.wait()
