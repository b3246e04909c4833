"""A change of a tenant's context within a transaction that is somebody else's too, or its own."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from server.storage.context_plane.revisions import move_to, next_revision
from server.storage.context_plane.rows import SqlContextRows
from server.storage.context_plane.totals import keep_totals, totals_of
from tools.context_plane.quotas import ContextQuotas


@contextmanager
def context_change(connection: Connection, tenant_id: str, quotas: ContextQuotas) -> Iterator[SqlContextRows]:
    """Give the rows of a tenant to change, and keep at the end where the tenant then stands (docs/decisions/0046)."""
    first = next_revision(connection, tenant_id)
    totals = totals_of(connection, tenant_id)
    rows = SqlContextRows(connection, tenant_id, totals.next_us, totals, first, quotas)
    yield rows
    if rows.revision > first + 1:
        move_to(connection, tenant_id, rows.revision - 1)
    keep_totals(connection, tenant_id, rows.totals, rows.now_us)
