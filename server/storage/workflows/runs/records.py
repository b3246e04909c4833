"""RunRecords on the database: what people do to runs (docs/decisions/0058)."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial

import orjson
from sqlalchemy import Connection, Row, Update, and_, delete, func, or_, select, tuple_, update

from server.storage.database import Database, announce_in_thread, now_us
from server.storage.insertion import insert_once_in_thread
from server.storage.row_removal import among
from server.storage.schema.workflows.workflow_tables import workflow_runs, workflow_signals, workflow_steps, workflow_totals
from server.storage.workflows.runs.kept_bytes import forget_bytes, grow, steps_bytes
from server.storage.workflows.runs.new_runs import QueuedRun, open_runs, put_run
from server.storage.workflows.runs.signals import unread_signals
from server.storage.workflows.runs.suspension import SUSPENDED
from server.storage.workflows.runs.views import page, position_of, shown
from tools.operation import Json
from tools.workflows.engine.run_quotas import RUN_QUOTAS, RunQuotas
from tools.workflows.engine.run_records import (
    MostOpen,
    NewRun,
    NoSuchRun,
    NoSuchSteps,
    NotResumable,
    OtherRun,
    RunFilter,
    TooManyRuns,
    TooManySignals,
)
from tools.workflows.stores import ENDED, RunPage, RunView
from tools.workflows.topics import RUN_NEWS

#: a run's rows, the run itself first: whoever writes to one holds it
_TABLES = (workflow_runs, workflow_steps, workflow_signals)
#: runs that are forgotten in one transaction
_AT_ONCE = 200
#: of one person, or of the gateway itself in one tenant
MAX_ENDED_RUNS = 100_000


class SqlRunRecords:
    """Keeps `tools.workflows.engine.run_records.RunRecords`."""

    def __init__(self, database: Database, quotas: RunQuotas = RUN_QUOTAS) -> None:
        self._database, self._quotas = database, quotas

    async def start(self, new: NewRun, most: MostOpen) -> str:
        queued = QueuedRun(new.tenant_id, new.workflow, new.key, new.given, new.started_by, new.acts_for, new.at_us, new.trace_id)

        def work(connection: Connection) -> str:
            known = _locked(connection, new.tenant_id, queued.run_id)
            if known is None:
                _check_room(connection, new.tenant_id, queued.subject, most)
                if put_run(connection, queued):
                    grow(connection, new.tenant_id, queued.subject, len(queued.given_text), self._quotas)
                    return queued.run_id
                known = _locked(connection, new.tenant_id, queued.run_id)
            if known is not None and orjson.loads(known.given) != orjson.loads(orjson.dumps(dict(new.given))):
                raise OtherRun
            return queued.run_id

        return await self._database.transact(work)

    async def signal(self, tenant_id: str, run_id: str, name: str, value: Json, key: str) -> None:
        def work(connection: Connection) -> None:
            run = _found(connection, tenant_id, run_id)
            if run.state in ENDED:
                raise NotResumable(run.state)
            sent = {"tenant_id": tenant_id, "run_id": run_id, "name": name, "key": key}
            text = orjson.dumps(value)
            is_new = insert_once_in_thread(connection, workflow_signals, {**sent, "value": text.decode(), "sent_at": now_us()})
            if is_new and unread_signals(connection, tenant_id, run_id) > self._quotas.unread_signals:
                raise TooManySignals(self._quotas.unread_signals)
            if run.owner is None and run.state == "waiting":
                connection.execute(_of(tenant_id, run_id).values(due_at=now_us()))
            announce_in_thread(connection, RUN_NEWS, tenant_id, run_id)
            if is_new:
                grow(connection, tenant_id, run.acts_for, len(text), self._quotas)

        await self._database.transact(work)

    async def cancel(self, tenant_id: str, run_id: str) -> bool:
        def work(connection: Connection) -> bool:
            run = _found(connection, tenant_id, run_id)
            if run.state in ENDED:
                return False
            now = now_us()
            ended = {"state": "cancelled", "ended_at": now, "due_at": None}
            # Whoever has it in hand ends it, after the step that is under way.
            values: Mapping[str, Json] = ended | {"owner": None} if run.owner in (None, SUSPENDED) else {"cancel_asked": True}
            connection.execute(_of(tenant_id, run_id).values(updated_at=now, **values))
            announce_in_thread(connection, RUN_NEWS, tenant_id, run_id)
            return True

        return await self._database.transact(work)

    async def resume(self, tenant_id: str, run_id: str, again: Collection[str], most: MostOpen) -> None:
        def work(connection: Connection) -> None:
            run = _found(connection, tenant_id, run_id)
            if run.state not in ("failed", "cancelled"):
                raise NotResumable(run.state)
            _check_room(connection, tenant_id, run.acts_for, most)
            c = workflow_steps.c
            of_run = (c.tenant_id == tenant_id, c.run_id == run_id)
            known = set(connection.execute(select(c.name).where(*of_run)).scalars())
            if unknown := set(again) - known:
                raise NoSuchSteps(sorted(unknown), sorted(known))
            anew = {"state": "again", "attempts": 0, "wakes_at": None, "ended_at": None, "result": None, "failure": None}
            # A call that failed keeps its idempotency key: it may have happened. One that is asked for again gets another.
            anew_bytes = steps_bytes(connection, tenant_id, run_id, again)
            connection.execute(update(workflow_steps).where(*of_run, c.state == "failed", c.name.not_in(again)).values(**anew))
            connection.execute(update(workflow_steps).where(*of_run, c.name.in_(again)).values(**anew, round=c.round + 1))
            now = now_us()
            open_again = {"state": "queued", "due_at": now, "ended_at": None, "result": None, "failure": None, "cancel_asked": False}
            connection.execute(_of(tenant_id, run_id).values(**open_again, losses=0, updated_at=now))
            announce_in_thread(connection, RUN_NEWS, tenant_id, run_id)
            grow(connection, tenant_id, run.acts_for, -anew_bytes, None)

        await self._database.transact(work)

    async def show(self, tenant_id: str, run_id: str) -> RunView | None:
        return await self._database.look(lambda connection: shown(connection, tenant_id, run_id))

    async def page(self, tenant_id: str, wanted: RunFilter, limit: int, cursor: str | None) -> RunPage | None:
        before = None if cursor is None else position_of(cursor)
        if cursor is not None and before is None:
            return None
        return await self._database.look(lambda connection: page(connection, tenant_id, wanted, limit, before))

    async def forget(self, tenant_id: str) -> int:
        def work(connection: Connection) -> int:
            tables = (*_TABLES, workflow_totals)
            gone = [connection.execute(delete(table).where(table.c.tenant_id == tenant_id)).rowcount for table in tables]
            return gone[0]

        forgotten = await self._database.transact(work)
        await self._database.overwrite([table.name for table in _TABLES])
        return forgotten

    async def sweep(self, before_us: int, webhooks_before_us: int) -> None:
        """Forget the runs of all tenants that ended earlier; what webhooks brought goes earlier, because it is others' data."""
        c = workflow_runs.c
        is_old = or_(c.ended_at < before_us, and_(c.ended_at < webhooks_before_us, c.started_by == "webhook"))
        query = select(c.tenant_id, c.run_id).where(is_old)

        def work(connection: Connection, found: Sequence[tuple[str, str]]) -> None:
            # Somebody may have resumed one meanwhile.
            old = [(row.tenant_id, row.run_id) for row in connection.execute(query.where(among(workflow_runs, found)))]
            forget_bytes(connection, old)
            for table in _TABLES:
                connection.execute(delete(table).where(tuple_(table.c.tenant_id, table.c.run_id).in_(old)))

        # Looked for on a snapshot, where it holds up nobody.
        while found := await self._database.look(lambda connection: [tuple(row) for row in connection.execute(query.limit(_AT_ONCE))]):
            await self._database.transact(partial(work, found=found))
        await self._forget_beyond(MAX_ENDED_RUNS)

    async def _forget_beyond(self, most: int) -> None:
        """Forget what ended first of whoever has more ended runs than are kept, so that nobody fills the store by starting many."""
        c, ended = workflow_runs.c, func.count()
        # Of all tenants, on purpose; each makes room at their own cost.
        holders = (
            select(c.tenant_id, c.acts_for, ended).where(c.ended_at.is_not(None)).group_by(c.tenant_id, c.acts_for).having(ended > most)
        )
        for tenant_id, acts_for, there in await self._database.look(lambda connection: connection.execute(holders).all()):
            for excess in range(there - most, 0, -_AT_ONCE):
                count = min(excess, _AT_ONCE)
                await self._database.transact(partial(_forget_oldest, tenant_id=tenant_id, acts_for=acts_for, count=count))


