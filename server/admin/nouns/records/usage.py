"""Usage: how often each operation is used, and which never are."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from server.admin.administrators import Administrator
from server.admin.lists.cursors import page_of
from server.admin.resource import Column, Filter, ListQuery, Resource, Row, Rows
from server.storage.history.figures import HistoryFigures
from server.storage.history.operation_uses import OperationUse
from tools.turns import in_turns

#: what the operations are called that a tenant sees; None: any tenant
Known = Callable[[str | None], Collection[str]]


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
            is_read_whole=True,
            key="operation",
            filters=(Filter(name="unused", title="Unused only", is_flag=True),),
            default_range="30d",
            when_empty="Nothing was called since then.",
        )

    async def rows(self, _administrator: Administrator, query: ListQuery) -> Rows:
        uses = await self.figures.uses(query.span.from_us, query.tenant_id, until_us=query.span.to_us)
        known = self.known(query.tenant_id)
        rows = _unused(uses, known) if "unused" in query.filters else [_row(use, known) async for use in in_turns(uses)]
        return page_of(rows, query, "operation")


def _unused(uses: Sequence[OperationUse], known: Collection[str]) -> list[Row]:
    """Return the operations that nobody used."""
    used = {use.operation for use in uses}
    return [
        {"operation": name, "calls": 0, "failures": 0, "failed_share": None, "last_day": None, "is_there": True}
        for name in sorted(set(known) - used)
    ]


def _row(use: OperationUse, known: Collection[str]) -> Row:
    return {
        "operation": use.operation,
        "calls": use.calls,
        "failures": use.failures,
        "failed_share": round(use.failures / use.calls, 4),
        "last_day": use.last_day_us,
        "is_there": use.operation in known,
    }
