"""A tenant's revision: the lock of its writers, the order of its changes, and where an index stands (docs/decisions/0046)."""

from sqlalchemy import Connection, select, update

from server.storage.database import announce_in_thread
from server.storage.insertion import upsert
from server.storage.schema.context_tables import context_revisions

TOPIC = "context"


def next_revision(connection: Connection, tenant_id: str) -> int:
    """Begin a change of a tenant: wait for the writer before, take the next number, and announce it with the commit.

    The row is locked until the transaction ends, in PostgreSQL as in SQLite: numbers are given in the order of commits, so an
    index that has read up to one misses nothing before it.
    """
    c = context_revisions.c
    first = upsert(connection.dialect.name, context_revisions).values(tenant_id=tenant_id, revision=1)
    step = first.on_conflict_do_update(index_elements=[c.tenant_id], set_={"revision": c.revision + 1}).returning(c.revision)
    revision = connection.execute(step).scalar_one()
    announce_in_thread(connection, TOPIC, tenant_id, tenant_id)
    return int(revision)


def move_to(connection: Connection, tenant_id: str, revision: int) -> None:
    """Let a change that took further numbers end with the last one: many rows that change at once can be followed in pages."""
    connection.execute(update(context_revisions).where(context_revisions.c.tenant_id == tenant_id).values(revision=revision))


def revision_of(connection: Connection, tenant_id: str) -> int:
    """Return where a tenant stands; 0: nothing was ever kept."""
    query = select(context_revisions.c.revision).where(context_revisions.c.tenant_id == tenant_id)
    return connection.execute(query).scalar() or 0