def _forget_oldest(connection: Connection, tenant_id: str, acts_for: str, count: int) -> None:
    """Forget the runs that ended first of those that act for one person, or for the gateway itself."""
    c = workflow_runs.c
    oldest = (
        select(c.run_id).where(c.tenant_id == tenant_id, c.acts_for == acts_for, c.ended_at.is_not(None)).order_by(c.ended_at).limit(count)
    )
    run_ids = connection.execute(oldest).scalars().all()
    forget_bytes(connection, [(tenant_id, run_id) for run_id in run_ids])
    for table in _TABLES:
        connection.execute(delete(table).where(table.c.tenant_id == tenant_id, table.c.run_id.in_(run_ids)))


def _check_room(connection: Connection, tenant_id: str, acts_for: str, most: MostOpen) -> None:
    """Two that count at the same time may both find the last place: this bounds what is open, and promises no number."""
    if open_runs(connection, tenant_id) >= most.of_tenant:
        raise TooManyRuns(of_person=False)
    if acts_for and open_runs(connection, tenant_id, acts_for) >= most.of_person:
        raise TooManyRuns(of_person=True)


def _locked(connection: Connection, tenant_id: str, run_id: str) -> Row[tuple[object, ...]] | None:
    c = workflow_runs.c
    query = select(workflow_runs).where(c.tenant_id == tenant_id, c.run_id == run_id)
    return connection.execute(query.with_for_update()).first()


def _found(connection: Connection, tenant_id: str, run_id: str) -> Row[tuple[object, ...]]:
    """Return the row of a run and keep everybody else out until the commit. Raises NoSuchRun."""
    row = _locked(connection, tenant_id, run_id)
    if row is None:
        raise NoSuchRun
    return row


def _of(tenant_id: str, run_id: str) -> Update:
    return update(workflow_runs).where(workflow_runs.c.tenant_id == tenant_id, workflow_runs.c.run_id == run_id)
