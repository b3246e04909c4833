"""Usage: how often each operation is used, and which never are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from oauth.tenants import DEFAULT_TENANT
from server.admin.administrators import Administrator
from server.admin.lists.cursors import page_of
from server.admin.resource import Column, Filter, ListQuery, Resource, Row, Rows
from server.storage.history.figures import HistoryFigures
from server.storage.history.operation_uses import OperationUse
from tools.operation import Operation

#: of a tenant, its operations by their id
Known = Callable[[str], Mapping[str, Operation]]


@dataclass(frozen=True, slots=True)
class Usage:
    figures: HistoryFigures
    known: Known

    def resource(self) -> Resource:
        return Resource(
            name="usage",
            title="Usage",
            about="How often operations are used, by the day; what nobody uses could be left out of an import.",
            columns=(
                Column(name="operation", title="Operation", link="operations"),
                Column(name="calls", title="Calls", kind="number"),
                Column(name="failures", title="Failures", kind="number"),
                Column(name="failed_share", title="Failed", kind="share"),
                Column(name="last_day", title="Last day", kind="time"),
                Column(name="is_there", title="There", kind="flag", is_aside=True),
            ),
            rows=self.rows,
            key="operation",
            filters=(Filter(name="unused", title="Unused only", is_flag=True),),
            default_range="30d",
            when_empty="Nothing was called since then.",
        )

    async def rows(self, _administrator: Administrator, query: ListQuery) -> Rows:
        uses = await self.figures.uses(query.span.from_us, query.tenant_id, until_us=query.span.to_us)
        # Of all tenants, what they share is what the default tenant sees.
        known = self.known(query.tenant_id or DEFAULT_TENANT)
        rows = _unused(uses, known) if "unused" in query.filters else [_row(use, known) for use in uses]
        return page_of(rows, query, "operation")


def _unused(uses: Sequence[OperationUse], known: Mapping[str, Operation]) -> list[Row]:
    """Return the operations that nobody used."""
    used = {use.operation for use in uses}
    return [
        {"operation": name, "calls": 0, "failures": 0, "failed_share": None, "last_day": None, "is_there": True}
        for name in sorted(known.keys() - used)
    ]


def _row(use: OperationUse, known: Mapping[str, Operation]) -> Row:
    return {
        "operation": use.operation,
        "calls": use.calls,
        "failures": use.failures,
        "failed_share": round(use.failures / use.calls, 4),
        "last_day": use.last_day_us,
        "is_there": use.operation in known,
    }
