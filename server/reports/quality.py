"""How well calls went: times and failures, day by day and tool by tool."""

from collections.abc import Sequence
from datetime import UTC, datetime

from server.reports.call_totals import CallTotals, totals_of
from server.reports.report import Figure, Report, Table, rows_of
from server.reports.sources import Scope, Sources
from server.storage.history.figures import CallSum
from tools.operation import Json


async def quality(sources: Sources, scope: Scope) -> Report:
    """Return percentiles and error rates of the scope's days, with the upstream's share of the time."""
    sums = await sources.store.figures.sums(scope.from_us, scope.to_us - 1, scope.tenant_id, by_day=True)
    total = totals_of(sums)
    figures = (
        Figure("half of the calls took at most", total.percentile_ms(0.5), "ms"),
        Figure("95 of 100", total.percentile_ms(0.95), "ms"),
        Figure("99 of 100", total.percentile_ms(0.99), "ms"),
        Figure("of the time was the upstream's", 100 * total.upstream_ms / total.sum_ms if total.sum_ms else None, "percent"),
        Figure("failed by us or an upstream", total.error_percent, "percent"),
    )
    by_day = {datetime.fromtimestamp(each.at_us / 1e6, UTC).date().isoformat(): each.at_us for each in sums}
    days = [(day, totals_of([each for each in sums if each.at_us == at_us])) for day, at_us in sorted(by_day.items())]
    tools = [(tool, totals_of([each for each in sums if each.tool == tool])) for tool in sorted({each.tool for each in sums})]
    columns = ("calls", "failed percent", "p50 ms", "p95 ms", "p99 ms")
    tables = (
        Table("Day by day", ("day", *columns), rows_of([[day, *_row(of)] for day, of in days])),
        Table("By entry", ("entry", *columns), rows_of([[tool, *_row(of)] for tool, of in tools])),
        Table("Failures by code", ("code", "class", "calls"), rows_of(_codes(sums))),
    )
    return Report("How well it went", figures, tables, counts={"calls": total.calls, "failed": total.failed})


def _row(totals: CallTotals) -> list[Json]:
    percentiles = [totals.percentile_ms(share) for share in (0.5, 0.95, 0.99)]
    share = totals.error_percent
    return [totals.calls, None if share is None else round(share, 2), *(None if ms is None else round(ms, 1) for ms in percentiles)]


def _codes(sums: Sequence[CallSum]) -> list[list[Json]]:
    found: dict[tuple[str, str], int] = {}
    for each in sums:
        if each.code:
            found[each.code, each.error_class] = found.get((each.code, each.error_class), 0) + each.calls
    return [[code, error_class, calls] for (code, error_class), calls in sorted(found.items(), key=lambda one: -one[1])]
