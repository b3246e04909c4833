"""What the gateway itself takes of a call, apart from waiting for its upstream: counted for metrics and alerts."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate

from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from tools.metering.percentile import percentile
from tools.stores import CallRecord

#: upper ends in milliseconds; the last bucket has none
OVERHEAD_MS = (1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 25.0, 50.0, 100.0, 250.0)


class CallOverhead(Collector):
    """Of calls that went to an upstream once: what a plan does side by side has no overhead of its own."""

    def __init__(self) -> None:
        self.counts = [0] * (len(OVERHEAD_MS) + 1)
        self._sum_ms = 0.0

    def add(self, records: Sequence[CallRecord]) -> None:
        for record in records:
            if record.upstream_ms is not None and record.tool != "batch_execute":
                overhead_ms = max(0.0, record.duration_ms - record.upstream_ms)
                self.counts[bisect_left(OVERHEAD_MS, overhead_ms)] += 1
                self._sum_ms += overhead_ms

    def collect(self) -> Iterable[Metric]:
        ends = [*(str(each / 1_000) for each in OVERHEAD_MS), "+Inf"]
        yield HistogramMetricFamily(
            "ascend_call_overhead_seconds",
            "What the gateway itself took of calls that went to an upstream",
            buckets=list(zip(ends, accumulate(self.counts), strict=True)),
            sum_value=self._sum_ms / 1_000,
        )


def percentile_ms(counts: Sequence[int], share: float) -> float:
    """Return below which overhead `share` of the calls stay; 0.0: there were none."""
    return percentile(counts, (*OVERHEAD_MS, 2 * OVERHEAD_MS[-1]), share) or 0.0
