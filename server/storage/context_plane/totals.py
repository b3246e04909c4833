"""What a tenant has on record, and when it changed last: read and written in the transaction that changes it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from server.storage.database import now_us
from server.storage.insertion import upsert
from server.storage.schema.context_tables import context_person_totals, context_revisions, context_totals

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
    #: person -> claims and bytes that came less those that went, in this transaction
    claims_by: Counter[int] = field(default_factory=Counter)
    bytes_by: Counter[int] = field(default_factory=Counter)

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
    p = context_person_totals.c
    for person in {each for each in (*totals.claims_by, *totals.bytes_by) if each}:
        more = {"claims": totals.claims_by[person], "content_bytes": totals.bytes_by[person]}
        mine = upsert(connection.dialect.name, context_person_totals).values(tenant_id=tenant_id, added_by=person, **more)
        added = {"claims": p.claims + more["claims"], "content_bytes": p.content_bytes + more["content_bytes"]}
        connection.execute(mine.on_conflict_do_update(index_elements=[p.tenant_id, p.added_by], set_=added))


def person_totals(connection: Connection, tenant_id: str, person: int) -> tuple[int, int]:
    """Return claims and bytes of a person as they were before this transaction."""
    p = context_person_totals.c
    row = connection.execute(select(p.claims, p.content_bytes).where(p.tenant_id == tenant_id, p.added_by == person)).first()
    return (0, 0) if row is None else (row.claims, row.content_bytes)


def _totals(row: Row[Any]) -> Totals:
    return Totals(changed_at=row.changed_at, facts=row.facts, claims=row.claims, entities=row.entities, content_bytes=row.content_bytes)
