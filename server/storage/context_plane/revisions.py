"""A tenant's revision: the lock of its writers, the order of its changes, and where an index stands (docs/decisions/0045)."""

from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from server.storage.database import now_us
from server.storage.schema.context_tables import context_revisions
from server.storage.schema.platform_tables import changes

TOPIC = "context"


def next_revision(connection: Connection, tenant_id: str) -> int:
    """Begin a change of a tenant: wait for the writer before, take the next number, and announce it with the commit.

    The row is locked until the transaction ends, in PostgreSQL as in SQLite: numbers are given in the order of commits, so an
    index that has read up to one misses nothing before it.
    """
    c = context_revisions.c
    # SQLite and PostgreSQL write `ON CONFLICT` alike, SQLAlchemy does not.
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    first = dialect.insert(context_revisions).values(tenant_id=tenant_id, revision=1)
    step = first.on_conflict_do_update(index_elements=[c.tenant_id], set_={"revision": c.revision + 1}).returning(c.revision)
    revision = connection.execute(step).scalar_one()
    connection.execute(insert(changes).values(topic=TOPIC, tenant_id=tenant_id, item=tenant_id, changed_at=now_us()))
    return int(revision)


def revision_of(connection: Connection, tenant_id: str) -> int:
    """Return where a tenant stands; 0: nothing was ever kept."""
    query = select(context_revisions.c.revision).where(context_revisions.c.tenant_id == tenant_id)
    return connection.execute(query).scalar() or 0
