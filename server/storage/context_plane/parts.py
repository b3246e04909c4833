"""Claims and facts are found alike: by whole groups, or by what of a group says one thing."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Row, Table

from server.storage.context_plane.matching import matching
from server.storage.context_plane.tenant_rows import TenantRows
from tools.context_plane.facts import Group, Part


def rows_of_parts(rows: TenantRows, table: Table, parts: Collection[Part], *among: ColumnElement[bool]) -> list[Row[Any]]:
    """Return the tenant's rows of `claims` or `facts` that belong to `parts`, each once; `among`: those alone for which this holds."""
    columns = (table.c.subject_id, table.c.predicate, table.c.said)
    groups = {part.group for part in parts if part.said is None}
    whole = [(group.subject_id, group.predicate) for group in groups]
    narrow = {part for part in parts if part.said is not None and part.group not in groups}
    found = [*matching(rows.connection, table, rows.tenant_id, columns[:2], whole, *among)]
    found = [row for row in found if Group(audience=row.audience, subject_id=row.subject_id, predicate=row.predicate) in groups]
    said = [(part.group.subject_id, part.group.predicate, part.said) for part in narrow if part.said is not None]
    for row in matching(rows.connection, table, rows.tenant_id, columns, said, *among):
        # The audience is in no index: few have private rows.
        if Part(Group(audience=row.audience, subject_id=row.subject_id, predicate=row.predicate), row.said) in narrow:
            found.append(row)
    return found
