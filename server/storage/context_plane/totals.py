"""What a tenant has on record, and when it changed last: read and written in the transaction that changes it."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from server.storage.database import now_us
from server.storage.insertion import upsert
from server.storage.schema.context_tables import context_revisions, context_totals

# Made once: every question begins with it.
_STANDING = (
    select(context_revisions.c.revision, context_totals)
    .select_from(context_revisions.outerjoin(context_totals, context_totals.c.tenant_id == context_revisions.c.tenant_id))
    .where(context_revisions.c.tenant_id == bindparam("tenant"))
)


@dataclass(slots=True)
class Totals:
    """Counts move with what is added and forgotten."""

    changed_at: int = 0
    facts: int = 0
    claims: int = 0
    entities: int = 0
    content_bytes: int = 0

    @property
    def next_us(self) -> int:
        """The time of the next change: after the last one, whatever the clocks of the nodes say.

        So what was believed at a time has one answer.
        """
        return max(now_us(), self.changed_at + 1)


def totals_of(connection: Connection, tenant_id: str) -> Totals:
    row = connection.execute(select(context_totals).where(context_totals.c.tenant_id == tenant_id)).one_or_none()
    return Totals() if row is None else _totals(row)


def standing_of(connection: Connection, tenant_id: str) -> tuple[int, Totals]:
    """Return a tenant's revision, 0 where nothing was ever kept, and its totals."""
    row = connection.execute(_STANDING, {"tenant": tenant_id}).one_or_none()
    if row is None:
        return 0, Totals()
    return row.revision, Totals() if row.changed_at is None else _totals(row)


def keep_totals(connection: Connection, tenant_id: str, totals: Totals, changed_at: int) -> None:
    values = {
        "changed_at": changed_at,
        "facts": totals.facts,
        "claims": totals.claims,
        "entities": totals.entities,
        "content_bytes": totals.content_bytes,
    }
    first = upsert(connection.dialect.name, context_totals).values(tenant_id=tenant_id, **values)
    connection.execute(first.on_conflict_do_update(index_elements=[context_totals.c.tenant_id], set_=values))


def _totals(row: Row[Any]) -> Totals:
    return Totals(changed_at=row.changed_at, facts=row.facts, claims=row.claims, entities=row.entities, content_bytes=row.content_bytes)
