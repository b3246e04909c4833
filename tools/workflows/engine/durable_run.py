"""`Run` as a body sees it: what is on record is given back, everything else is done and recorded."""

import hashlib
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Never, Protocol

import anyio

from tools.operation import CallOptions, Failure, Json, Outcome
from tools.plain_text import written_out
from tools.workflows.engine.activity import Activity
from tools.workflows.engine.attempt_failures import AttemptFailed, failed, wait_s
from tools.workflows.engine.json_result import decoded, encoded
from tools.workflows.engine.records import Claim, Ending, StepRecord
from tools.workflows.engine.run_store import RunLost, RunStore
from tools.workflows.errors import PermanentFault, StepFailed
from tools.workflows.run import Read, Retry, Writes
from tools.workflows.workflow import MAX_STEP_NAME_CHARS, Workflow, is_step_name

#: of all results of a run: they are in memory while it runs
MAX_RECORD_BYTES = 16 * 1024 * 1024
#: a step that takes longer is shown as under way
NOTED_AFTER_S = 2.0
#: between two looks at the clock: it may jump
LOOK_S = 1.0
MAX_KEY_CHARS = 200
#: no run gets as old
LONGEST_WAIT_S = 366 * 24 * 3600


class Calls(Protocol):
    async def ask(self, claim: Claim, operation: str, arguments: Mapping[str, Json]) -> Outcome: ...

    async def call(self, claim: Claim, operation: str, arguments: Mapping[str, Json], options: CallOptions, key: str) -> Json: ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What runs share: where they are kept, the door, the time in microseconds, chance."""

    store: RunStore
    calls: Calls
    clock_us: Callable[[], int]
    dice: random.Random


class DurableRun:
    """One run in hand (tools/workflows/run.py says what each method promises)."""

    def __init__(self, claim: Claim, workflow: Workflow, activity: Activity, around: Surroundings) -> None:
        self._claim, self._workflow, self._activity, self._around = claim, workflow, activity, around
        self._records = dict(claim.steps)
        self._seen: set[str] = set()
        #: steps that nobody has been told of
        self._under_way: dict[str, StepRecord] = {}
        self._record_bytes = sum(len(record.result) for record in claim.steps.values())

    @property
    def tenant_id(self) -> str:
        return self._claim.tenant_id

    @property
    def run_id(self) -> str:
        return self._claim.run_id

    async def step(self, name: str, work: Callable[[], Awaitable[Json]], *, retry: Retry | None = None, timeout_s: float = 30.0) -> Json:
        async def in_time(begun: StepRecord) -> StepRecord:
            with anyio.fail_after(timeout_s):
                result = await work()
            return await self._keep(self._succeeded(begun, encoded(result, f"step '{name}'")))

        return await self._tried(name, in_time, retry, timeout_s)

    async def transact(self, name: str, work: Callable[[Writes], Json]) -> Json:
        async def in_one(begun: StepRecord) -> StepRecord:
            return await self._transacted(begun, work)

        return await self._tried(name, in_one, None, None)

    async def take_in(
        self,
        name: str,
        read: Callable[[], Awaitable[Read]],
        work: Callable[[Writes, Read], Json],
        *,
        retry: Retry | None = None,
        timeout_s: float = 30.0,
    ) -> Json:
        async def read_first(begun: StepRecord) -> StepRecord:
            with anyio.fail_after(timeout_s):
                found = await read()
            return await self._transacted(begun, lambda writes: work(writes, found))

        return await self._tried(name, read_first, retry, timeout_s)

    async def ask(self, operation: str, arguments: Mapping[str, Json]) -> Outcome:
        return await self._around.calls.ask(self._claim, operation, arguments)

    async def call(
        self,
        name: str,
        operation: str,
        arguments: Mapping[str, Json],
        *,
        retry: Retry | None = None,
        options: CallOptions = CallOptions(),
    ) -> Json:
        async def through_the_door(begun: StepRecord) -> StepRecord:
            result = await self._around.calls.call(self._claim, operation, arguments, options, self._key(begun))
            return await self._keep(self._succeeded(begun, encoded(result, f"step '{name}'")))

        return await self._tried(name, through_the_door, retry, None)

    async def sleep(self, name: str, seconds: float) -> None:
        record = await self._begin(name)
        if record.state == "succeeded":
            return
        if record.wakes_at_us is None:
            record = await self._begin_waiting(record, seconds)
        await self._until(record, None)
        with self._activity.step():
            await self._keep(self._succeeded(record, b"null"))
        await self._activity.go_on()

    async def wait(self, name: str, signal: str, timeout_s: float) -> Json:
        if not is_step_name(signal):
            raise PermanentFault(Failure("invalid_arguments", f"no signal is called {written_out(signal[:80])!r}"))
        record = await self._begin(name)
        if record.state == "succeeded":
            return decoded(record.result)
        if record.wakes_at_us is None:
            record = await self._begin_waiting(record, timeout_s)
        while True:
            pokes = self._activity.pokes
            with self._activity.step():
                taken = await self._take_signal(record, signal)
            await self._activity.go_on()
            if taken is not None:
                return decoded(taken.result)
            await self._until(record, signal, pokes)

    async def now_us(self, name: str) -> int:
        async def look(begun: StepRecord) -> StepRecord:
            return await self._keep(self._succeeded(begun, encoded(self._around.clock_us(), name)))

        return int(await self._tried(name, look, None, None))

    async def _transacted(self, begun: StepRecord, work: Callable[[Writes], Json]) -> StepRecord:
        done = self._succeeded(begun, b"null")
        try:
            kept, is_cancelled = await self._around.store.transact(self._claim, done, work)
        except RunLost:
            await self._lost()
        return self._kept(kept, is_cancelled)

    async def _begin(self, name: str) -> StepRecord:
        """Return what is on record of a step; `again` where nothing of it counts. Never returns where the run is to stop."""
        await self._activity.go_on()
        if name in self._seen or not is_step_name(name):
            message = (
                f"'{name[:80]}' names two steps of one run"
                if name in self._seen
                else f"{written_out(name[:80])!r} names no step: 1 to {MAX_STEP_NAME_CHARS} characters, none of them NUL or half a one"
            )
            raise PermanentFault(Failure("invalid_workflow", message, hint="give each step a name of its own, with the item in it"))
        self._seen.add(name)
        limits, now_us = self._workflow.limits, self._around.clock_us()
        if len(self._seen) > limits.max_steps:
            await self._beyond(f"more than {limits.max_steps:,} steps", "have each item be a run of its own")
        if now_us - self._claim.created_at_us > limits.max_age_s * 1_000_000:
            await self._beyond(f"longer than {limits.max_age_s / 3600:g} h", "let it end, and a schedule or signal start the next")
        known = self._records.get(name)
        return StepRecord(name, "again", now_us) if known is None else known.seen_at(now_us)

    async def _tried(
        self, name: str, attempt: Callable[[StepRecord], Awaitable[StepRecord]], retry: Retry | None, timeout_s: float | None
    ) -> Json:
        """Give back what is on record; else try until it succeeds, is refused for good, or the attempts are used up."""
        retry, record = retry or self._workflow.retry, await self._begin(name)
        while record.state not in ("succeeded", "failed"):
            if record.wakes_at_us is not None:
                await self._until(record, None)
            begun = replace(record, state="running", attempts=record.attempts + 1, started_at_us=self._around.clock_us(), wakes_at_us=None)
            with self._activity.step():
                record = await self._attempted(begun, attempt, retry, timeout_s)
            await self._activity.go_on()
        if record.state == "failed":
            raise StepFailed(name, record.failure or Failure("internal_error", "it failed"))
        return decoded(record.result)

    async def _attempted(
        self, begun: StepRecord, attempt: Callable[[StepRecord], Awaitable[StepRecord]], retry: Retry, timeout_s: float | None
    ) -> StepRecord:
        self._under_way[begun.name] = begun
        try:
            return await attempt(begun)
        except Exception as error:
            return await self._keep(self._after(begun, failed(error, begun.name, timeout_s), retry))
        finally:
            self._under_way.pop(begun.name, None)

    def _after(self, begun: StepRecord, fault: AttemptFailed, retry: Retry) -> StepRecord:
        now_us = self._around.clock_us()
        if fault.is_permanent or begun.attempts >= retry.attempts:
            return replace(begun, state="failed", ended_at_us=now_us, failure=fault.failure)
        waits_us = round(wait_s(retry, begun.attempts, fault.failure, self._around.dice) * 1_000_000)
        return replace(begun, state="waiting", failure=fault.failure, wakes_at_us=now_us + waits_us)

    async def show_long_steps(self) -> None:
        """Put on record that steps are under way which take long, until cancelled; for whoever looks on."""
        while True:
            await anyio.sleep(NOTED_AFTER_S)
            long_ago_us = self._around.clock_us() - round(NOTED_AFTER_S * 1_000_000)
            for begun in [each for each in self._under_way.values() if each.started_at_us <= long_ago_us]:
                # Whoever ended it meanwhile is not written over (server/storage/workflows/runs/steps.py).
                if self._under_way.pop(begun.name, None) is not None:
                    with suppress(RunLost):
                        await self._around.store.record(self._claim, begun)

    async def _begin_waiting(self, record: StepRecord, seconds: float) -> StepRecord:
        if not seconds <= LONGEST_WAIT_S:
            hint = "wait less, and look again"
            raise PermanentFault(
                Failure("invalid_arguments", f"{seconds:g} s is no time to wait: {LONGEST_WAIT_S:,} s are the most", hint=hint)
            )
        now_us = self._around.clock_us()
        wakes_at_us = now_us + max(0, round(seconds * 1_000_000))
        with self._activity.step():
            kept = await self._keep(replace(record, state="waiting", attempts=1, started_at_us=now_us, wakes_at_us=wakes_at_us))
        await self._activity.go_on()
        return kept

    async def _take_signal(self, record: StepRecord, signal: str) -> StepRecord | None:
        """Return the wait with the signal's value, or without one where its time is over; None: it waits on."""
        try:
            taken = await self._around.store.take_signal(self._claim, self._succeeded(record, b"null"), signal)
        except RunLost:
            await self._lost()
        if taken is not None:
            return self._kept(taken, is_cancelled=False)
        is_over = record.wakes_at_us is not None and record.wakes_at_us <= self._around.clock_us()
        return await self._keep(self._succeeded(record, b"null")) if is_over else None

    async def _until(self, record: StepRecord, signal: str | None, pokes: int | None = None) -> None:
        """Return at the record's time, or where somebody may have sent the signal since `pokes` were counted."""
        wakes_at_us = record.wakes_at_us or 0
        with self._activity.waiting(record.name, wakes_at_us, signal):
            while (left_us := wakes_at_us - self._around.clock_us()) > 0:
                if pokes is not None and pokes != self._activity.pokes:
                    return
                with anyio.move_on_after(min(left_us / 1_000_000, LOOK_S)):
                    await self._activity.poked()

    def _succeeded(self, record: StepRecord, result: bytes) -> StepRecord:
        return replace(record, state="succeeded", ended_at_us=self._around.clock_us(), wakes_at_us=None, failure=None, result=result)

    async def _keep(self, step: StepRecord) -> StepRecord:
        try:
            is_cancelled = await self._around.store.record(self._claim, step)
        except RunLost:
            await self._lost()
        return self._kept(step, is_cancelled)

    def _kept(self, step: StepRecord, is_cancelled: bool) -> StepRecord:
        self._records[step.name] = step
        self._record_bytes += len(step.result)
        if self._record_bytes > MAX_RECORD_BYTES:
            message = f"the results of its steps are more than {MAX_RECORD_BYTES >> 20} MB"
            self._activity.stop(
                Ending("failed", failure=Failure("too_large", message, hint="keep less of each, or have each item be a run"))
            )
        if is_cancelled:
            self._activity.stop("cancelled")
        return step

    async def _lost(self) -> Never:
        self._activity.stop("lost", at_once=True)
        await anyio.sleep_forever()
        raise AssertionError

    async def _beyond(self, what: str, hint: str) -> None:
        self._activity.stop(Ending("failed", failure=Failure("limit_exceeded", f"the run has taken {what}", hint=hint)))
        await self._activity.go_on()

    def _key(self, begun: StepRecord) -> str:
        """Return the idempotency key of a call: the same for every attempt, another one where somebody asked for it again."""
        key = f"{self.run_id}:{begun.name}" + (f":{begun.round}" if begun.round else "")
        return key if len(key) <= MAX_KEY_CHARS else f"run:{hashlib.sha256(key.encode()).hexdigest()}"
