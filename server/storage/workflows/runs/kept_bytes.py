"""How many bytes runs have on record, by tenant and whom they act for: counted with what is written and forgotten.

Table: workflow_totals. Its row is written last in a transaction, after the run's: so nobody who has it waits for somebody's run.
"""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, LargeBinary, case, cast, func, select, tuple_, union_all

from server.storage.insertion import upsert
from server.storage.schema.workflows.workflow_tables import workflow_runs, workflow_signals, workflow_steps, workflow_totals
from tools.workflows.engine.run_quotas import RunQuotas
from tools.workflows.errors import RunsFull


def grow(connection: Connection, tenant_id: str, acts_for: str, by: int, quotas: RunQuotas | None) -> None:
    """Count `by` bytes more, or fewer. Raises RunsFull, for the transaction to be undone; `quotas` None: whatever there is."""
    if not by:
        return
    t = workflow_totals.c
    grown = t.kept_bytes + by
    first = upsert(connection.dialect.name, workflow_totals).values(tenant_id=tenant_id, acts_for=acts_for, kept_bytes=max(0, by))
    values = {"kept_bytes": case((grown < 0, 0), else_=grown)}
    connection.execute(first.on_conflict_do_update(index_elements=[t.tenant_id, t.acts_for], set_=values))
    if by > 0 and quotas is not None:
        own = func.sum(case((t.acts_for == acts_for, t.kept_bytes), else_=0))
        person, tenant = connection.execute(select(own, func.sum(t.kept_bytes)).where(t.tenant_id == tenant_id)).one()
        if acts_for and person > quotas.person_bytes:
            raise RunsFull(quotas.person_bytes, of_person=True)
        if tenant > quotas.tenant_bytes:
            raise RunsFull(quotas.tenant_bytes, of_person=False)


def forget_bytes(connection: Connection, runs: Sequence[tuple[str, str]]) -> None:
    """Count runs, by (tenant_id, run_id), as forgotten; before their rows go."""
    r, size = workflow_runs.c, _size(connection)
    if not runs:
        return
    parts: list[Any] = [select(r.tenant_id, r.acts_for, (size(r.given) + size(r.result)).label("size")).where(_of(workflow_runs, runs))]
    for table, column in ((workflow_steps, workflow_steps.c.result), (workflow_signals, workflow_signals.c.value)):
        its_run = (r.tenant_id == table.c.tenant_id) & (r.run_id == table.c.run_id)
        parts.append(
            select(r.tenant_id, r.acts_for, size(column).label("size")).join_from(table, workflow_runs, its_run).where(_of(table, runs))
        )
    each = union_all(*parts).subquery()
    sums = select(each.c.tenant_id, each.c.acts_for, func.sum(each.c.size)).group_by(each.c.tenant_id, each.c.acts_for)
    for tenant_id, acts_for, total in connection.execute(sums).all():
        grow(connection, tenant_id, acts_for, -int(total), None)


def steps_bytes(connection: Connection, tenant_id: str, run_id: str, names: Collection[str]) -> int:
    """Return how many bytes the results of some steps of a run have."""
    c = workflow_steps.c
    which = (c.tenant_id == tenant_id, c.run_id == run_id, c.name.in_(names))
    return int(connection.execute(select(func.coalesce(func.sum(_size(connection)(c.result)), 0)).where(*which)).scalar_one())


def kept(connection: Connection) -> tuple[int, int]:
    """Return how many bytes all tenants have, and how many the one that has most."""
    t = workflow_totals.c
    sums = connection.execute(select(func.sum(t.kept_bytes)).group_by(t.tenant_id)).scalars().all()
    return int(sum(sums)), int(max(sums, default=0))


def _size(connection: Connection) -> Any:
    """Return what gives the size of a text in UTF-8; 0 of none."""
    is_sqlite = connection.dialect.name == "sqlite"
    return lambda column: func.coalesce(func.length(cast(column, LargeBinary)) if is_sqlite else func.octet_length(column), 0)


def _of(table: Any, runs: Sequence[tuple[str, str]]) -> ColumnElement[bool]:
    return tuple_(table.c.tenant_id, table.c.run_id).in_(runs)
