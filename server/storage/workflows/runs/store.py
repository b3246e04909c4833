"""RunStore on the database: every write of a run in one transaction with its fence (docs/decisions/0058)."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from sqlalchemy import Connection, select

from server.storage.database import Database, announce_in_thread, now_us
from server.storage.schema.workflows.workflow_tables import workflow_runs
from server.storage.workflows.failure_text import failure_text
from server.storage.workflows.runs import claiming
from server.storage.workflows.runs.fence import held_by, passing
from server.storage.workflows.runs.kept_bytes import grow, kept
from server.storage.workflows.runs.patience import patiently
from server.storage.workflows.runs.signals import is_signalled, oldest_signal
from server.storage.workflows.runs.steps import put_step, step_of
from server.storage.workflows.runs.writes import WritesOf
from tools.operation import Json
from tools.workflows.engine.json_result import encoded
from tools.workflows.engine.records import Beat, Claim, Ending, Outlook, StepRecord
from tools.workflows.engine.run_quotas import RUN_QUOTAS, SMALL_BYTES, RunQuotas
from tools.workflows.engine.run_store import RunLost
from tools.workflows.errors import RunsFull
from tools.workflows.run import Writes
from tools.workflows.topics import RUN_NEWS


class SqlRunStore:
    """Keeps `tools.workflows.engine.run_store.RunStore`."""

    def __init__(self, database: Database, writes_of: WritesOf, quotas: RunQuotas = RUN_QUOTAS) -> None:
        self._database, self._writes_of, self._quotas = database, writes_of, quotas

    async def outlook(self) -> Outlook:
        outlook, (kept_bytes, fullest_bytes) = await self._database.look(
            lambda connection: (claiming.outlook(connection), kept(connection))
        )
        return replace(outlook, kept_bytes=kept_bytes, fullest=fullest_bytes / self._quotas.tenant_bytes)

    async def claim(self, executor_id: str, limit: int, busy: Mapping[str, int], last: Sequence[str]) -> Sequence[Claim]:
        return await self._database.transact(partial(claiming.claim, executor_id=executor_id, limit=limit, busy=busy, last=last))

    async def record(self, claim: Claim, step: StepRecord) -> bool:
        def work(connection: Connection) -> bool:
            is_cancelled = passing(connection, claim, version=claim.version, losses=0)
            self._grow(connection, claim, put_step(connection, claim, step))
            return is_cancelled

        return await patiently(lambda: self._database.transact(work))

    async def transact(self, claim: Claim, step: StepRecord, work: Callable[[Writes], Json]) -> tuple[StepRecord, bool]:
        def both(connection: Connection) -> tuple[StepRecord, bool]:
            is_cancelled = passing(connection, claim, version=claim.version, losses=0)
            known = step_of(connection, claim, step.name)
            if known is not None and known.state == "succeeded":
                # Committed before, and the answer was lost on its way.
                return known, is_cancelled
            with self._writes_of(connection, claim) as writes:
                done = replace(step, result=encoded(work(writes), f"step '{step.name}'"))
            self._grow(connection, claim, put_step(connection, claim, done) + writes.started_bytes)
            return done, is_cancelled

        return await patiently(lambda: self._database.transact(both))

    async def take_signal(self, claim: Claim, step: StepRecord, signal: str) -> StepRecord | None:
        def work(connection: Connection) -> StepRecord | None:
            passing(connection, claim)
            known = step_of(connection, claim, step.name)
            if known is not None and known.state == "succeeded":
                return known
            value = oldest_signal(connection, claim, signal, step.name)
            if value is None:
                return None
            done = replace(step, result=value)
            self._grow(connection, claim, put_step(connection, claim, done))
            return done

        return await patiently(lambda: self._database.transact(work))

    async def is_cancelled(self, claim: Claim) -> bool:
        query = select(workflow_runs.c.cancel_asked).where(workflow_runs.c.tenant_id == claim.tenant_id, *held_by(claim))
        row = await self._database.look(lambda connection: connection.execute(query).first())
        if row is None:
            raise RunLost(claim.run_id)
        return bool(row.cancel_asked)

    async def put_down(self, claim: Claim, due_at_us: int, signals: Collection[str]) -> None:
        def work(connection: Connection) -> None:
            # Whoever sends a signal or cancels locks the run first: what they did is seen here, or they see the run waiting.
            is_cancelled = passing(connection, claim, version=claim.version)
            due = now_us() if is_cancelled or is_signalled(connection, claim, signals) else due_at_us
            passing(connection, claim, state="waiting", due_at=due, owner=None)

        await patiently(lambda: self._database.transact(work))

    async def defer(self, claim: Claim, due_at_us: int) -> None:
        def work(connection: Connection) -> None:
            passing(connection, claim, state="queued", due_at=due_at_us, owner=None)

        await patiently(lambda: self._database.transact(work))

    async def end(self, claim: Claim, ending: Ending) -> Ending:
        try:
            await self._end(claim, ending)
        except RunsFull as full:
            ending = Ending("failed", failure=full.failure)
            await self._end(claim, ending)
        return ending

    async def _end(self, claim: Claim, ending: Ending) -> None:
        def work(connection: Connection) -> None:
            now = now_us()
            ended = {"state": ending.state, "ended_at": now, "due_at": None, "owner": None, "cancel_asked": False}
            result = None if ending.result is None else ending.result.decode()
            passing(connection, claim, **ended, version=claim.version, result=result, failure=failure_text(ending.failure))
            announce_in_thread(connection, RUN_NEWS, claim.tenant_id, claim.run_id)
            self._grow(connection, claim, len(ending.result or b""))

        await patiently(lambda: self._database.transact(work))

    async def give_back(self, claims: Collection[Claim]) -> None:
        def work(connection: Connection) -> None:
            for claim in claims:
                with suppress(RunLost):
                    passing(connection, claim, due_at=now_us(), owner=None)

        await patiently(lambda: self._database.transact(work))

    async def keep_only(self, executor_id: str, run_ids: Collection[tuple[str, str]]) -> int:
        return await self._database.transact(partial(claiming.keep_only, executor_id=executor_id, run_ids=run_ids))

    async def beat(self, executor_id: str) -> None:
        await self._database.transact(partial(claiming.beat, executor_id=executor_id))

    async def release_silent(self, silent: Collection[Beat]) -> int:
        return await self._database.transact(partial(claiming.release_silent, silent=silent))

    async def bring_forward(self) -> int:
        return await self._database.transact(claiming.bring_forward)

    async def leave(self, executor_id: str) -> None:
        await self._database.transact(partial(claiming.leave, executor_id=executor_id))

    def _grow(self, connection: Connection, claim: Claim, by: int) -> None:
        quotas = self._quotas if by > SMALL_BYTES else None
        grow(connection, claim.tenant_id, claim.acts_for.subject if claim.acts_for else "", by, quotas)
