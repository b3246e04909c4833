"""Calls of a time added up from the sums of the history."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from server.reports.sources import Scope
from server.storage.history.figures import CallSum, HistoryFigures
from server.storage.history.rollups import percentile_ms
from server.storage.history.tables import BUCKETS


@dataclass(slots=True)
class CallTotals:
    """`by_class`: failures by whose affair they were."""

    calls: int = 0
    sum_ms: float = 0.0
    upstream_ms: float = 0.0
    by_class: dict[str, int] = field(default_factory=dict)
    buckets: list[int] = field(default_factory=lambda: [0] * BUCKETS)

    def add(self, each: CallSum) -> None:
        self.calls += each.calls
        self.sum_ms += each.sum_ms
        self.upstream_ms += each.sum_upstream_ms
        if each.error_class:
            self.by_class[each.error_class] = self.by_class.get(each.error_class, 0) + each.calls
        self.buckets = [mine + its for mine, its in zip(self.buckets, each.buckets, strict=True)]

    @property
    def failed(self) -> int:
        return sum(self.by_class.values())

    @property
    def error_percent(self) -> float | None:
        """Ours and the upstream's (operations contract, "Class"); None: there were no calls."""
        broken = self.by_class.get("ours", 0) + self.by_class.get("upstream", 0)
        return 100 * broken / self.calls if self.calls else None

    def percentile_ms(self, share: float) -> float | None:
        return percentile_ms(self.buckets, share)


def totals_of(sums: Sequence[CallSum]) -> CallTotals:
    """Return all of them together."""
    found = CallTotals()
    for each in sums:
        found.add(each)
    return found


async def totals_in(figures: HistoryFigures, scope: Scope) -> CallTotals:
    """Return the calls of a scope, which begins and ends at midnight."""
    return totals_of(await figures.sums(scope.from_us, scope.to_us - 1, scope.tenant_id, by_day=True))
