"""Audit: who changed what, from where; every row is chained to the one before (decision 0054)."""

from dataclasses import dataclass
from typing import get_args

import orjson

from server.admin.administrators import Administrator
from server.admin.lists.cursors import cursor_after, numbers_of
from server.admin.resource import Column, Filter, ListQuery, Resource, Row, Rows
from server.audited import Surface
from server.storage.audit.chain import AuditRow
from server.storage.audit.reading import SqlAuditTrail


@dataclass(frozen=True, slots=True)
class Audit:
    trail: SqlAuditTrail

    def resource(self) -> Resource:
        return Resource(
            name="audit",
            title="Audit",
            about="Who changed what. `ascend audit verify` follows the chain of these rows.",
            columns=(
                Column(name="at", title="When", kind="time"),
                Column(name="tenant", title="Tenant", link="tenants"),
                Column(name="actor", title="Who"),
                Column(name="surface", title="From", kind="state"),
                Column(name="action", title="What"),
                Column(name="target", title="Of what"),
                Column(name="trace_id", title="Trace", link="traces", is_aside=True),
                Column(name="id", title="Row", link="audit"),
            ),
            facts=(Column(name="details", title="Details"),),
            rows=self.rows,
            one=self.one,
            filters=(
                Filter(name="actor", title="Who"),
                Filter(name="surface", title="From", choices=get_args(Surface)),
                Filter(name="action", title="What"),
            ),
            default_range="7d",
            when_empty="Nothing was changed since then.",
        )

    async def rows(self, administrator: Administrator, query: ListQuery) -> Rows:
        if query.tenant_id is not None and not administrator.reaches_upkeep(query.tenant_id):
            return Rows([])
        place = numbers_of(query.cursor, 1)
        found = await self.trail.rows(
            tenant_id=query.tenant_id,
            with_predecessors=administrator.reaches_gateway,
            since_us=query.span.from_us,
            until_us=query.span.to_us,
            actor=query.filters.get("actor"),
            surface=query.filters.get("surface"),
            action=query.filters.get("action"),
            before_seq=None if place is None else place[0],
            limit=query.limit + 1,
        )
        shown = found[: query.limit]
        return Rows([audit_row(row) for row in shown], cursor_after(shown[-1].seq) if len(found) > query.limit else None)

    async def one(self, administrator: Administrator, key: str) -> Row | None:
        if not (key.isascii() and key.isdigit() and len(key) < 19):
            return None
        found = await self.trail.row(int(key), administrator.reach(None))
        return None if found is None or not administrator.reaches_upkeep(found.tenant_id) else audit_row(found)


def audit_row(row: AuditRow) -> Row:
    """Return a row of the trail as lists show it."""
    return {
        "at": row.at_us,
        "tenant": row.tenant_id,
        "actor": row.actor,
        "surface": row.surface,
        "action": row.action,
        "target": row.target,
        "details": orjson.loads(row.details),
        "trace_id": row.trace_id,
        "id": str(row.seq),
    }
