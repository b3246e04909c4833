"""Whose turn it is, and who has what in hand. Rows of all tenants, on purpose: processes serve everybody.

Tables: workflow_runs, workflow_executors.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, Row, bindparam, delete, func, or_, select, tuple_, update

from server.storage.database import now_us
from server.storage.insertion import upsert
from server.storage.schema.workflows.workflow_tables import workflow_executors, workflow_runs
from server.storage.workflows.acting import acts_for_of
from server.storage.workflows.runs.steps import steps_of
from tools.workflows.engine.records import Beat, Claim, Outlook

#: clocks of nodes that are in step differ by less
_AHEAD_US = 60 * 1_000_000
#: rows that are put right in one transaction
_AT_ONCE = 100
_FREE: dict[str, Any] = {"owner": None, "updated_at": bindparam("now"), "due_at": bindparam("now")}


def outlook(connection: Connection) -> Outlook:
    """Say what there is to do, for processes that serve every tenant."""
    now, c, e = now_us(), workflow_runs.c, workflow_executors.c
    is_free = c.owner.is_(None)
    due = connection.execute(select(func.count(), func.min(c.due_at)).where(is_free, c.due_at <= now)).one()
    waiting = connection.execute(select(c.tenant_id).where(is_free, c.due_at <= now).distinct()).scalars() if due[0] else ()
    later = connection.execute(select(func.min(c.due_at)).where(is_free, c.due_at > now)).scalar()
    beats = connection.execute(select(e.executor_id, e.beat, e.beat_at))
    alive = tuple(Beat(executor_id=row.executor_id, count=row.beat, at_us=row.beat_at) for row in beats)
    return Outlook(due=due[0], oldest_due_us=due[1], next_due_us=later, beats=alive, waiting=frozenset(waiting))


def claim(connection: Connection, executor_id: str, limit: int, busy: Mapping[str, int], last: Sequence[str]) -> list[Claim]:
    """Take runs that are due: as many of each tenant, those that have least in hand and were served longest ago first."""
    now, c = now_us(), workflow_runs.c
    is_due = (c.owner.is_(None), c.due_at <= now)
    waiting = {row[0]: row[1] for row in connection.execute(select(c.tenant_id, func.min(c.due_at)).where(*is_due).group_by(c.tenant_id))}
    place = {tenant_id: at for at, tenant_id in enumerate(last)}
    order = sorted(waiting, key=lambda tenant_id: (busy.get(tenant_id, 0), place.get(tenant_id, -1), waiting[tenant_id]))
    rows: list[Row[tuple[object, ...]]] = []
    for at, tenant_id in enumerate(order):
        share = math.ceil((limit - len(rows)) / (len(order) - at))
        if share < 1:
            break
        oldest = select(workflow_runs).where(c.tenant_id == tenant_id, *is_due).order_by(c.due_at, c.run_id).limit(share)
        # In PostgreSQL another process may be taking the same ones; in SQLite this is the only writer.
        rows.extend(connection.execute(oldest.with_for_update(skip_locked=True)))
    if not rows:
        return []
    beat(connection, executor_id)
    taken = update(workflow_runs).where(c.tenant_id == bindparam("of"), c.run_id == bindparam("id"))
    values = {"owner": executor_id, "attempt": c.attempt + 1, "state": "running", "due_at": None, "updated_at": now}
    connection.execute(taken.values(**values), [{"of": row.tenant_id, "id": row.run_id} for row in rows])
    return [_claim_of(connection, row, executor_id) for row in rows]


def _claim_of(connection: Connection, row: Row[tuple[object, ...]], executor_id: str) -> Claim:
    return Claim(
        tenant_id=row.tenant_id,
        run_id=row.run_id,
        workflow=row.workflow,
        version=row.version,
        given=orjson.loads(row.given),
        acts_for=acts_for_of(row),
        created_at_us=row.created_at,
        owner=executor_id,
        attempt=row.attempt + 1,
        losses=row.losses,
        is_cancelled=row.cancel_asked,
        trace_id=row.trace_id,
        # One that nobody had in hand has none.
        steps=steps_of(connection, row.tenant_id, row.run_id) if row.attempt else {},
    )


def beat(connection: Connection, executor_id: str) -> None:
    """Say that a process lives; it is known from then on."""
    e, now = workflow_executors.c, now_us()
    first = upsert(connection.dialect.name, workflow_executors).values(executor_id=executor_id, beat=1, beat_at=now)
    connection.execute(first.on_conflict_do_update(index_elements=[e.executor_id], set_={"beat": e.beat + 1, "beat_at": now}))


def release_silent(connection: Connection, silent: Collection[Beat]) -> int:
    """Let others take what processes had in hand that have not beaten since; runs of every tenant."""
    e, c, released = workflow_executors.c, workflow_runs.c, 0
    for each in silent:
        # Its row is the lock: a process that beats, or takes a run, in this moment is alive.
        gone = delete(workflow_executors).where(e.executor_id == each.executor_id, e.beat == each.count)
        if connection.execute(gone.returning(e.executor_id)).first() is None:
            continue
        free = update(workflow_runs).where(c.owner == each.executor_id).values(**_FREE, losses=c.losses + 1)
        released += connection.execute(free, {"now": now_us()}).rowcount
    return released


def bring_forward(connection: Connection) -> int:
    """Have runs taken up that a process put down whose clock was ahead: its "at once" is an hour away where it was an hour ahead.

    Told by when they were last written to, which has not come yet. Of every tenant. What is taken up too early waits on, by its steps'
    own times; a start that was put off by whoever asked for it, and that nobody has taken up yet, is left alone.
    """
    now, c = now_us(), workflow_runs.c
    is_ahead = (c.owner.is_(None), c.due_at > now, c.updated_at > now + _AHEAD_US, or_(c.attempt > 0, c.due_at <= c.updated_at))
    ahead = select(c.tenant_id, c.run_id).where(*is_ahead).limit(_AT_ONCE).with_for_update(skip_locked=True)
    rows = [{"of": row.tenant_id, "id": row.run_id} for row in connection.execute(ahead)]
    if rows:
        one = update(workflow_runs).where(c.tenant_id == bindparam("of"), c.run_id == bindparam("id"))
        connection.execute(one.values(due_at=now, updated_at=now), rows)
    return len(rows)


def leave(connection: Connection, executor_id: str) -> None:
    """Let others take whatever a process has in hand, of every tenant: it ends."""
    connection.execute(update(workflow_runs).where(workflow_runs.c.owner == executor_id).values(**_FREE), {"now": now_us()})
    connection.execute(delete(workflow_executors).where(workflow_executors.c.executor_id == executor_id))


def keep_only(connection: Connection, executor_id: str, run_ids: Collection[tuple[str, str]]) -> int:
    """Let others take what a process has in hand by the store alone: its claim was never answered."""
    c = workflow_runs.c
    lost = update(workflow_runs).where(c.owner == executor_id, tuple_(c.tenant_id, c.run_id).not_in(list(run_ids)))
    return connection.execute(lost.values(**_FREE), {"now": now_us()}).rowcount
