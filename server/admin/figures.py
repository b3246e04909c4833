"""The five figures of the dashboard over a stretch of time: P95, calls, token refreshes, AI spend, error rate. From sums alone."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from server.admin.resource import Kind, Span
from server.storage.ai_gateway.model_spend import SqlModelSpend
from server.storage.history.rollups import DAY_US, HOUR_US, percentile_ms
from server.storage.history.tables import BUCKETS
from server.storage.history.trends import CallStep, HistoryTrends, Steps

MetricName = Literal["p95", "calls", "error_rate", "refreshes", "spend"]
#: what each is called, in the order in which they are shown
TITLES: Mapping[MetricName, str] = {
    "p95": "P95 of calls",
    "calls": "Calls",
    "error_rate": "Error rate",
    "refreshes": "Token refreshes",
    "spend": "AI spend",
}
METRICS: tuple[MetricName, ...] = tuple(TITLES)
#: classes of failures that are the gateway's or its upstreams' doing (operations contract, "Class")
FAILED = ("ours", "upstream")
#: spans up to so long -> the step they are shown in: about fifty points, which is what an eye takes in
_STEPS = ((2 * HOUR_US, 5 * 60_000_000), (48 * HOUR_US, HOUR_US), (10 * DAY_US, 4 * HOUR_US), (45 * DAY_US, DAY_US))
_LONGEST_STEP_US = 7 * DAY_US
#: with more calls than that the hour is the shortest step: rows are looked through below it
MAX_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Series:
    """One line or kind of bar; None: nothing is known of that step."""

    title: str
    points: Sequence[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A figure and how it went. `total`: over the whole span, None: there is nothing to tell it from."""

    name: MetricName
    title: str
    kind: Kind
    total: float | None
    steps: Steps
    series: Sequence[Series]
    #: parts of one sum, or lines beside each other
    is_stacked: bool = False
    #: what else is worth saying, as (words, kind, figure)
    beside: Sequence[tuple[str, Kind, float]] = field(default_factory=tuple)


@dataclass(slots=True)
class _Sum:
    calls: int = 0
    failed: int = 0
    buckets: list[int] = field(default_factory=lambda: [0] * BUCKETS)

    def add(self, step: CallStep) -> None:
        self.calls += step.calls
        self.failed += step.calls if step.error_class in FAILED else 0
        self.buckets = [mine + its for mine, its in zip(self.buckets, step.buckets, strict=True)]


class FigureReader:
    def __init__(self, trends: HistoryTrends, spend: SqlModelSpend) -> None:
        self._trends, self._spend = trends, spend

    async def metrics(self, span: Span, tenant_id: str | None, names: Sequence[MetricName] = METRICS) -> Sequence[Metric]:
        """Return the metrics of these names in their order; `tenant_id` None: of all tenants."""
        steps = await self._steps(span)
        found: dict[str, Metric] = {}
        if {"p95", "calls", "error_rate"} & set(names):
            found = {metric.name: metric for metric in _of_calls(steps, await self._trends.calls(steps, tenant_id))}
        others: Mapping[MetricName, Callable[[], Awaitable[Metric]]] = {
            "refreshes": lambda: self._refreshes(steps, tenant_id),
            "spend": lambda: self._spent(steps, tenant_id),
        }
        return [found[name] if name in found else await others[name]() for name in names]

    async def _steps(self, span: Span) -> Steps:
        steps = steps_of(span)
        if steps.step_us < HOUR_US and await self._trends.count(steps.from_us, steps.to_us) > MAX_ROWS:
            return _even(span, HOUR_US)
        return steps

    async def _refreshes(self, steps: Steps, tenant_id: str | None) -> Metric:
        hourly = steps if steps.step_us >= HOUR_US else _even(Span(from_us=steps.from_us, to_us=steps.to_us), HOUR_US)
        good, bad = _zeros(hourly), _zeros(hourly)
        for step in await self._trends.tokens(hourly, tenant_id):
            if step.grant_type == "refresh_token":
                (good if step.is_good else bad)[step.place] += step.requests
        refused = sum(bad)
        return Metric(
            name="refreshes",
            title=TITLES["refreshes"],
            kind="number",
            total=sum(good),
            steps=hourly,
            series=(Series("issued", good), Series("refused", bad)),
            is_stacked=True,
            beside=(("refused", "number", refused),) if refused else (),
        )

    async def _spent(self, steps: Steps, tenant_id: str | None) -> Metric:
        cost, calls = _zeros(steps), 0
        for step in await self._spend.steps(steps.from_us, steps.to_us, steps.step_us, tenant_id):
            cost[step.place] = step.cost_nano_usd
            calls += step.calls
        total = sum(cost)
        return Metric(
            name="spend",
            title=TITLES["spend"],
            kind="money_nano_usd",
            total=total,
            steps=steps,
            series=(Series("spent", cost),),
            is_stacked=True,
            beside=(("model calls", "number", calls),) if calls else (),
        )


def steps_of(span: Span) -> Steps:
    """Return the steps that a span is shown in; the first begins at or before the span does."""
    length = span.to_us - span.from_us
    return _even(span, next((step for most, step in _STEPS if length <= most), _LONGEST_STEP_US))


def _even(span: Span, step_us: int) -> Steps:
    # Weeks begin where the span does, on a whole day; everything else at even times of UTC.
    unit_us = min(step_us, DAY_US)
    return Steps(span.from_us // unit_us * unit_us, span.to_us, step_us)


def _zeros(steps: Steps) -> list[float]:
    return [0.0] * len(steps.moments)


def _of_calls(steps: Steps, found: Sequence[CallStep]) -> Sequence[Metric]:
    sums, whole = [_Sum() for _ in steps.moments], _Sum()
    good, caller = _zeros(steps), _zeros(steps)
    for step in found:
        sums[step.place].add(step)
        whole.add(step)
        if step.error_class not in FAILED:
            (caller if step.error_class else good)[step.place] += step.calls
    p95, p50 = percentile_ms(whole.buckets, 0.95), percentile_ms(whole.buckets, 0.5)
    return (
        Metric(
            name="p95",
            title=TITLES["p95"],
            kind="duration_ms",
            total=p95,
            steps=steps,
            series=(
                Series("P95", [percentile_ms(each.buckets, 0.95) for each in sums]),
                Series("median", [percentile_ms(each.buckets, 0.5) for each in sums]),
            ),
            beside=(("median", "duration_ms", p50),) if p50 is not None else (),
        ),
        Metric(
            name="calls",
            title=TITLES["calls"],
            kind="number",
            total=whole.calls,
            steps=steps,
            series=(
                Series("went well", good),
                Series("callers' and set-up", caller),
                Series("ours and upstream's", [float(each.failed) for each in sums]),
            ),
            is_stacked=True,
            beside=(("failed", "number", whole.failed),) if whole.failed else (),
        ),
        Metric(
            name="error_rate",
            title=TITLES["error_rate"],
            kind="share",
            total=whole.failed / whole.calls if whole.calls else None,
            steps=steps,
            series=(Series("ours and upstream's", [each.failed / each.calls if each.calls else None for each in sums]),),
        ),
    )
