"""Errors: failures by kind, how often and since when, and whether somebody looks after them."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from server.admin.administrators import Administrator
from server.admin.lists.cursors import cursor_after, number_and_text_of
from server.admin.nouns.records.calls import CLASSES
from server.admin.refusals import not_found
from server.admin.resource import Change, Column, Done, Filter, ListQuery, Resource, Row, Rows
from server.storage.audit.reading import SqlAuditTrail
from server.storage.history.figures import ErrorKind, HistoryFigures
from server.storage.history.rollups import HOUR_US

STATES = ("open", "acknowledged", "resolved")
UNRESOLVED = STATES[:2]
#: of the spark of one kind
HOURS = 24


@dataclass(frozen=True, slots=True)
class Errors:
    figures: HistoryFigures
    trail: SqlAuditTrail
    clock: Callable[[], float] = time.time

    def resource(self) -> Resource:
        return Resource(
            name="errors",
            title="Errors",
            about="Failures by kind: numbers in a reason do not part them, and what is resolved and comes again is open again.",
            columns=(
                Column(name="id", title="Error", link="errors"),
                Column(name="tenant", title="Tenant", link="tenants"),
                Column(name="operation", title="Operation", link="operations"),
                Column(name="code", title="Code"),
                Column(name="class", title="Class", kind="state"),
                Column(name="count", title="Count", kind="number"),
                Column(name="first", title="First", kind="time", is_aside=True),
                Column(name="last", title="Last", kind="time"),
                Column(name="reason", title="Reason"),
                Column(name="last_day", title="Last 24 h", kind="spark"),
                Column(name="state", title="State", kind="state"),
                Column(name="trace_id", title="Trace", link="traces"),
                Column(name="runbook", title="Runbook", link="runbooks"),
            ),
            facts=(Column(name="changed_by", title="By"),),
            rows=self.rows,
            one=self.one,
            filters=(
                Filter(name="state", title="State", choices=(*STATES, "all")),
                Filter(name="class", title="Class", choices=CLASSES),
                Filter(name="operation", title="Operation"),
            ),
            changes=(
                Change("acknowledge", "Acknowledge", self.acknowledge, in_states=("open",)),
                Change("resolve", "Resolve", self.resolve, in_states=("open", "acknowledged")),
            ),
            default_range="7d",
            when_empty="Nothing failed.",
        )

    async def rows(self, _administrator: Administrator, query: ListQuery) -> Rows:
        state = query.filters.get("state")
        found = await self.figures.errors(
            query.span.from_us,
            query.tenant_id,
            until_us=query.span.to_us,
            states=UNRESOLVED if state is None else STATES if state == "all" else (state,),
            error_class=query.filters.get("class"),
            operation=query.filters.get("operation"),
            before=number_and_text_of(query.cursor),
            limit=query.limit + 1,
        )
        shown = found[: query.limit]
        more = len(found) > query.limit
        return Rows(await self._with_last_day(shown), cursor_after(shown[-1].last_at_us, shown[-1].fingerprint) if more else None)

    async def one(self, administrator: Administrator, key: str) -> Row | None:
        found = await self.figures.error(key, administrator.reach(None))
        if found is None:
            return None
        return (await self._with_last_day([found]))[0]

    async def _with_last_day(self, kinds: Sequence[ErrorKind]) -> list[Row]:
        """Return rows with how often operation and code failed in each of the last hours."""
        first_us = (int(self.clock() * 1_000_000) // HOUR_US - HOURS + 1) * HOUR_US
        by_hour = await self.figures.failures_by_hour(kinds, first_us, HOURS)
        return [{**error_row(kind), "last_day": list(hours)} for kind, hours in zip(kinds, by_hour, strict=True)]

    async def acknowledge(self, administrator: Administrator, key: str, _values: Mapping[str, str]) -> Done:
        return await self._mark(administrator, key, "acknowledged")

    async def resolve(self, administrator: Administrator, key: str, _values: Mapping[str, str]) -> Done:
        return await self._mark(administrator, key, "resolved")

    async def _mark(self, administrator: Administrator, key: str, state: str) -> Done:
        await mark_error(self.figures, self.trail, key, state, administrator.by, administrator.reach(None))
        found = await self.one(administrator, key)
        return Done(f"{key} is {state}", found or {})


async def mark_error(figures: HistoryFigures, trail: SqlAuditTrail, fingerprint: str, state: str, by: str, tenant_id: str | None) -> None:
    """Acknowledge or resolve a kind of failure, of `tenant_id` where there is one. Raises AdminRefused."""
    if await figures.error(fingerprint, tenant_id) is None:
        raise not_found(f"there is no error {fingerprint[:80]!r}", "`ascend errors --all` lists them")
    # The history has no trail: that somebody does it is on record before it is done.
    await trail.note()
    await figures.set_error_state(fingerprint, state, by, tenant_id)


def error_row(kind: ErrorKind) -> Row:
    """Return a kind of failure as lists show it."""
    return {
        "id": kind.fingerprint,
        "tenant": kind.tenant_id,
        "operation": kind.operation,
        "code": kind.code,
        "class": kind.error_class,
        "count": kind.count,
        "first": kind.first_at_us,
        "last": kind.last_at_us,
        "reason": kind.reason,
        "state": kind.state,
        "changed_by": kind.changed_by,
        "trace_id": kind.last_trace_id,
        "runbook": kind.error_class,
    }
